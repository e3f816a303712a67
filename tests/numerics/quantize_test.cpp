// Laws of the quantisers over random inputs.
#include "models/numerics/quantize.h"

#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>
#include <limits>

#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

struct Row {
  TensorScale scale;
  std::vector<uint8_t> codes, scales;
};

Row Quantize(const std::vector<float>& x, int block) {
  const auto count = static_cast<int>(x.size());
  Row row{TensorScaleFromAmax(AmaxIgnoringNan(x.data(), x.size())), std::vector<uint8_t>(x.size()),
          std::vector<uint8_t>(static_cast<size_t>(BlockCount(count, block)))};
  QuantizeRow(x.data(), count, Format::kNvfp4, block, row.scale, row.codes.data(),
              row.scales.data());
  return row;
}

std::vector<float> Dequantize(const Row& row, int block) {
  std::vector<float> x;
  for (size_t i = 0; i < row.codes.size(); ++i) {
    x.push_back(DequantizeNvfp4(row.codes[i], row.scales[i / static_cast<size_t>(block)],
                                row.scale.decode));
  }
  return x;
}

TEST_CASE("quantising a dequantised row changes nothing") {
  Random random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const int block = random.Block();
    const Row row = Quantize(random.Values(random.Int(1, 400)), block);
    const std::vector<float> x = Dequantize(row, block);
    Row again = row;
    QuantizeRow(x.data(), static_cast<int>(x.size()), Format::kNvfp4, block, row.scale,
                again.codes.data(), again.scales.data());
    CHECK(again.scales == row.scales);
    CHECK(again.codes == row.codes);
  }
}

TEST_CASE("scaling a row by a power of two scales the tensor scale alone") {
  Random random(2);
  for (int trial = 0; trial < 300; ++trial) {
    const int block = random.Block();
    const float factor = std::ldexp(1.0f, random.Int(-40, 40));
    std::vector<float> x = random.Values(random.Int(1, 400));
    const Row row = Quantize(x, block);
    for (float& value : x) value *= factor;
    const Row scaled = Quantize(x, block);
    CHECK(scaled.scale.decode == row.scale.decode * factor);
    CHECK(scaled.scales == row.scales);
    CHECK(scaled.codes == row.codes);
  }
}

TEST_CASE("padding a row with zeros adds zero codes and zero scales only") {
  Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const int block = random.Block();
    std::vector<float> x = random.Values(random.Int(1, 400));
    const Row row = Quantize(x, block);
    x.resize(x.size() + static_cast<size_t>(random.Int(1, 300)));
    Row padded = Quantize(x, block);
    const auto all_zero = [](const std::vector<uint8_t>& bytes, size_t from) {
      return std::all_of(bytes.begin() + static_cast<ptrdiff_t>(from), bytes.end(),
                         [](uint8_t byte) { return byte == 0; });
    };
    CHECK(all_zero(padded.codes, row.codes.size()));
    CHECK(all_zero(padded.scales, row.scales.size()));
    padded.codes.resize(row.codes.size());
    padded.scales.resize(row.scales.size());
    CHECK(padded.codes == row.codes);
    CHECK(padded.scales == row.scales);
  }
}

TEST_CASE("the error of an element stays within half a step and the rounding of its scale") {
  Random random(4);
  for (int trial = 0; trial < 100; ++trial) {
    const int block = random.Block();
    const std::vector<float> x = random.Values(512);
    const Row row = Quantize(x, block);
    const std::vector<float> y = Dequantize(row, block);
    for (size_t i = 0; i < x.size(); ++i) {
      const float scale = DecodeE4M3(row.scales[i / static_cast<size_t>(block)]) * row.scale.decode;
      // Steps are at most 2 (from 4 to 6); a scale that was rounded down by 1/16 clips at 6.375.
      REQUIRE(std::fabs(x[i] - y[i]) <= 1.001f * scale);
    }
  }
}

TEST_CASE("a static tensor scale below the data saturates") {
  const float x[] = {1000.0f, -1000.0f, 1.0f, 0.0f};
  const TensorScale scale = TensorScaleFromAmax(1.0f);
  uint8_t codes[4];
  CHECK(QuantizeNvfp4Block(x, 4, scale, codes) == 0x7E);
  CHECK(codes[0] == 7);
  CHECK(codes[1] == 15);
  CHECK(DequantizeNvfp4(codes[0], 0x7E, scale.decode) == Approx(1.0f));
}

TEST_CASE("tensor scales at the ends of the range") {
  const float inf = std::numeric_limits<float>::infinity();
  for (float amax : {0.0f, inf, BitsFloat(kCanonicalNan)}) {
    CHECK(TensorScaleFromAmax(amax).encode == 1.0f);
    CHECK(TensorScaleFromAmax(amax).decode == 1.0f);
  }
  CHECK(TensorScaleFromAmax(2688.0f).encode == 1.0f);
  CHECK(TensorScaleFromAmax(FLT_TRUE_MIN).encode == FLT_MAX);
  CHECK(FloatBits(TensorScaleFromAmax(FLT_TRUE_MIN).decode) == 0x00200000);

  const float nan = BitsFloat(0xFFC00000);
  const float x[] = {nan, -3.0f, 2.0f, nan};
  CHECK(AmaxIgnoringNan(x, 4) == 3.0f);
  CHECK(AmaxIgnoringNan(x, 1) == 0.0f);
  CHECK(AmaxIgnoringNan(x, 0) == 0.0f);
}

TEST_CASE("NVFP4 and FP4 weights: blocks start anew at each run") {
  Random random(5);
  const int rows = 5, segments = 3, segment = 21, block = 16;
  const std::vector<float> x = random.Values(rows * segments * segment);
  const QuantizedWeights weights =
      QuantizeWeights(x.data(), rows, segments, segment, Format::kNvfp4, block);
  const TensorScale scale = TensorScaleFromAmax(AmaxIgnoringNan(x.data(), x.size()));
  REQUIRE(weights.scales.size() == rows * segments * 2);
  CHECK(weights.channel_scale == std::vector<float>(rows, scale.decode));
  size_t at = 0, block_at = 0;
  for (int run = 0; run < rows * segments; ++run) {
    for (int count : {16, 5}) {
      uint8_t codes[16];
      CHECK(QuantizeNvfp4Block(&x[at], count, scale, codes) == weights.scales[block_at++]);
      for (int i = 0; i < count; ++i) CHECK(weights.codes[at++] == codes[i]);
    }
  }

  const QuantizedWeights plain =
      QuantizeWeights(x.data(), rows, segments, segment, Format::kFp4, block);
  CHECK(plain.scales.empty());
  CHECK(plain.channel_scale == std::vector<float>(rows, 1.0f));
  for (size_t i = 0; i < x.size(); ++i) CHECK(plain.codes[i] == EncodeE2M1(x[i]));
}

TEST_CASE("FP8 weights use the whole range of each channel, FP16 weights round once") {
  Random random(6);
  const int rows = 4, segments = 9, segment = 7;
  std::vector<float> x = random.Values(rows * segments * segment);
  std::fill_n(x.begin() + segments * segment, segments * segment, 0.0f);  // row 1
  const QuantizedWeights fp8 = QuantizeWeights(x.data(), rows, segments, segment, Format::kFp8, 16);
  CHECK(fp8.scales.empty());
  CHECK(fp8.channel_scale[1] == 1.0f);
  for (int row = 0; row < rows; ++row) {
    int largest = 0;
    for (int i = 0; i < segments * segment; ++i) {
      const auto at = static_cast<size_t>(row * segments * segment + i);
      largest = std::max(largest, fp8.codes[at] & 0x7F);
      CHECK(std::fabs(DecodeE4M3(static_cast<uint8_t>(fp8.codes[at])) * fp8.channel_scale[row] -
                      x[at]) <= std::fabs(x[at]) / 15 + fp8.channel_scale[row] * 0x1p-10f);
    }
    CHECK(largest == (row == 1 ? 0 : 0x7E));
  }

  const QuantizedWeights fp16 =
      QuantizeWeights(x.data(), rows, segments, segment, Format::kFp16, 16);
  CHECK(fp16.channel_scale == std::vector<float>(rows, 1.0f));
  for (size_t i = 0; i < x.size(); ++i) CHECK(fp16.codes[i] == EncodeFp16(x[i]));
  CHECK_THROWS_AS(QuantizeWeights(x.data(), rows, segments, segment, Format::kFp32, 16),
                  std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
