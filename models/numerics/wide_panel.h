// Dot products of operands of any format in datapath D0, many output channels at once, in binary64
// wherever that is exact. The counterpart of WeightPanel (dot.h), which is for E2M1 elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/format_spec.h"

namespace nibble::numerics {

// What of the operands decides how terms are made.
struct WideOperands {
  Format activations = Format::kFp16;
  Format weights = Format::kFp16;
  int activation_block = 16, weight_block = 16;
  bool depthwise = false;

  // Elements of a term: those that share both scales, or one (depthwise; !AddsBlocksExactly).
  int term() const;
};
// True where block sums are exact in binary64; the others go term by term (accumulate.h).
bool TakesWidePanel(const WideOperands& operands);

// Activations of one pixel, decoded from memory (activation_store.h): values of the elements and a
// scale per term. An element that is no finite number counts as 0 under a NaN scale.
void DecodeWide(const WideOperands& operands, const uint8_t* codes, const uint8_t* scales,
                int count, double* elements, double* term_scales);
// The same as element times block scale.
void DecodeWideValues(const WideOperands& operands, const uint8_t* codes, const uint8_t* scales,
                      int count, double* values);

// Activations of adjacent output pixels at one kernel tap, as DecodeWide gives them. The strides
// lead from a pixel to the next, in elements.
struct WideRun {
  const double* elements = nullptr;
  ptrdiff_t element_stride = 0;
  const double* scales = nullptr;
  ptrdiff_t scale_stride = 0;
  int pixels = 1;
};

// Weights of up to `columns` output channels. Accumulators as for WeightPanel: tiles of 16
// channels, [tile][pixel][16], started from +0.
class WidePanel {
 public:
  // `segments` runs of `segment` elements. All weights are zero until set. Throws
  // std::invalid_argument for operands that TakesWidePanel refuses, or an empty shape.
  WidePanel(const WideOperands& operands, int columns, int segments, int segment);

  // Sets run s of output channel n from its bytes in memory: packed codes, and little-endian block
  // scales, which are not read where the format has none.
  void SetPackedRow(int n, int s, const uint8_t* codes, const uint8_t* scales);

  // acc = RNE32(acc + RNE32(term)) for every term of run s, ascending, every pixel and column.
  void Accumulate(int s, const WideRun& a, float* acc, ptrdiff_t tile_stride) const;

  // Depthwise: column n takes its own channel of the activations only (DecodeWideValues; `stride`
  // from a pixel to the next), times element k of its own weights (one run).
  void AccumulateDepthwise(int k, const double* a, ptrdiff_t stride, int pixels, float* acc,
                           ptrdiff_t tile_stride) const;

 private:
  size_t Element(int n, int s, int k) const;
  size_t Scale(int n, int s, int term) const;

  WideOperands operands_;
  int columns_, tiles_, segments_, segment_, term_, terms_;
  bool exact_terms_, exact_products_;  // in binary64
  std::vector<float> weights_;         // [segments][tiles][segment][kTile]
  std::vector<double> scales_;         // [segments][tiles][terms][kTile]
};

}  // namespace nibble::numerics
