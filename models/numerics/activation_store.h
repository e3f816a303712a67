// How an activation tensor lies in memory: NHWC, two E2M1 codes a byte (even element in bits 3:0),
// tight per pixel, block scales in a region of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/datapath.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {

// Blocks start anew at each pixel; a pixel with an odd number of channels is padded to a whole byte
// with code 0.
struct ActivationLayout {
  Format format = Format::kNvfp4;  // kNvfp4, kFp4 or kFp32
  int block = 16;
  int pixels = 0;  // height * width
  int channels = 0;

  uint32_t code_bytes_per_pixel() const;   // kFp32: 4 a channel
  uint32_t scale_bytes_per_pixel() const;  // 0 without block scales
  uint64_t code_bytes() const { return uint64_t{code_bytes_per_pixel()} * pixels; }
  uint64_t scale_bytes() const { return uint64_t{scale_bytes_per_pixel()} * pixels; }
  // Average stored bits per element, the FP32 tensor scale included (4 + 8/B + 32/N for NVFP4 with
  // whole blocks).
  double bits_per_element() const;
};

// A tensor as stored: what travels through DRAM and SRAM, and what --verify compares byte by byte.
struct StoredActivations {
  ActivationLayout layout;
  TensorScale scale;           // 1 without a tensor scale
  std::vector<uint8_t> codes;  // packed; for kFp32 little-endian binary32
  std::vector<uint8_t> scales;
};

// One pixel. `codes` and `scales` point at that pixel's bytes; `scales` may be null without block
// scales. Throws std::invalid_argument for formats that activations do not have (kFp8, kFp16).
void StorePixel(const ActivationLayout& layout, const TensorScale& scale, const float* x,
                uint8_t* codes, uint8_t* scales);
void LoadPixel(const ActivationLayout& layout, float s_dec, const uint8_t* codes,
               const uint8_t* scales, float* x);
// Codes of one pixel, one per byte. The upper nibble of the last byte is 0 for an odd count.
void UnpackCodes(const uint8_t* packed, int count, uint8_t* codes);
void PackCodes(const uint8_t* codes, int count, uint8_t* packed);

// A whole tensor, [pixels][channels].
StoredActivations StoreTensor(const ActivationLayout& layout, const TensorScale& scale,
                              const float* x);
std::vector<float> LoadTensor(const StoredActivations& stored);

}  // namespace nibble::numerics
