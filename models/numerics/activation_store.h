// How an activation tensor lies in memory: NHWC, codes packed (packing.h) tight per pixel, block
// scales in a region of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {

// Blocks start anew at each pixel, and each pixel at a whole byte; block scales are little-endian.
struct ActivationLayout {
  Format format = Format::kNvfp4;
  int block = 16;
  int pixels = 0;  // height * width
  int channels = 0;

  uint32_t code_bytes_per_pixel() const;
  uint32_t scale_bytes_per_pixel() const;  // 0 without block scales
  uint64_t code_bytes() const { return uint64_t{code_bytes_per_pixel()} * pixels; }
  uint64_t scale_bytes() const { return uint64_t{scale_bytes_per_pixel()} * pixels; }
  // Average stored bits per element, an FP32 tensor scale included (4 + 8/B + 32/N for NVFP4 with
  // whole blocks).
  double bits_per_element() const;
};

// A format with a scale per channel has one for the whole tensor as activations: a scale per input
// channel does not factor out of a dot product.
inline bool HasTensorScale(Format activations) {
  return SpecOf(activations).outer != OuterScale::kNone;
}

// A tensor as stored: what travels through DRAM and SRAM, and what --verify compares byte by byte.
struct StoredActivations {
  ActivationLayout layout;
  TensorScale scale;           // 1 without a tensor scale
  std::vector<uint8_t> codes;  // packed; for kFp32 little-endian binary32
  std::vector<uint8_t> scales;
};

// One pixel. `codes` and `scales` point at that pixel's bytes; `scales` may be null without block
// scales. `scale` is what OuterScaleFromAmax (block_tensor.h) gives. Elements round as `rounding`
// says; `index` is the position of the pixel's first element in its tensor.
void StorePixel(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                uint8_t* codes, uint8_t* scales, const Rounding& rounding = {}, uint64_t index = 0);
// RNE32(element * RNE32(block scale * decode)).
void LoadPixel(const ActivationLayout& layout, float decode, const uint8_t* codes,
               const uint8_t* scales, float* x);

// A whole tensor, [pixels][channels].
StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x, const Rounding& rounding = {});
std::vector<float> LoadTensor(const StoredActivations& stored);

}  // namespace nibble::numerics
