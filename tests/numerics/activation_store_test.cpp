// Layout, packing and round trips of stored activations.
#include "models/numerics/activation_store.h"

#include <catch2/catch.hpp>

#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

ActivationLayout Layout(Format format, int block, int pixels, int channels) {
  ActivationLayout layout;
  layout.format = format;
  layout.block = block;
  layout.pixels = pixels;
  layout.channels = channels;
  return layout;
}

TEST_CASE("storage takes 4 + 8/B + 32/N bits an element") {
  for (int block : {8, 16, 32, 64, 128}) {
    const ActivationLayout layout = Layout(Format::kNvfp4, block, 1, 4096);
    CHECK(layout.bits_per_element() == 4 + 8.0 / block + 32.0 / 4096);
  }
  CHECK(Layout(Format::kNvfp4, 16, 1, 4096).bits_per_element() == Approx(4.5078).margin(5e-5));
  CHECK(Layout(Format::kFp4, 16, 1, 4096).bits_per_element() == 4);
  CHECK(Layout(Format::kFp32, 16, 3, 5).bits_per_element() == 32);
  // Three channels: two code bytes and a scale byte a pixel.
  CHECK(Layout(Format::kNvfp4, 16, 10, 3).bits_per_element() == (10 * 3 * 8 + 32) / 30.0);
}

TEST_CASE("binary32 is little-endian") {
  const float x = BitsFloat(0x01020304);
  const StoredActivations stored = StoreTensor(Layout(Format::kFp32, 16, 1, 1), {}, &x);
  CHECK(stored.codes == std::vector<uint8_t>{4, 3, 2, 1});
  CHECK(stored.scales.empty());
}

TEST_CASE("stored tensors load as they were quantised, odd channel counts included") {
  Random random(21);
  for (int trial = 0; trial < 200; ++trial) {
    const int pixels = random.Int(1, 9);
    const int channels = random.Int(1, 300);
    const ActivationLayout layout = Layout(Format::kNvfp4, random.Block(), pixels, channels);
    const std::vector<float> x = random.Values(pixels * channels);
    const TensorScale scale = TensorScaleFromAmax(AmaxIgnoringNan(x.data(), x.size()));
    const StoredActivations stored = StoreTensor(layout, scale, x.data());
    INFO("B=" << layout.block << " " << pixels << " x " << channels);
    REQUIRE(stored.codes.size() == static_cast<size_t>(pixels * ((channels + 1) / 2)));
    REQUIRE(stored.scales.size() ==
            static_cast<size_t>(pixels * BlockCount(channels, layout.block)));

    std::vector<float> expected;
    for (int p = 0; p < pixels; ++p) {
      std::vector<uint8_t> codes(static_cast<size_t>(channels));
      std::vector<uint8_t> scales(layout.scale_bytes_per_pixel());
      QuantizeRow(&x[static_cast<size_t>(p * channels)], channels, Format::kNvfp4, layout.block,
                  scale, codes.data(), scales.data());
      for (int c = 0; c < channels; ++c) {
        expected.push_back(DequantizeNvfp4(codes[static_cast<size_t>(c)],
                                           scales[static_cast<size_t>(c / layout.block)],
                                           scale.decode));
      }
      if (channels % 2 != 0) {
        const size_t last = static_cast<size_t>(p + 1) * layout.code_bytes_per_pixel() - 1;
        CHECK(stored.codes[last] >> 4 == 0);
      }
    }
    CHECK(Bits(LoadTensor(stored)) == Bits(expected));
    // What was loaded is stored as the same bytes.
    const StoredActivations again = StoreTensor(layout, scale, expected.data());
    CHECK(again.codes == stored.codes);
    CHECK(again.scales == stored.scales);
  }
}

TEST_CASE("unscaled FP4 and binary32 round trips") {
  Random random(22);
  for (int channels : {1, 7, 128, 129, 300}) {
    std::vector<float> x = random.Values(3 * channels);
    const StoredActivations words =
        StoreTensor(Layout(Format::kFp32, 16, 3, channels), {}, x.data());
    CHECK(Bits(LoadTensor(words)) == Bits(x));
    const StoredActivations fp4 =
        StoreTensor(Layout(Format::kFp4, 16, 3, channels), {2.0f, 0.5f}, x.data());
    CHECK(fp4.scales.empty());
    CHECK(fp4.scale.decode == 1.0f);  // a format without a tensor scale has none
    for (float& value : x) value = DecodeE2M1(EncodeE2M1(value));
    CHECK(Bits(LoadTensor(fp4)) == Bits(x));
  }
}

TEST_CASE("a pixel writes its own bytes only") {
  Random random(23);
  for (Format format : {Format::kNvfp4, Format::kFp4, Format::kFp32}) {
    const ActivationLayout layout = Layout(format, 16, 1, 37);
    const std::vector<float> x = random.Values(37);
    std::vector<uint8_t> codes(layout.code_bytes_per_pixel() + 1, 0xA5);
    std::vector<uint8_t> scales(layout.scale_bytes_per_pixel() + 1, 0xA5);
    StorePixel(layout, {}, x.data(), codes.data(), scales.data());
    CHECK(codes.back() == 0xA5);
    CHECK(scales.back() == 0xA5);
  }
}

}  // namespace
}  // namespace nibble::numerics
