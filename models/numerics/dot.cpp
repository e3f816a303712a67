#include "models/numerics/dot.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {
namespace {

constexpr int kTile = WeightPanel::kTile;

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

// The loops below run over a tile of constant width, which the compiler turns into vector lanes,
// and round nothing: E2M1 products sum in int16 (at most 18432), the others in binary64. There a
// product is at most 12 * 65504 in units of 2^-24, so that the sum of 128 has 51 bits of the 53;
// E4M3 weights need fewer. Left alone, gcc unrolls the short loop first and then fails to find the
// lanes again (a quarter of the speed).

void SumProducts(const int16_t* a, const int16_t* w, int count, int16_t* sums) {
  int16_t s[kTile] = {};
  for (int k = 0; k < count; ++k, w += kTile) {
#pragma GCC unroll 1
    for (int n = 0; n < kTile; ++n) s[n] = static_cast<int16_t>(s[n] + a[k] * w[n]);
  }
  std::copy_n(s, kTile, sums);
}

void SumProducts(const int16_t* a, const float* w, int count, double* sums) {
  double s[kTile] = {};
  for (int k = 0; k < count; ++k, w += kTile) {
    const float ak = a[k];
#pragma GCC unroll 1
    for (int n = 0; n < kTile; ++n) s[n] += static_cast<double>(ak * w[n]);  // exact: 2 x 11 bits
  }
  std::copy_n(s, kTile, sums);
}

// acc += sum * activation scale * weight scale. The scales have 8 bits together, the sum 15: exact
// but for the addition.
void AddTerms(const int16_t* sums, float a_scale, const float* w_scales, float* acc) {
  for (int n = 0; n < kTile; ++n) {
    acc[n] += static_cast<float>(sums[n]) * (a_scale * w_scales[n]);
  }
}

// acc += RNE32(sum * activation scale). The product has up to 55 bits: an integer in units of 2^-24
// and of the last place of the scale's significand, rounded once by the conversion to binary32.
void AddTerms(const double* sums, float a_scale, const float* w_scales, float* acc) {
  if (std::isnan(a_scale)) {
    std::fill_n(acc, kTile, a_scale);
    return;
  }
  // a_scale = significand * power, significand in 8..15 (4 bits), or 0.
  const uint32_t bits = FloatBits(a_scale);
  const int64_t significand = bits == 0 ? 0 : (bits >> 20 & 7) | 8;
  const float power = bits == 0 ? 0.0f : PowerOfTwo(static_cast<int>(bits >> 23) - 127 - 3 - 24);
  for (int n = 0; n < kTile; ++n) {
    const auto units = static_cast<int64_t>(sums[n] * 0x1p24);
    acc[n] += static_cast<float>(units * significand) * (power * w_scales[n]);
  }
}

template <typename Weight, typename Sum>
void AccumulateTile(const int16_t* a, const float* a_scales, const Weight* w, const float* w_scales,
                    int length, int block, float* acc) {
  Sum sums[kTile];
  for (int begin = 0; begin < length; begin += block) {
    SumProducts(a + begin, w + static_cast<ptrdiff_t>(begin) * kTile,
                std::min(block, length - begin), sums);
    AddTerms(sums, *a_scales++, w_scales, acc);
    w_scales += kTile;
  }
}

// A tile of accumulators of its own, because the caller's array may end inside the last tile.
class AccumulatorTile {
 public:
  AccumulatorTile(float* acc, int count) : acc_(acc), count_(std::min(count, kTile)) {
    std::copy_n(acc, count_, values);
  }
  ~AccumulatorTile() { std::copy_n(values, count_, acc_); }
  AccumulatorTile(const AccumulatorTile&) = delete;
  AccumulatorTile& operator=(const AccumulatorTile&) = delete;

  float values[kTile] = {};

 private:
  float* acc_;
  int count_;
};

template <typename Weight>
void MultiplyTile(const float* a, const float* a_scales, const Weight* w, const float* w_scales,
                  float* acc) {
  for (int n = 0; n < kTile; ++n) {
    acc[n] += a[n] * static_cast<float>(w[n]) * (a_scales[n] * w_scales[n]);
  }
}

}  // namespace

float BlockTerm(const uint8_t* a, int a_scale, const uint16_t* w, int w_scale, Format weights,
                int count) {
  int64_t product = 0;
  for (int i = 0; i < count; ++i) {
    const FixedPoint weight = FixedWeight(w[i], weights);
    if (!weight.finite) return BitsFloat(kCanonicalNan);
    product += TwiceE2M1(a[i]) * weight.integer;
  }
  int exponent = WeightExponent(weights) - 1;  // activations too are doubled
  for (const int scale : {a_scale, w_scale}) {
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

void DecodeActivations(const uint8_t* codes, const uint8_t* scales, int count, int block,
                       int16_t* twice, float* scale_values) {
  for (int i = 0; i < count; ++i) twice[i] = TwiceE2M1(codes[i]);
  for (int b = 0; b < BlockCount(count, block); ++b) {
    scale_values[b] = scales != nullptr ? ScaleValue(scales[b]) : 1.0f;
  }
}

void DecodePackedActivations(const uint8_t* packed, const uint8_t* scales, int count, int block,
                             Format format, int16_t* twice, float* scale_values) {
  for (int i = 0; i < count; ++i) {
    twice[i] = TwiceE2M1(static_cast<uint8_t>(packed[i / 2] >> (4 * (i % 2))));
  }
  for (int b = 0; b < BlockCount(count, block); ++b) {
    scale_values[b] = HasBlockScale(format) ? ScaleValue(scales[b]) : 1.0f;
  }
}

WeightPanel::WeightPanel(Format format, int block, int columns, int segments, int segment)
    : format_(format),
      block_(block),
      columns_(columns),
      tiles_((columns + kTile - 1) / kTile),
      segments_(segments),
      segment_(segment) {
  if (format == Format::kFp32) throw std::invalid_argument("fp32 is no format of stored weights");
  if (block < 1 || block > kMaxBlock) {
    throw std::invalid_argument("weight block " + std::to_string(block) + " is not in 1.." +
                                std::to_string(kMaxBlock));
  }
  if (columns < 1 || segments < 1 || segment < 1) {
    throw std::invalid_argument("empty weight panel: " + std::to_string(columns) + " x " +
                                std::to_string(segments) + " x " + std::to_string(segment));
  }
  blocks_ = BlockCount(segment, block);
  const size_t lanes = static_cast<size_t>(segments) * static_cast<size_t>(tiles_) * kTile;
  (integer() ? twice_.resize(lanes * static_cast<size_t>(segment))
             : wide_.resize(lanes * static_cast<size_t>(segment)));
  scales_.assign(lanes * static_cast<size_t>(blocks_), unit());
}

size_t WeightPanel::Element(int n, int s, int k) const {
  assert(n >= 0 && n < columns_ && s >= 0 && s < segments_ && k >= 0 && k < segment_);
  return ((static_cast<size_t>(s) * tiles_ + n / kTile) * segment_ + k) * kTile + n % kTile;
}

size_t WeightPanel::Scale(int n, int s, int b) const {
  assert(n >= 0 && n < columns_ && s >= 0 && s < segments_ && b >= 0 && b < blocks_);
  return ((static_cast<size_t>(s) * tiles_ + n / kTile) * blocks_ + b) * kTile + n % kTile;
}

void WeightPanel::SetCode(int n, int s, int k, uint16_t code) {
  const size_t element = Element(n, s, k);
  if (integer()) {
    twice_[element] = TwiceE2M1(static_cast<uint8_t>(code));
    return;
  }
  const float value =
      format_ == Format::kFp8 ? DecodeE4M3(static_cast<uint8_t>(code)) : DecodeFp16(code);
  if (std::isfinite(value)) {
    wide_[element] = value;
  } else {
    scales_[Scale(n, s, k / block_)] = BitsFloat(kCanonicalNan);
  }
}

void WeightPanel::SetScale(int n, int s, int b, uint8_t scale) {
  scales_[Scale(n, s, b)] = ScaleValue(scale) * unit();
}

void WeightPanel::SetPackedRow(int n, int s, const uint8_t* packed_codes, const uint8_t* scales) {
  for (int b = 0; b < blocks_; ++b) {
    scales_[Scale(n, s, b)] = HasBlockScale(format_) ? ScaleValue(scales[b]) * unit() : unit();
  }
  for (int k = 0; k < segment_; ++k) {
    switch (format_) {
      case Format::kFp8:
        SetCode(n, s, k, packed_codes[k]);
        break;
      case Format::kFp16:
        SetCode(n, s, k, static_cast<uint16_t>(packed_codes[2 * k] | packed_codes[2 * k + 1] << 8));
        break;
      default:
        SetCode(n, s, k, (packed_codes[k / 2] >> (4 * (k % 2))) & 15);
    }
  }
}

void WeightPanel::Accumulate(int s, const int16_t* a_twice, const float* a_scales,
                             float* acc) const {
  for (int n = 0; n < columns_; n += kTile) {
    AccumulatorTile tile(acc + n, columns_ - n);
    const float* w_scales = scales_.data() + Scale(n, s, 0);
    if (integer()) {
      AccumulateTile<int16_t, int16_t>(a_twice, a_scales, twice_.data() + Element(n, s, 0),
                                       w_scales, segment_, block_, tile.values);
    } else {
      AccumulateTile<float, double>(a_twice, a_scales, wide_.data() + Element(n, s, 0), w_scales,
                                    segment_, block_, tile.values);
    }
  }
}

void WeightPanel::AccumulateDepthwise(int k, const int16_t* a_twice, const float* a_scales,
                                      int channel0, float* acc) const {
  int block = channel0 / block_;
  int in_block = channel0 % block_;
  for (int n = 0; n < columns_; n += kTile) {
    AccumulatorTile tile(acc + n, columns_ - n);
    float a[kTile] = {};
    float a_tile_scales[kTile] = {};
    for (int i = 0; i < std::min(kTile, columns_ - n); ++i) {
      a[i] = a_twice[channel0 + n + i];
      a_tile_scales[i] = a_scales[block];
      if (++in_block == block_) {
        in_block = 0;
        ++block;
      }
    }
    const float* w_scales = scales_.data() + Scale(n, 0, k / block_);
    if (integer()) {
      MultiplyTile(a, a_tile_scales, twice_.data() + Element(n, 0, k), w_scales, tile.values);
    } else {
      MultiplyTile(a, a_tile_scales, wide_.data() + Element(n, 0, k), w_scales, tile.values);
    }
  }
}

}  // namespace nibble::numerics
