// Layout, packing and round trips of stored activations.
#include "models/numerics/activation_store.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "models/numerics/packing.h"
#include "tests/numerics/any_operands.h"
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
  // Elements and block scales, and an FP32 scale where there is one: notes, section 6.
  const auto bits = [](Format format, int block) {
    return Layout(format, block, 1, 4096).bits_per_element();
  };
  CHECK(bits(Format::kFp4Tensor, 16) == Approx(4.0078).margin(5e-5));
  CHECK(bits(Format::kMxfp4, 32) == 4.25);
  CHECK(bits(Format::kInt4, 16) == 5.0);
  CHECK(bits(Format::kInt4Fp32, 32) == 5.0);
  CHECK(bits(Format::kNvint4, 16) == Approx(4.5078).margin(5e-5));
  CHECK(bits(Format::kMxfp6, 32) == 6.25);
  CHECK(bits(Format::kMxfp8, 32) == 8.25);
  CHECK(bits(Format::kFp8, 32) == Approx(8.0078).margin(5e-5));
  CHECK(bits(Format::kInt8Channel, 32) == Approx(8.0078).margin(5e-5));
  CHECK(bits(Format::kBf16, 32) == 16);
  // Four 6-bit codes fill three bytes; five need four.
  CHECK(Layout(Format::kMxfp6, 32, 1, 5).code_bytes_per_pixel() == 4);
  // Three channels: two code bytes and a scale byte a pixel.
  CHECK(Layout(Format::kNvfp4, 16, 10, 3).bits_per_element() == (10 * 3 * 8 + 32) / 30.0);
}

TEST_CASE("strips are the blocks of each row with pixels and channels exchanged") {
  Random random(11);
  for (Format format : {Format::kNvfp4, Format::kMxfp4, Format::kMxfp6, Format::kInt4,
                        Format::kInt8, Format::kNvint4, Format::kMxfp8}) {
    for (int trial = 0; trial < 20; ++trial) {
      const int block = random.Block(), height = random.Int(1, 4), width = random.Int(1, 40),
                channels = random.Int(1, 37);
      CAPTURE(FormatName(format), block, height, width, channels);
      ActivationLayout layout = Layout(format, block, height * width, channels);
      layout.strip_row = width;
      const std::vector<float> x = random.Values(height * width * channels);
      std::vector<float> turned(x.size());  // [row][channel][column]
      const auto at = [&](int row, int column, int c) {
        return static_cast<size_t>((row * width + column) * channels + c);
      };
      for (int row = 0; row < height; ++row) {
        for (int column = 0; column < width; ++column) {
          for (int c = 0; c < channels; ++c) {
            turned[static_cast<size_t>((row * channels + c) * width + column)] =
                x[at(row, column, c)];
          }
        }
      }
      const TensorScale scale = OuterScaleFromAmax(format, 2);
      const StoredActivations strips = StoreTensor(layout, scale, x.data());
      const StoredActivations blocks =
          StoreTensor(Layout(format, block, height * channels, width), scale, turned.data());
      const std::vector<float> a = LoadTensor(strips), b = LoadTensor(blocks);
      REQUIRE(strips.codes.size() ==
              StoreTensor(Layout(format, block, height * width, channels), scale, x.data())
                  .codes.size());
      REQUIRE(strips.scales.size() == blocks.scales.size());
      const auto bytes = static_cast<size_t>(BlockScaleBits(format) / 8);
      const int per_row = BlockCount(width, block);
      for (int row = 0; row < height; ++row) {
        for (int c = 0; c < channels; ++c) {
          for (int column = 0; column < width; ++column) {
            REQUIRE(FloatBits(a[at(row, column, c)]) ==
                    FloatBits(b[static_cast<size_t>((row * channels + c) * width + column)]));
          }
          for (int strip = 0; strip < per_row; ++strip) {
            const size_t mine = static_cast<size_t>((row * per_row + strip) * channels + c);
            const size_t theirs = static_cast<size_t>((row * channels + c) * per_row + strip);
            REQUIRE(layout.scale_index(row * width + strip * block, c) == mine);
            for (size_t i = 0; i < bytes; ++i) {
              REQUIRE(strips.scales[mine * bytes + i] == blocks.scales[theirs * bytes + i]);
            }
          }
        }
      }
    }
  }
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
      std::vector<uint8_t> scales(layout.scale_row_bytes());
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

// A random tensor and the scale that its largest value asks for.
struct Tensor {
  Tensor(Random& random, Format format, int block)
      : layout(Layout(format, block, random.Int(1, 5), random.Int(1, 300))),
        x(random.Values(layout.pixels * layout.channels)) {}
  float amax() const { return AmaxIgnoringNan(x.data(), x.size()); }
  TensorScale scale() const { return OuterScaleFromAmax(layout.format, amax()); }
  StoredActivations Stored() const { return StoreTensor(layout, scale(), x.data(), rounding); }

  ActivationLayout layout;
  std::vector<float> x;
  Rounding rounding;
};

template <typename Law>
void ForAllFormats(uint32_t seed, int trials, Law law) {
  Random random(seed);
  for (const Format format : CodedFormats()) {
    for (int block : {8, 16, 32, 64, 128}) {
      for (int trial = 0; trial < trials; ++trial) {
        Tensor tensor(random, format, block);
        INFO(FormatName(format) << " B=" << block << " " << tensor.layout.pixels << " x "
                                << tensor.layout.channels);
        law(random, SpecOf(format), tensor);
      }
    }
  }
}

TEST_CASE("pixels are rows of a quantised tensor, packed, in every format and rounding") {
  ForAllFormats(24, 6, [](Random& random, const FormatSpec& spec, Tensor& t) {
    t.rounding = {static_cast<RoundingMode>(random.Int(0, 2)), random.Word(), random.Int(1, 32)};
    // A calibrated range need not be the tensor's own, and now and then a value is no number.
    const float amax = t.amax() * (random.Int(0, 1) != 0 ? 1.0f : 0.5f);
    if (random.Int(0, 3) == 0) t.x[t.x.size() / 2] = BitsFloat(kCanonicalNan);
    if (random.Int(0, 3) == 0) t.x[t.x.size() / 3] = -BitsFloat(kInfinity);
    QuantizeOptions options;
    options.block = t.layout.block;
    options.rounding = t.rounding;
    options.amax = amax;
    const BlockTensor rows =
        Quantize(t.x.data(), t.layout.pixels, t.layout.channels, spec.format, options);
    std::vector<uint8_t> codes(t.layout.code_bytes()), scales;
    for (int p = 0; p < t.layout.pixels; ++p) {
      PackCodes(ElementBits(spec.format),
                &rows.codes[static_cast<size_t>(p) * static_cast<size_t>(t.layout.channels)],
                t.layout.channels,
                codes.data() + static_cast<size_t>(p) * t.layout.code_bytes_per_pixel());
    }
    for (const uint32_t word : rows.scales) {
      for (int byte = 0; byte < BlockScaleBits(spec.format) / 8; ++byte) {
        scales.push_back(static_cast<uint8_t>(word >> 8 * byte));
      }
    }
    const StoredActivations stored =
        StoreTensor(t.layout, OuterScaleFromAmax(spec.format, amax), t.x.data(), t.rounding);
    CHECK(stored.codes == codes);
    CHECK(stored.scales == scales);
    CHECK(Bits(LoadTensor(stored)) == Bits(Dequantize(rows)));
  });
}

TEST_CASE("storing what was loaded changes nothing") {
  // To nearest only: a quotient that rounds to just below a code would be cut to the next one.
  ForAllFormats(25, 6, [](Random&, const FormatSpec& spec, Tensor& t) {
    const StoredActivations stored = t.Stored();
    const std::vector<float> loaded = LoadTensor(stored);
    const StoredActivations again = StoreTensor(t.layout, stored.scale, loaded.data());
    // The largest value may have been rounded down to half the largest element: then the scale
    // halves and the codes change, but no value does.
    if (spec.format != Format::kMxfp4Ceil) CHECK(again.codes == stored.codes);
    // RNE(RNE(7 s) / 7) can be a neighbour of a binary32 s.
    if (spec.block_scale == BlockScale::kFp32) return;
    CHECK(Bits(LoadTensor(again)) == Bits(loaded));
    if (spec.format != Format::kMxfp4Ceil) CHECK(again.scales == stored.scales);
  });
}

TEST_CASE("a power of two moves into the scales of a tensor and leaves its codes") {
  ForAllFormats(26, 4, [](Random& random, const FormatSpec& spec, Tensor& t) {
    if (spec.block_scale == BlockScale::kNone && spec.outer == OuterScale::kNone) return;
    const int range = spec.block_scale == BlockScale::kFp16 ? 3 : 40;  // few binades
    const int exponent = random.Int(-range, range);
    t.rounding = {static_cast<RoundingMode>(random.Int(0, 2)), random.Word(), 16};
    const StoredActivations stored = t.Stored();
    for (float& x : t.x) x = std::ldexp(x, exponent);
    const StoredActivations scaled = t.Stored();
    CHECK(scaled.codes == stored.codes);
    if (spec.outer != OuterScale::kNone) {
      CHECK(scaled.scales == stored.scales);
      CHECK(scaled.scale.decode == std::ldexp(stored.scale.decode, exponent));
    }
    std::vector<float> expected = LoadTensor(stored);
    for (float& x : expected) x = std::ldexp(x, exponent);
    CHECK(Bits(LoadTensor(scaled)) == Bits(expected));
  });
}

TEST_CASE("random numbers follow the places of elements, however a tensor is cut into pixels") {
  Random random(27);
  for (const Format format : CodedFormats()) {
    const int block = random.Block(), pixels = 6, channels = 2 * block;
    INFO(FormatName(format) << " B=" << block);
    Tensor tensor(random, format, block);
    tensor.rounding = {RoundingMode::kStochastic, random.Word(), 16};
    tensor.x = random.Values(pixels * channels);
    // Whole blocks, and so whole bytes: the same bytes in pixels of one block, two or four.
    tensor.layout = Layout(format, block, pixels, channels);
    const StoredActivations two = tensor.Stored();
    tensor.layout = Layout(format, block, 2 * pixels, channels / 2);
    const StoredActivations one = tensor.Stored();
    tensor.layout = Layout(format, block, pixels / 2, 2 * channels);
    const StoredActivations four = tensor.Stored();
    CHECK(one.codes == two.codes);
    CHECK(four.codes == two.codes);
    CHECK(one.scales == two.scales);
    CHECK(four.scales == two.scales);
    ++tensor.rounding.seed;
    CHECK(tensor.Stored().codes != four.codes);

    // Pixel by pixel, from the last to the first.
    --tensor.rounding.seed;
    const ActivationLayout& layout = tensor.layout;
    std::vector<uint8_t> codes(four.codes.size()), scales(four.scales.size());
    for (size_t p = static_cast<size_t>(layout.pixels); p-- > 0;) {
      const size_t first = p * static_cast<size_t>(layout.channels);
      StorePixel(layout, four.scale, &tensor.x[first],
                 codes.data() + p * layout.code_bytes_per_pixel(),
                 scales.data() + p * layout.scale_row_bytes(), tensor.rounding, first);
    }
    CHECK(codes == four.codes);
    CHECK(scales == four.scales);
  }
}

TEST_CASE("stochastic rounding gives every value in the mean") {
  // Toward or away from zero would show as a bias with the sign of the values.
  constexpr int kSeeds = 64;
  Random random(28);
  for (const Format format : CodedFormats()) {
    INFO(FormatName(format));
    const FormatSpec& spec = SpecOf(format);
    Tensor tensor(random, format, random.Block());
    tensor.layout = Layout(format, tensor.layout.block, 3, 101);
    tensor.x = random.Values(3 * 101);
    // Beyond the largest element under the block's scale values are clipped: their scale rounds
    // down, or has a factor of two only.
    const StoredActivations stored = tensor.Stored();
    const auto clipped = [&](size_t i) {
      const int bytes = BlockScaleBits(format) / 8;
      const size_t pixel = i / 101, block = i % 101 / static_cast<size_t>(tensor.layout.block);
      float scale = stored.scale.decode;
      if (bytes > 0) {
        const size_t at =
            pixel * tensor.layout.scale_row_bytes() + block * static_cast<size_t>(bytes);
        scale *= BlockScaleValue(spec.block_scale, LoadWord(&stored.scales[at], bytes));
      }
      return std::fabs(tensor.x[i]) > scale * ElementMax(spec.element);
    };
    std::vector<double> sum(tensor.x.size()), squares(tensor.x.size());
    for (int seed = 0; seed < kSeeds; ++seed) {
      tensor.rounding = {RoundingMode::kStochastic, static_cast<uint64_t>(seed), 16};
      const std::vector<float> y = LoadTensor(tensor.Stored());
      for (size_t i = 0; i < y.size(); ++i) {
        const double error = double{y[i]} - double{tensor.x[i]};
        sum[i] += error;
        squares[i] += error * error;
      }
    }
    double bias = 0, variance = 0;
    int counted = 0;
    for (size_t i = 0; i < sum.size(); ++i) {
      if (clipped(i)) continue;
      ++counted;
      bias += tensor.x[i] < 0 ? -sum[i] : sum[i];
      variance += squares[i];
    }
    CHECK(counted > 200);
    CHECK(variance > 0);
    CHECK(std::fabs(bias) < 5 * std::sqrt(variance));
  }
}

TEST_CASE("a pixel writes its own bytes only") {
  Random random(23);
  for (const FormatSpec& spec : AllFormats()) {
    INFO(spec.name);
    const ActivationLayout layout = Layout(spec.format, 16, 1, 37);
    const std::vector<float> x = random.Values(37);
    std::vector<uint8_t> codes(layout.code_bytes_per_pixel() + 1, 0xA5);
    std::vector<uint8_t> scales(layout.scale_row_bytes() + 1, 0xA5);
    StorePixel(layout, {}, x.data(), codes.data(), scales.data());
    CHECK(codes.back() == 0xA5);
    CHECK(scales.back() == 0xA5);
  }
}

}  // namespace
}  // namespace nibble::numerics
