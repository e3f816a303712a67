#include "models/numerics/quantize.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

constexpr uint32_t kOneSixthBits = 0x3E2AAAAB;  // RNE32(1 / 6)

}  // namespace

TensorScale TensorScaleFromAmax(float amax, float largest) {
  if (!(amax > 0.0f) || std::isinf(amax)) return {};
  const float encode = std::min(largest / amax, FLT_MAX);
  return {encode, 1.0f / encode};
}

float AmaxIgnoringNan(const float* x, size_t count) {
  // Magnitudes order as their bit patterns do, and an integer maximum vectorises.
  int32_t amax = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto magnitude = static_cast<int32_t>(MagnitudeBits(x[i]));
    const int32_t number = magnitude > static_cast<int32_t>(kInfinity) ? 0 : magnitude;
    amax = number > amax ? number : amax;
  }
  return BitsFloat(static_cast<uint32_t>(amax));
}

uint8_t QuantizeNvfp4Block(const float* x, int count, const TensorScale& scale, uint8_t* codes) {
  const float multiplier = scale.encode * BitsFloat(kOneSixthBits);
  const float amax = AmaxIgnoringNan(x, static_cast<size_t>(count));
  const uint8_t scale_byte = EncodeE4M3(amax * multiplier);  // which caps at 448
  // A scale that rounds to zero gives 1 / 0 = Inf, and that FLT_MAX: all non-zero elements become
  // +-6 times scale 0.
  const float encode = std::min(1.0f / (DecodeE4M3(scale_byte) * scale.decode), FLT_MAX);
  for (int i = 0; i < count; ++i) codes[i] = EncodeE2M1(x[i] * encode);  // which clamps to +-6
  return scale_byte;
}

float DequantizeNvfp4(uint8_t code, uint8_t scale_byte, float s_dec) {
  const float scale = DecodeE4M3(scale_byte) * s_dec;
  return DecodeE2M1(code) * scale;
}

void QuantizeRow(const float* x, int count, Format format, int block, const TensorScale& scale,
                 uint8_t* codes, uint8_t* scales) {
  switch (format) {
    case Format::kNvfp4:
      for (int begin = 0; begin < count; begin += block) {
        *scales++ =
            QuantizeNvfp4Block(x + begin, std::min(block, count - begin), scale, codes + begin);
      }
      return;
    case Format::kFp4:
      for (int i = 0; i < count; ++i) codes[i] = EncodeE2M1(x[i]);
      return;
    default:
      throw std::invalid_argument(std::string("no block quantiser for format ") +
                                  FormatName(format));
  }
}

QuantizedWeights QuantizeWeights(const float* x, int rows, int segments, int segment, Format format,
                                 int block, OuterScale outer, const Rounding& rounding) {
  if (outer != OuterScale::kNone && SpecOf(format).outer == OuterScale::kNone) {
    throw std::invalid_argument(std::string(FormatName(format)) + " has no FP32 scale");
  }
  const bool block_scales = HasBlockScale(format);
  const auto run_length = static_cast<size_t>(segment);
  const size_t row_length = run_length * static_cast<size_t>(segments);
  const auto all = static_cast<size_t>(rows) * row_length;
  QuantizedWeights weights;
  weights.format = format;
  weights.block = block;
  weights.rows = rows;
  weights.segments = segments;
  weights.segment = segment;
  weights.codes.resize(all);

  TensorScale scale;
  if (outer == OuterScale::kTensor) {
    scale = OuterScaleFromAmax(format, AmaxIgnoringNan(x, all));
  }
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    if (outer == OuterScale::kChannel) {
      scale = OuterScaleFromAmax(format, AmaxIgnoringNan(x + row * row_length, row_length));
    }
    weights.channel_scale.push_back(scale.decode);
    for (size_t run = 0; run < row_length; run += run_length) {
      for (int begin = 0; begin < segment; begin += block) {
        const size_t at = row * row_length + run + static_cast<size_t>(begin);
        const uint32_t bits = QuantizeBlock(format, x + at, std::min(block, segment - begin), scale,
                                            rounding, at, &weights.codes[at]);
        if (block_scales) weights.scales.push_back(bits);
      }
    }
  }
  return weights;
}

}  // namespace nibble::numerics
