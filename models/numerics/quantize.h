// Quantisers: profile `nv` of NVFP4 (the default of the project) block by block, and the weights of
// a layer in any format. Every operation is one IEEE binary32 operation, rounded to nearest even
// (shared notes: numerics, section 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

// The two binary32 words of one tensor scale.
struct TensorScale {
  float encode = 1.0f;  // S_enc: 2688 / amax, capped at FLT_MAX; 1 where amax is 0 or infinite
  float decode =
      1.0f;  // S_dec: 1 / S_enc; the word that is stored and that the dot product applies
};
// A NaN amax counts as 0. `largest` is what amax is mapped to: the largest block scale times the
// largest element, 448 * 6 for NVFP4.
TensorScale TensorScaleFromAmax(float amax, float largest = 2688.0f);

// Largest magnitude, NaN ignored; 0 for an empty or all-NaN range.
float AmaxIgnoringNan(const float* x, size_t count);

// Quantises `count` (1..block) values that share one block scale; elements missing to a full block
// count as +0. Writes one E2M1 code per byte to `codes` and returns the E4M3 scale byte.
uint8_t QuantizeNvfp4Block(const float* x, int count, const TensorScale& scale, uint8_t* codes);

// x^ = RNE32(E2M1(code) * RNE32(E4M3(scale_byte) * s_dec)).
float DequantizeNvfp4(uint8_t code, uint8_t scale_byte, float s_dec);

// A row of `count` values along the reduction axis in a block format: one code per element, one
// scale byte per block of `block` (the last block may be partial). Formats: kNvfp4, kFp4 (no scales
// are written); throws std::invalid_argument for others.
void QuantizeRow(const float* x, int count, Format format, int block, const TensorScale& scale,
                 uint8_t* codes, uint8_t* scales);

// Number of blocks of `block` in `count` elements, a partial tail counted as one.
inline int BlockCount(int count, int block) { return (count + block - 1) / block; }

// The weights of one layer in a storage format, unpacked: element (n, k) is output channel n,
// position k of the reduction axis. A reduction axis consists of `segments` runs of `segment`
// elements, and blocks start anew at each run: for a convolution a run is the input channels of one
// kernel tap, for a depthwise one all taps of a channel.
struct QuantizedWeights {
  Format format = Format::kNvfp4;
  int block = 16;
  int rows = 0;                  // output channels
  int segments = 0;              // kernel taps (1 for depthwise and fully connected layers)
  int segment = 0;               // elements in a run
  std::vector<uint16_t> codes;   // [rows][segments][segment]
  std::vector<uint32_t> scales;  // [rows][segments][BlockCount(segment, block)]: bits of the block
                                 // scales; empty without
  std::vector<float> channel_scale;  // [rows]: FP32 factor of the epilogue: the scale of the tensor
                                     // (S_dec) or of the channel, 1 without
};
// `x` is [rows][segments][segment]. Scales as in block_tensor.h; the binary32 one is `outer`'s
// (Datapath::weight_outer): of the tensor from the amax of all weights, of each channel from the
// channel's amax, or 1. The position of an element, for stochastic rounding, is its place in `x`.
// Throws std::invalid_argument for kFp32, and for an `outer` of a format that has no such scale.
QuantizedWeights QuantizeWeights(const float* x, int rows, int segments, int segment, Format format,
                                 int block, OuterScale outer, const Rounding& rounding = {});
// With the binary32 scale that the format has.
inline QuantizedWeights QuantizeWeights(const float* x, int rows, int segments, int segment,
                                        Format format, int block) {
  return QuantizeWeights(x, rows, segments, segment, format, block, SpecOf(format).outer);
}

}  // namespace nibble::numerics
