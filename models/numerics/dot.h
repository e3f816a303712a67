// Block-scaled dot products, datapath D0 (shared notes: numerics, section 3):
//
//   acc = +0; for each block, ascending: acc = RNE32(acc + term)
//
// NVFP4 and FP4 weights: term = (exact sum of element products) * activation scale * weight scale,
// exact in binary32 for blocks up to 512. FP8 and FP16 weights: term = RNE32(activation scale *
// exact sum). A NaN scale byte (0x7F), or a weight that is no finite number, makes the accumulator
// NaN (canonical 0x7FC00000).
//
// Two implementations: BlockTerm is the definition, one block at a time, used by the golden
// executor; WeightPanel computes many output channels at once and is what the simulated datapaths
// call. They agree bit by bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

// One block of at most 128 elements: `a` are E2M1 codes (one per byte), `w` codes in `weights`
// format. `a_scale` / `w_scale` are E4M3 bytes, or kNoScale where the operand has no block scale.
inline constexpr int kNoScale = -1;
float BlockTerm(const uint8_t* a, int a_scale, const uint16_t* w, int w_scale, Format weights,
                int count);

// Decoded activations of one run of the reduction axis (the channels of one pixel): twice the E2M1
// value per element, and the block scales as floats (1 where `scales` is null, NaN for scale byte
// 0x7F).
void DecodeActivations(const uint8_t* codes, const uint8_t* scales, int count, int block,
                       int16_t* twice, float* scale_values);
// The same from memory: two codes a byte, the even element in bits 3:0. kNvfp4 or kFp4 (`scales` is
// not read).
void DecodePackedActivations(const uint8_t* packed, const uint8_t* scales, int count, int block,
                             Format format, int16_t* twice, float* scale_values);

// Weights of up to `columns` output channels, decoded for the inner loop: tiles of kTile channels,
// which are adjacent in memory, so that the loop over a tile is a loop over vector lanes with its
// sums in registers.
class WeightPanel {
 public:
  static constexpr int kTile = 16;  // columns
  static constexpr int kMaxBlock =
      128;  // block sums of E2M1 products stay within int16: 128 * 12 * 12 = 18432

  // Same meaning as in QuantizedWeights: `segments` runs of `segment` elements in blocks of
  // `block`. All weights are zero and all scales 1 until set. Throws std::invalid_argument for
  // kFp32, a block out of 1..kMaxBlock, or an empty shape.
  WeightPanel(Format format, int block, int columns, int segments, int segment);

  // Sets element k of run s of output channel n; and the scale byte of block b (formats with block
  // scales). An E4M3 or binary16 weight that is no finite number makes its block NaN until
  // SetPackedRow sets that run anew.
  void SetCode(int n, int s, int k, uint16_t code);
  void SetScale(int n, int s, int b, uint8_t scale);
  // Sets run s of output channel n from its bytes in memory: two E2M1 codes a byte (low nibble
  // first), E4M3 bytes, or little-endian binary16; `scales` holds one byte per block for kNvfp4 and
  // is not read otherwise.
  void SetPackedRow(int n, int s, const uint8_t* packed_codes, const uint8_t* scales);

  // acc[n] = RNE32(acc[n] + term) for every block of run s, ascending, and every column n.
  void Accumulate(int s, const int16_t* a_twice, const float* a_scales, float* acc) const;

  // Depthwise: column n takes channel c = channel0 + n of the activation run only, times element k
  // of its own weights (one run); acc[n] = RNE32(acc[n] + a[c] * w[n][k] * a_scale(c / block) *
  // w_scale(k / block)). The term is exact in binary32 for every format. `a_twice` and `a_scales`
  // point at channel 0 of the activation run.
  void AccumulateDepthwise(int k, const int16_t* a_twice, const float* a_scales, int channel0,
                           float* acc) const;

  int columns() const { return columns_; }

 private:
  bool integer() const { return format_ == Format::kNvfp4 || format_ == Format::kFp4; }
  // Value of the unit of a block sum: activations are stored doubled, and E2M1 weights too.
  float unit() const { return integer() ? 0.25f : 0.5f; }
  size_t Element(int n, int s, int k) const;
  size_t Scale(int n, int s, int b) const;

  Format format_;
  int block_, columns_, tiles_, segments_, segment_, blocks_;
  std::vector<int16_t> twice_;  // E2M1: [segments][tiles][segment][kTile], twice the value
  std::vector<float> wide_;     // E4M3, binary16: same shape, the value
  std::vector<float> scales_;   // [segments][tiles][blocks][kTile]: weight scale * unit()
};

// y = RNE32(acc * RNE32(s_dec_activations * channel_scale)).
inline float ApplyTensorScales(float acc, float s_dec_activations, float channel_scale) {
  const float s = s_dec_activations * channel_scale;
  return acc * s;
}

}  // namespace nibble::numerics
