// Block-scaled dot products, datapath D0 (shared notes: numerics, section 3):
//
//   acc = +0; for each block, ascending: acc = RNE32(acc + term)
//
// NVFP4 and FP4 weights: term = (exact sum of element products) * activation scale * weight scale, exact in
// binary32 for blocks up to 512. FP8 and FP16 weights: term = RNE32(activation scale * exact sum).
// A NaN scale byte (0x7F) makes the accumulator NaN (canonical 0x7FC00000).
//
// Two implementations: BlockTerm is the definition, one block at a time, used by the golden executor;
// WeightPanel computes many output channels at once and is what the simulated datapaths call. They agree bit by bit.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

// One block of at most 128 elements: `a` are E2M1 codes (one per byte), `w` codes in `weights` format.
// `a_scale` / `w_scale` are E4M3 bytes, or kNoScale where the operand has no block scale.
inline constexpr int kNoScale = -1;
float BlockTerm(const uint8_t* a, int a_scale, const uint16_t* w, int w_scale, Format weights, int count);

// Decoded activations of one run of the reduction axis (the channels of one pixel): twice the E2M1 value per
// element, and the block scales as floats (1 without block scales, NaN for scale byte 0x7F).
void DecodeActivations(const uint8_t* codes, const uint8_t* scales, int count, int block,
                       int16_t* twice, float* scale_values);

// Weights of up to `columns` output channels, decoded for the inner loop: channels are adjacent in memory.
class WeightPanel {
 public:
  // Same meaning as in QuantizedWeights: `segments` runs of `segment` elements in blocks of `block`.
  WeightPanel(Format format, int block, int columns, int segments, int segment);

  // Sets element k of run s of output channel n; and the scale byte of block b (formats with block scales).
  void SetCode(int n, int s, int k, uint16_t code);
  void SetScale(int n, int s, int b, uint8_t scale);

  // acc[n] = RNE32(acc[n] + term) for every block of run s, ascending, and every column n.
  void Accumulate(int s, const int16_t* a_twice, const float* a_scales, float* acc) const;

  // Depthwise: channel n takes element n of `a_twice` only, times element k of its own weights (one run);
  // acc[n] = RNE32(acc[n] + a[n] * w[n][k] * a_scale(n / block) * w_scale(k / block)), each product term exact
  // (rounded once to binary32 for FP8 and FP16 weights).
  // `channel0` is the channel of column 0 within the activation run.
  void AccumulateDepthwise(int k, const int16_t* a_twice, const float* a_scales, int channel0, float* acc) const;

  int columns() const { return columns_; }

 private:
  Format format_;
  int block_, columns_, padded_columns_, segments_, segment_, blocks_;
  std::vector<int16_t> twice_;   // E2M1: [segments][segment][padded columns], twice the value
  std::vector<int32_t> fixed_;   // E4M3: same shape, value * 2^9
  std::vector<double> wide_;     // binary16: same shape, the value
  std::vector<float> scales_;    // [segments][blocks][padded columns]
};

// y = RNE32(acc * RNE32(s_dec_activations * channel_scale)).
inline float ApplyTensorScales(float acc, float s_dec_activations, float channel_scale) {
  const float s = s_dec_activations * channel_scale;
  return acc * s;
}

}  // namespace nibble::numerics
