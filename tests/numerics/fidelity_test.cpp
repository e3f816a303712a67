// Packing of codes, what a quantised tensor loses, and weights by profile.
#include "models/numerics/fidelity.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "models/numerics/elements.h"
#include "models/numerics/packing.h"
#include "models/numerics/weight_profiles.h"

namespace nibble::numerics {
namespace {

std::vector<float> Normal(size_t count, uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& v : x) v = normal(random) * scale;
  return x;
}

TEST_CASE("packed NVFP4 is imported as the tensor that it was") {
  const std::vector<float> x = Normal(7 * 37, 2);
  const BlockTensor tensor = QuantizeNvfp4(x.data(), 7, 37, 16, Profile::kModelOpt);
  const BlockTensor back = ImportNvfp4(7, 37, 16, PackRows(tensor.codes, 7, 4), PackScales(tensor),
                                       tensor.outer[0].decode);
  CHECK(back.codes == tensor.codes);
  CHECK(back.scales == tensor.scales);
  CHECK(back.outer[0].decode == tensor.outer[0].decode);
}

TEST_CASE("elements saturate where rounding would pass the largest") {
  // Without scales; the limits are halfway to the next power or integer that the format lacks.
  const auto saturated = [](Format format, std::vector<float> x) {
    return CompareWithSource(Quantize(x.data(), 1, static_cast<int>(x.size()), format), x.data())
        .saturated;
  };
  CHECK(saturated(Format::kFp4, {6, 6.99f, -6.99f, 0}) == 0);
  CHECK(saturated(Format::kFp4, {7, -7, 100, 0}) == 3);
  CHECK(saturated(Format::kFp16, {65519, 65520, -1e9f}) == 2);
  const auto calibrated = [](Format format, float amax, std::vector<float> x) {
    QuantizeOptions options;
    options.amax = amax;
    return CompareWithSource(Quantize(x.data(), 1, static_cast<int>(x.size()), format, options),
                             x.data())
        .saturated;
  };
  CHECK(calibrated(Format::kInt8Channel, 127, {127, 127.25f, 127.5f, -200}) == 2);
  CHECK(calibrated(Format::kFp8, 448, {448, 463, 464, -500}) == 2);
  CHECK(calibrated(Format::kFp4Tensor, 6, {6, 7}) == 1);
}

TEST_CASE("no scale from a block's own amax saturates its elements") {
  const std::vector<float> x = Normal(64 * 64, 3);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.block_scale == BlockScale::kNone || spec.block_scale == BlockScale::kE8M0) continue;
    CAPTURE(spec.name);
    CHECK(CompareWithSource(Quantize(x.data(), 64, 64, spec.format), x.data()).saturated == 0);
  }
}

TEST_CASE("counts of zeros, underflows and blocks") {
  std::vector<float> x(16 * 4);
  x[0] = 1;
  for (size_t i = 16; i < 32; ++i) x[i] = 1e-20f;
  x[33] = -0.0f;
  x[48] = std::nanf("");
  x[49] = INFINITY;
  QuantizeOptions options;
  options.amax = 1.0f;
  const Fidelity f =
      CompareWithSource(Quantize(x.data(), 2, 32, Format::kNvfp4, options), x.data());
  CHECK(f.elements == 64);
  CHECK(f.blocks == 4);
  CHECK(f.scale_underflows == 1);
  CHECK(f.zero_blocks == 1);
  CHECK(f.not_finite == 2);
  CHECK(f.zero_codes == 15 + 16 + 14);
  CHECK(f.saturated == 1);  // the infinity
  CHECK(std::isfinite(f.noise));
}

TEST_CASE("stored bits are those of the bytes and scales") {
  const std::vector<float> x = Normal(3 * 21, 4);
  const BlockTensor tensor = Quantize(x.data(), 3, 21, Format::kNvfp4);
  CHECK(StoredBitsPerElement(tensor, true) == Approx((3 * (11 + 2) * 8 + 32) / 63.0));
  CHECK(StoredBitsPerElement(tensor, false) == Approx(3 * (11 + 2) * 8 / 63.0));
  const BlockTensor channel = Quantize(x.data(), 3, 21, Format::kInt8Channel);
  CHECK(StoredBitsPerElement(channel, true) == Approx((3 * 21 * 8 + 3 * 32) / 63.0));
}

TEST_CASE("weights by profile are the profile's tensor, blocks anew at each run") {
  const int rows = 5, segments = 9, segment = 21;
  const std::vector<float> x = Normal(static_cast<size_t>(rows * segments * segment), 5, 0.05f);
  for (const ProfileSpec& spec : AllProfiles()) {
    for (const int block : {8, 16, 128}) {
      CAPTURE(spec.name, block);
      const QuantizedWeights w =
          QuantizeWeightsByProfile(x.data(), rows, segments, segment, block, spec.profile);
      const BlockTensor t = QuantizeNvfp4(x.data(), rows * segments, segment, block, spec.profile);
      REQUIRE(w.codes == t.codes);
      REQUIRE(std::vector<uint32_t>(w.scales.begin(), w.scales.end()) == t.scales);
      REQUIRE(w.channel_scale == std::vector<float>(rows, t.outer[0].decode));
      REQUIRE(w.rows == rows);
      REQUIRE(w.segments == segments);
      REQUIRE(w.segment == segment);
      REQUIRE(w.block == block);
      REQUIRE(w.format == Format::kNvfp4);
    }
  }
}

TEST_CASE("under a scale per channel each channel is the profile's tensor") {
  const int rows = 5, segments = 4, segment = 21;
  const size_t row_length = segments * segment;
  std::vector<float> x = Normal(rows * row_length, 7, 0.05f);
  for (size_t i = 0; i < x.size(); ++i) x[i] *= static_cast<float>(1 + i / row_length);
  for (const ProfileSpec& spec : AllProfiles()) {
    CAPTURE(spec.name);
    const QuantizedWeights w = QuantizeWeightsByProfile(x.data(), rows, segments, segment, 16,
                                                        spec.profile, WeightScale::kChannel);
    REQUIRE(w.rows == rows);
    QuantizedWeights joined;
    for (size_t row = 0; row < rows; ++row) {
      const BlockTensor t =
          QuantizeNvfp4(&x[row * row_length], segments, segment, 16, spec.profile);
      joined.codes.insert(joined.codes.end(), t.codes.begin(), t.codes.end());
      joined.scales.insert(joined.scales.end(), t.scales.begin(), t.scales.end());
      joined.channel_scale.push_back(t.outer[0].decode);
    }
    CHECK(w.codes == joined.codes);
    CHECK(w.scales == joined.scales);
    CHECK(w.channel_scale == joined.channel_scale);
  }
}

TEST_CASE("a scale per channel needs weights with an FP32 scale") {
  Datapath d;
  d.weight_scale = WeightScale::kChannel;
  for (const FormatSpec& spec : AllFormats()) {
    d.weights = spec.format;
    if (spec.outer == OuterScale::kNone) {
      CHECK_THROWS_WITH(CheckWeightScale(d), Catch::Contains(spec.name));
    } else {
      CHECK_NOTHROW(CheckWeightScale(d));
      CHECK(d.weight_outer() == OuterScale::kChannel);
    }
  }
  d.weights = Format::kNvfp4;
  d.weight_profile = Profile::kGgml;
  CHECK_THROWS_WITH(CheckWeightScale(d), Catch::Contains("ggml"));
  d.weight_profile = Profile::kNv;
  d.tensor_scale = ScaleSource::kNone;
  CHECK_THROWS_WITH(CheckWeightScale(d), Catch::Contains("tensor_scale"));
  d.weight_scale = WeightScale::kTensor;
  CHECK_NOTHROW(CheckWeightScale(d));
}

TEST_CASE("weights by profile nv and one-level are those that a layer stores") {
  const std::vector<float> x = Normal(4 * 3 * 40, 6);
  const auto check = [&](Profile profile, OuterScale outer) {
    const QuantizedWeights w = QuantizeWeightsByProfile(x.data(), 4, 3, 40, 16, profile);
    const QuantizedWeights plain = QuantizeWeights(x.data(), 4, 3, 40, Format::kNvfp4, 16, outer);
    CHECK(w.codes == plain.codes);
    CHECK(w.scales == plain.scales);
    CHECK(w.channel_scale == plain.channel_scale);
  };
  check(Profile::kNv, OuterScale::kTensor);
  check(Profile::kOneLevel, OuterScale::kNone);
}

TEST_CASE("a layer of zeros or of denormals has weights under every profile") {
  for (const float value : {0.0f, 1e-45f, 1e-41f}) {
    const std::vector<float> x(32, value);
    for (const ProfileSpec& spec : AllProfiles()) {
      CAPTURE(value, spec.name);
      const QuantizedWeights w = QuantizeWeightsByProfile(x.data(), 1, 1, 32, 16, spec.profile);
      CHECK(w.channel_scale[0] > 0);
      CHECK(std::isfinite(w.channel_scale[0]));
      for (const auto scale : w.scales) CHECK(scale <= 0x7E);
      for (const uint16_t code : w.codes)
        CHECK((value != 0 || DecodeElement(Element::kE2M1, code) == 0));
    }
  }
}

}  // namespace
}  // namespace nibble::numerics
