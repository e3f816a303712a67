#include "models/numerics/quantize.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

constexpr float kScaleMax = 448.0f;             // largest E4M3
constexpr uint32_t kOneSixthBits = 0x3E2AAAAB;  // RNE32(1 / 6)

void QuantizeFp8Row(const float* x, int count, float* channel_scale, uint16_t* codes) {
  float scale = AmaxIgnoringNan(x, static_cast<size_t>(count)) / kScaleMax;
  if (scale == 0.0f || std::isinf(scale)) scale = 1.0f;
  for (int k = 0; k < count; ++k) codes[k] = EncodeE4M3(x[k] / scale);
  *channel_scale = scale;
}

void QuantizeFp4Row(const float* x, int count, Format format, int block, const TensorScale& scale,
                    uint16_t* codes, uint8_t* scales) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  QuantizeRow(x, count, format, block, scale, bytes.data(), scales);
  std::copy(bytes.begin(), bytes.end(), codes);
}

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
                                 int block, ScaleSource source) {
  QuantizedWeights weights;
  weights.format = format;
  weights.block = block;
  weights.rows = rows;
  weights.segments = segments;
  weights.segment = segment;

  const auto runs = static_cast<size_t>(rows) * static_cast<size_t>(segments);
  const auto run_length = static_cast<size_t>(segment);
  const size_t row_length = run_length * static_cast<size_t>(segments);
  const auto run_blocks = static_cast<size_t>(BlockCount(segment, block));
  weights.codes.resize(runs * run_length);
  weights.channel_scale.assign(static_cast<size_t>(rows), 1.0f);

  switch (format) {
    case Format::kNvfp4:
    case Format::kFp4: {
      TensorScale scale;
      if (HasBlockScale(format)) {
        if (source != ScaleSource::kNone) {
          scale = TensorScaleFromAmax(AmaxIgnoringNan(x, runs * run_length));
        }
        weights.scales.resize(runs * run_blocks);
        std::fill(weights.channel_scale.begin(), weights.channel_scale.end(), scale.decode);
      }
      for (size_t run = 0; run < runs; ++run) {
        QuantizeFp4Row(x + run * run_length, segment, format, block, scale,
                       weights.codes.data() + run * run_length,
                       HasBlockScale(format) ? weights.scales.data() + run * run_blocks : nullptr);
      }
      break;
    }
    case Format::kFp8:
      for (size_t row = 0; row < weights.channel_scale.size(); ++row) {
        QuantizeFp8Row(x + row * row_length, static_cast<int>(row_length),
                       &weights.channel_scale[row], weights.codes.data() + row * row_length);
      }
      break;
    case Format::kFp16:
      for (size_t i = 0; i < weights.codes.size(); ++i) weights.codes[i] = EncodeFp16(x[i]);
      break;
    default:
      throw std::invalid_argument(std::string("weights of a layer are not stored as ") +
                                  FormatName(format));
  }
  return weights;
}

}  // namespace nibble::numerics
