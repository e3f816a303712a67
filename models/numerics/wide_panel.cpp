#include "models/numerics/wide_panel.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <string>

#include "models/numerics/accumulate.h"
#include "models/numerics/bits.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/kernels/kernels.h"
#include "models/numerics/packing.h"

namespace nibble::numerics {
namespace {

using kernels::kTile;

constexpr int kDoubleBits = 53;

// Bits of a block sum in units of the smallest product.
int SumBits(const WideOperands& o) {
  return ProductBits(o.activations, o.weights) + CarryBits(o.term());
}

int ScaleBits(const WideOperands& o) {
  return ScaleSignificandBits(o.activations) + ScaleSignificandBits(o.weights);
}

double ScaleOf(Format format, const uint8_t* scales, int block) {
  const int bytes = BlockScaleBits(format) / 8;
  if (bytes == 0) return 1.0;
  const float scale =
      BlockScaleValue(SpecOf(format).block_scale, LoadWord(scales + block * bytes, bytes));
  return std::isfinite(scale) ? scale : double{BitsFloat(kCanonicalNan)};
}

// Decodes a run of `count` elements into element(k, value) and, once for each term, scale(t,
// value).
template <typename SetElement, typename SetScale>
void Decode(Format format, int block, int term, const uint8_t* codes, const uint8_t* scales,
            int count, SetElement element, SetScale scale) {
  constexpr int kPart = 128;  // a multiple of every term, and whole bytes
  const int bits = ElementBits(format);
  for (int begin = 0; begin < count; begin += kPart) {
    const int part = std::min(kPart, count - begin);
    uint16_t part_codes[kPart];
    float values[kPart];
    UnpackCodes(bits, codes + PackedBytes(bits, begin), part, part_codes);
    DecodeElements(SpecOf(format).element, part_codes, part, values);
    for (int k = 0; k < part; k += term) {
      double term_scale = ScaleOf(format, scales, (begin + k) / block);
      for (int i = k; i < std::min(k + term, part); ++i) {
        const bool finite = std::isfinite(values[i]);
        if (!finite) term_scale = double{BitsFloat(kCanonicalNan)};
        element(begin + i, finite ? values[i] : 0.0f);
      }
      scale((begin + k) / term, term_scale);
    }
  }
}

}  // namespace

int WideOperands::term() const {
  const bool blocks = !depthwise && AddsBlocksExactly(activations, weights);
  return blocks ? std::min(activation_block, weight_block) : 1;
}

bool TakesWidePanel(const WideOperands& o) {
  if (!AddsBlocksExactly(o.activations, o.weights)) return true;  // a product fits
  return SumBits(o) <= kDoubleBits;
}

void DecodeWide(const WideOperands& o, const uint8_t* codes, const uint8_t* scales, int count,
                double* elements, double* term_scales) {
  Decode(
      o.activations, o.activation_block, o.term(), codes, scales, count,
      [&](int k, float value) { elements[k] = value; },
      [&](int t, double scale) { term_scales[t] = scale; });
}

void DecodeWideValues(const WideOperands& o, const uint8_t* codes, const uint8_t* scales, int count,
                      double* values) {
  // Each element by itself: one that is not finite must not spoil its block.
  Decode(
      o.activations, o.activation_block, 1, codes, scales, count,
      [&](int k, float value) { values[k] = value; },
      [&](int k, double scale) { values[k] *= scale; });
}

WidePanel::WidePanel(const WideOperands& operands, int columns, int segments, int segment)
    : operands_(operands),
      columns_(columns),
      tiles_((columns + kTile - 1) / kTile),
      segments_(segments),
      segment_(segment),
      term_(operands.term()),
      terms_((segment + term_ - 1) / term_),
      exact_terms_(SumBits(operands) + ScaleBits(operands) <= kDoubleBits ||
                   !AddsBlocksExactly(operands.activations, operands.weights)),
      exact_products_(SignificandBits(operands.activations) + SignificandBits(operands.weights) +
                          ScaleBits(operands) <=
                      kDoubleBits) {
  if (!TakesWidePanel(operands)) {
    throw std::invalid_argument(std::string("sums of ") + FormatName(operands.activations) +
                                " by " + FormatName(operands.weights) +
                                " products are not exact in binary64");
  }
  if (columns < 1 || segments < 1 || segment < 1) {
    throw std::invalid_argument("empty weight panel: " + std::to_string(columns) + " x " +
                                std::to_string(segments) + " x " + std::to_string(segment));
  }
  const size_t lanes = static_cast<size_t>(segments) * static_cast<size_t>(tiles_) * kTile;
  weights_.resize(lanes * static_cast<size_t>(segment));
  scales_.assign(lanes * static_cast<size_t>(terms_), 1.0);
}

size_t WidePanel::Element(int n, int s, int k) const {
  assert(n >= 0 && n < columns_ && s >= 0 && s < segments_ && k >= 0 && k < segment_);
  const size_t tile = static_cast<size_t>(s) * tiles_ + n / kTile;
  return (tile * segment_ + k) * kTile + n % kTile;
}

size_t WidePanel::Scale(int n, int s, int term) const {
  const size_t tile = static_cast<size_t>(s) * tiles_ + n / kTile;
  return (tile * terms_ + term) * kTile + n % kTile;
}

void WidePanel::SetPackedRow(int n, int s, const uint8_t* codes, const uint8_t* scales) {
  Decode(
      operands_.weights, operands_.weight_block, term_, codes, scales, segment_,
      [&](int k, float value) { weights_[Element(n, s, k)] = value; },
      [&](int t, double scale) { scales_[Scale(n, s, t)] = scale; });
}

void WidePanel::Accumulate(int s, const WideRun& a, float* acc, ptrdiff_t tile_stride) const {
  for (int tile = 0; tile < tiles_; ++tile) {
    const kernels::WideTile weights = {&weights_[Element(tile * kTile, s, 0)],
                                       &scales_[Scale(tile * kTile, s, 0)], segment_, term_,
                                       exact_terms_};
    kernels::Active().accumulate_wide(
        {a.elements, a.element_stride, a.scales, a.scale_stride, a.pixels}, weights,
        acc + tile * tile_stride);
  }
}

void WidePanel::AccumulateDepthwise(int k, const double* a, ptrdiff_t stride, int pixels,
                                    float* acc, ptrdiff_t tile_stride) const {
  for (int tile = 0; tile < tiles_; ++tile) {
    const int lanes = std::min(kTile, columns_ - tile * kTile);
    double weights[kTile];
    for (int n = 0; n < lanes; ++n) {
      const int column = tile * kTile + n;
      weights[n] = double{weights_[Element(column, 0, k)]} * scales_[Scale(column, 0, k / term_)];
    }
    kernels::Active().accumulate_wide_products(a + tile * kTile, stride, pixels, weights, lanes,
                                               exact_products_, acc + tile * tile_stride);
  }
}

}  // namespace nibble::numerics
