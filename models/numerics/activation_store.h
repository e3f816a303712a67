// How an activation tensor lies in memory: NHWC, codes packed (packing.h) tight per pixel, block
// scales in a region of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {

// Blocks are channels of a pixel and start anew at each one; or strips: pixels of one channel along
// a row of the image, from column 0 on, the last of a row short. Codes lie alike, [pixel][channel],
// each pixel from a whole byte on. Block scales are little-endian, [pixel][block] or [row of the
// image][strip][channel].
struct ActivationLayout {
  Format format = Format::kNvfp4;
  int block = 16;
  int pixels = 0;  // height * width
  int channels = 0;
  int strip_row = 0;  // strips: pixels of a row of the image, of which tensors and tiles hold whole
                      // ones; 0: blocks of channels

  bool strips() const { return strip_row > 0; }
  int strips_per_row() const { return (strip_row + block - 1) / block; }
  uint32_t code_bytes_per_pixel() const;
  // Of the scales that lie side by side, those of a pixel or of a strip's pixels; 0 without block
  // scales.
  uint32_t scale_row_bytes() const;
  // How many such rows of scales so many pixels have.
  uint64_t scale_rows(uint64_t of_pixels) const {
    return strips() ? of_pixels / static_cast<uint64_t>(strip_row) *
                          static_cast<uint64_t>(strips_per_row())
                    : of_pixels;
  }
  // Block scale of an element, counted in scales.
  uint64_t scale_index(int pixel, int channel) const;
  uint64_t code_bytes() const { return uint64_t{code_bytes_per_pixel()} * pixels; }
  uint64_t scale_bytes() const {
    return scale_row_bytes() * scale_rows(static_cast<uint64_t>(pixels));
  }
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

// One pixel, in blocks of channels. `codes` and `scales` point at that pixel's bytes; `scales` may
// be null without block scales. `scale` is what OuterScaleFromAmax (block_tensor.h) gives. Elements
// round as `rounding` says; `index` is the position of the pixel's first element in its tensor.
void StorePixel(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                uint8_t* codes, uint8_t* scales, const Rounding& rounding = {}, uint64_t index = 0);
// RNE32(element * RNE32(block scale * decode)).
void LoadPixel(const ActivationLayout& layout, float decode, const uint8_t* codes,
               const uint8_t* scales, float* x);

// One row of an image in strips, x[layout.strip_row][layout.channels]. Pixels are `code_pitch`
// bytes apart, strips `scale_pitch`. Throws std::invalid_argument for stochastic rounding.
void StoreStrips(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                 uint8_t* codes, size_t code_pitch, uint8_t* scales, size_t scale_pitch,
                 const Rounding& rounding = {});

// A whole tensor, [pixels][channels].
StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x, const Rounding& rounding = {});
std::vector<float> LoadTensor(const StoredActivations& stored);

}  // namespace nibble::numerics
