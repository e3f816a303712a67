// Block-scaled dot products, datapath D0 (shared notes: numerics, section 3):
//
//   acc = +0; for each block, ascending: acc = RNE32(acc + RNE32(term))
//
// A term is the exact sum of the products of a block times the scales of both operands; for NVFP4
// and FP4 by NVFP4 or FP4 it is a binary32 already (blocks up to 512). Where block sums are not
// exact in 64 bits, each product is a term (AddsBlocksExactly, accumulate.h). A scale or
// an element that is no finite number makes the accumulator NaN (canonical 0x7FC00000).
//
// Two implementations: BlockTerm and the terms of accumulate.h are the definition, one block at a
// time, used by the golden executor; WeightPanel (E2M1 elements) and WidePanel (wide_panel.h, all
// others) compute many output channels at once and are what the simulated datapaths call. They
// agree bit by bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

// One block of at most 128 elements: `a` are E2M1 codes, `w` codes of kNvfp4, kFp4, kFp8 or kFp16
// weights. `a_scale` / `w_scale` are E4M3 bytes, or kNoScale where the operand has no block scale.
inline constexpr int64_t kNoScale = -1;
float BlockTerm(const uint16_t* a, int64_t a_scale, const uint16_t* w, int64_t w_scale,
                Format weights, int count);

// True for the operands of WeightPanel: E2M1 elements of both, E4M3 block scales or none.
bool TakesWeightPanel(Format activations, Format weights);

// Activations of one pixel, decoded from memory: two codes a byte, the even element in bits 3:0;
// `scales` is not read where `format` has none. Twice the E2M1 value plus 12 per element, in 0..24
// (as the kernels multiply unsigned by signed bytes), and the block scales as floats (1 for kFp4,
// NaN for scale byte 0x7F).
void DecodePackedActivations(const uint8_t* packed, const uint8_t* scales, int count, int block,
                             Format format, uint8_t* elements, float* scale_values);
// The same as E2M1 value times block scale, which is exact in binary32.
void DecodePackedValues(const uint8_t* packed, const uint8_t* scales, int count, int block,
                        Format format, float* values);

// Activations of adjacent output pixels at one kernel tap, as DecodePackedActivations gives them.
// The strides lead from a pixel to the next, in elements.
struct ActivationRun {
  const uint8_t* elements = nullptr;
  ptrdiff_t element_stride = 0;
  const float* scales = nullptr;
  ptrdiff_t scale_stride = 0;
  int pixels = 1;
};

// Weights of up to `columns` output channels, decoded for the inner loops (kernels/kernels.h):
// tiles of kTile channels, which are adjacent in memory as lanes of a vector. Accumulators are
// tiles, too: [tile][pixel][kTile], `tile_stride` floats from a tile to the next. They must have
// started from +0 (a sum of terms is never -0), and those beyond `columns` receive no meaningful
// value.
class WeightPanel {
 public:
  enum class Start : uint8_t {
    kFromZero,    // the accumulators are written only
    kAccumulate,  // the terms are added to them
  };
  static constexpr int kTile = 16;       // columns
  static constexpr int kMaxBlock = 128;  // so that partial sums stay within 16 bits (kernels)

  // Same meaning as in QuantizedWeights: `segments` runs of `segment` elements in blocks of
  // `block`. All weights are zero and all scales 1 until set. Throws std::invalid_argument for a
  // format that TakesWeightPanel refuses, a block out of 1..kMaxBlock, or an empty shape.
  WeightPanel(Format format, int block, int columns, int segments, int segment);

  // Sets element k of run s of output channel n; and the scale byte of block b (formats with block
  // scales).
  void SetCode(int n, int s, int k, uint16_t code);
  void SetScale(int n, int s, int b, uint8_t scale);
  // Sets run s of output channel n from its bytes in memory: two codes a byte (low nibble first);
  // `scales` holds one byte per block, and is not read where the format has none.
  void SetPackedRow(int n, int s, const uint8_t* packed_codes, const uint8_t* scales);

  // acc = RNE32(acc + term) for every block of run s, ascending, every pixel and every column.
  void Accumulate(int s, const ActivationRun& a, Start start, float* acc,
                  ptrdiff_t tile_stride) const;

  // Depthwise: column n takes its own channel of the activations only, times element k of its own
  // weights (one run); acc = RNE32(acc + a * w[n][k] * w_scale(k / block)). The term is exact in
  // binary32 for every format. `a` holds values (DecodePackedValues), `stride` floats from a pixel
  // to the next, and points at the channel of column 0 of the first pixel.
  void AccumulateDepthwise(int k, const float* a, ptrdiff_t stride, int pixels, float* acc,
                           ptrdiff_t tile_stride) const;

  int columns() const { return columns_; }

 private:
  // Value of the unit of a block sum: both operands are doubled.
  static constexpr float kUnit = 0.25f;
  // Index of a tile's first element or scale, and of an element or scale in its tile.
  size_t TileElements(int s, int tile) const;
  size_t TileScales(int s, int tile) const;
  size_t ElementInTile(int n, int k) const;
  size_t Element(int n, int s, int k) const;
  size_t Scale(int n, int s, int b) const;
  void TapWeights(int tile, int k, float* weights) const;

  Format format_;
  int block_, columns_, tiles_, segments_, segment_, blocks_;
  int elements_;               // of a run, blocks filled up to whole quads
  std::vector<int8_t> quads_;  // tiles as in kernels::E2M1Tile, [segments][tiles]
  std::vector<int32_t> starts_;
  std::vector<float> scales_;  // [segments][tiles][blocks][kTile]: weight scale * kUnit
};

// y = RNE32(acc * RNE32(s_dec_activations * channel_scale)).
inline float ApplyTensorScales(float acc, float s_dec_activations, float channel_scale) {
  const float s = s_dec_activations * channel_scale;
  return acc * s;
}

}  // namespace nibble::numerics
