#include "models/numerics/dot.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"
#include "models/numerics/kernels/kernels.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {
namespace {

using kernels::kQuad;
static_assert(WeightPanel::kTile == kernels::kTile);

// `count` elements filled up to whole quads.
int Quads(int count) { return (count + kQuad - 1) / kQuad * kQuad; }

// An element as integer * 2^exponent, the exponent common to its format.
struct FixedPoint {
  int64_t integer;
  bool finite;
};

FixedPoint FixedE4M3(uint8_t code) {  // units of 2^-9
  const ScaleParts parts = SplitE4M3(code);
  const int64_t magnitude = static_cast<int64_t>(parts.significand) << (parts.exponent + 9);
  return {(code & 0x80) != 0 ? -magnitude : magnitude, !IsNanE4M3(code)};
}

FixedPoint FixedFp16(uint16_t code) {  // units of 2^-24
  const int field = (code >> 10) & 31;
  const int64_t mantissa = code & 0x3FF;
  const int64_t magnitude = field > 0 ? (mantissa | 0x400) << (field - 1) : mantissa;
  return {(code & 0x8000) != 0 ? -magnitude : magnitude, field != 31};
}

FixedPoint FixedWeight(uint16_t code, Format format) {
  switch (format) {
    case Format::kFp8:
      return FixedE4M3(static_cast<uint8_t>(code));
    case Format::kFp16:
      return FixedFp16(code);
    default:
      return {TwiceE2M1(static_cast<uint8_t>(code)), true};  // units of 2^-1
  }
}

int WeightExponent(Format format) {
  switch (format) {
    case Format::kFp8:
      return -9;
    case Format::kFp16:
      return -24;
    default:
      return -1;
  }
}

float ScaleValue(uint8_t scale) {
  return IsNanE4M3(scale) ? BitsFloat(kCanonicalNan) : DecodeE4M3(scale & 0x7F);
}

}  // namespace

float BlockTerm(const uint16_t* a, int64_t a_scale, const uint16_t* w, int64_t w_scale,
                Format weights, int count) {
  int64_t product = 0;
  for (int i = 0; i < count; ++i) {
    const FixedPoint weight = FixedWeight(w[i], weights);
    if (!weight.finite) return BitsFloat(kCanonicalNan);
    product += TwiceE2M1(static_cast<uint8_t>(a[i])) * weight.integer;
  }
  int exponent = WeightExponent(weights) - 1;  // activations too are doubled
  for (const int64_t scale : {a_scale, w_scale}) {
    if (scale == kNoScale) continue;
    const auto byte = static_cast<uint8_t>(scale);
    if (IsNanE4M3(byte)) return BitsFloat(kCanonicalNan);
    const ScaleParts parts = SplitE4M3(byte);
    product *= parts.significand;
    exponent += parts.exponent;
  }
  return static_cast<float>(product) *
         PowerOfTwo(exponent);  // the conversion rounds, if anything does
}

bool TakesWeightPanel(Format activations, Format weights) {
  const auto taken = [](Format format) {
    const FormatSpec& spec = SpecOf(format);
    return spec.element == Element::kE2M1 &&
           (spec.block_scale == BlockScale::kE4M3 || spec.block_scale == BlockScale::kNone);
  };
  return taken(activations) && taken(weights);
}

void DecodePackedActivations(const uint8_t* packed, const uint8_t* scales, int count, int block,
                             Format format, uint8_t* elements, float* scale_values) {
  kernels::Active().decode_e2m1(packed, count, elements);
  for (int b = 0; b < BlockCount(count, block); ++b) {
    scale_values[b] = HasBlockScale(format) ? ScaleValue(scales[b]) : 1.0f;
  }
}

void DecodePackedValues(const uint8_t* packed, const uint8_t* scales, int count, int block,
                        Format format, float* values) {
  constexpr int kPart = 256;  // even, for whole bytes
  uint8_t elements[kPart];
  float half = 0.5f;
  for (int part = 0; part < count; part += kPart) {
    const int part_end = std::min(part + kPart, count);
    kernels::Active().decode_e2m1(packed + part / 2, part_end - part, elements);
    for (int begin = part; begin < part_end;) {
      if (HasBlockScale(format)) half = 0.5f * ScaleValue(scales[begin / block]);
      const int end = std::min((begin / block + 1) * block, part_end);
      for (int i = begin; i < end; ++i) {
        values[i] = static_cast<float>(elements[i - part] - kernels::kOffset) * half;
      }
      begin = end;
    }
  }
}

WeightPanel::WeightPanel(Format format, int block, int columns, int segments, int segment)
    : format_(format),
      block_(block),
      columns_(columns),
      tiles_((columns + kTile - 1) / kTile),
      segments_(segments),
      segment_(segment) {
  if (!TakesWeightPanel(format, format)) {
    throw std::invalid_argument(std::string("no weights of a panel are stored as ") +
                                FormatName(format));
  }
  if (block < 1 || block > kMaxBlock) {
    throw std::invalid_argument("weight block " + std::to_string(block) + " is not in 1.." +
                                std::to_string(kMaxBlock));
  }
  if (columns < 1 || segments < 1 || segment < 1) {
    throw std::invalid_argument("empty weight panel: " + std::to_string(columns) + " x " +
                                std::to_string(segments) + " x " + std::to_string(segment));
  }
  blocks_ = BlockCount(segment, block);
  elements_ = segment / block * Quads(block) + Quads(segment % block);
  const size_t lanes = static_cast<size_t>(segments) * static_cast<size_t>(tiles_) * kTile;
  quads_.resize(lanes * static_cast<size_t>(elements_));
  starts_.assign(lanes * static_cast<size_t>(blocks_), kernels::kSumBaseBits);
  scales_.assign(lanes * static_cast<size_t>(blocks_), kUnit);
}

size_t WeightPanel::TileElements(int s, int tile) const {
  return (static_cast<size_t>(s) * tiles_ + tile) * elements_ * kTile;
}

size_t WeightPanel::TileScales(int s, int tile) const {
  return (static_cast<size_t>(s) * tiles_ + tile) * blocks_ * kTile;
}

size_t WeightPanel::ElementInTile(int n, int k) const {
  const auto block = static_cast<size_t>(k / block_), i = static_cast<size_t>(k % block_);
  const size_t quad = block * (Quads(block_) / kQuad) + i / kQuad;
  return (quad * kTile + n) * kQuad + i % kQuad;
}

size_t WeightPanel::Element(int n, int s, int k) const {
  assert(n >= 0 && n < columns_ && s >= 0 && s < segments_ && k >= 0 && k < segment_);
  return TileElements(s, n / kTile) + ElementInTile(n % kTile, k);
}

size_t WeightPanel::Scale(int n, int s, int b) const {
  assert(n >= 0 && n < columns_ && s >= 0 && s < segments_ && b >= 0 && b < blocks_);
  return TileScales(s, n / kTile) + static_cast<size_t>(b) * kTile + n % kTile;
}

void WeightPanel::SetCode(int n, int s, int k, uint16_t code) {
  const size_t element = Element(n, s, k);
  const int8_t before = quads_[element];
  quads_[element] = static_cast<int8_t>(TwiceE2M1(static_cast<uint8_t>(code)));
  starts_[Scale(n, s, k / block_)] -= kernels::kOffset * (quads_[element] - before);
}

void WeightPanel::SetScale(int n, int s, int b, uint8_t scale) {
  scales_[Scale(n, s, b)] = ScaleValue(scale) * kUnit;
}

void WeightPanel::SetPackedRow(int n, int s, const uint8_t* packed, const uint8_t* scales) {
  for (int b = 0; b < blocks_; ++b) {
    scales_[Scale(n, s, b)] = HasBlockScale(format_) ? ScaleValue(scales[b]) * kUnit : kUnit;
  }
  std::vector<uint8_t> elements(static_cast<size_t>(segment_));
  kernels::Active().decode_e2m1(packed, segment_, elements.data());
  int8_t* quad = &quads_[Element(n, s, 0)];
  int32_t* start = &starts_[Scale(n, s, 0)];
  for (int begin = 0; begin < segment_; begin += block_, start += kTile) {
    const int end = std::min(begin + block_, segment_);
    int sum = 0;
    for (int k = begin; k < end; k += kQuad, quad += kTile * kQuad) {
      for (int i = 0; i < std::min(kQuad, end - k); ++i) {
        const int twice = elements.data()[k + i] - kernels::kOffset;
        quad[i] = static_cast<int8_t>(twice);
        sum += twice;
      }
    }
    *start = kernels::kSumBaseBits - kernels::kOffset * sum;
  }
}

void WeightPanel::Accumulate(int s, const ActivationRun& a, Start start, float* acc,
                             ptrdiff_t tile_stride) const {
  for (int tile = 0; tile < tiles_; ++tile) {
    const size_t scales = TileScales(s, tile);
    kernels::Active().accumulate_e2m1(
        {a.elements, a.element_stride, a.scales, a.scale_stride, a.pixels},
        {&quads_[TileElements(s, tile)], &starts_[scales], &scales_[scales], segment_, block_},
        start == Start::kFromZero, acc + tile * tile_stride);
  }
}

// Element k of the channels of a tile, scaled: 11 bits at most.
void WeightPanel::TapWeights(int tile, int k, float* weights) const {
  const float* scales = &scales_[TileScales(0, tile) + static_cast<size_t>(k / block_) * kTile];
  const size_t first = TileElements(0, tile) + ElementInTile(0, k);
  for (int n = 0; n < kTile; ++n) {
    // The scales hold units for doubled activations, and these are not.
    weights[n] =
        static_cast<float>(quads_[first + static_cast<size_t>(n) * kQuad]) * (2 * scales[n]);
  }
}

void WeightPanel::AccumulateDepthwise(int k, const float* a, ptrdiff_t stride, int pixels,
                                      float* acc, ptrdiff_t tile_stride) const {
  for (int tile = 0; tile < tiles_; ++tile) {
    float weights[kTile];
    TapWeights(tile, k, weights);
    kernels::Active().accumulate_products(a + tile * kTile, stride, pixels, weights,
                                          std::min(kTile, columns_ - tile * kTile),
                                          acc + tile * tile_stride);
  }
}

}  // namespace nibble::numerics
