// The choices of a design point that can change result bits.
#pragma once

#include <cstdint>
#include <string>

namespace nibble::numerics {

// A storage format of a tensor. The names are those of `datapath.activations` and
// `datapath.weights`.
enum class Format : uint8_t {
  kNvfp4,  // "nvfp4": E2M1 elements, an E4M3 scale per block, an FP32 scale per tensor
  kFp4,    // "fp4":   E2M1 elements, no scale at all ("unscaled")
  kFp8,    // "fp8":   E4M3 elements, an FP32 scale per output channel (weights only)
  kFp16,   // "fp16":  IEEE binary16, no scale (weights only)
  kFp32,   // "fp32":  network outputs and staged tensors; no operand of a dot product
};
const char* FormatName(Format format);
// Throws std::invalid_argument that names `name` and lists the known names.
Format ParseFormat(const std::string& name);
// Bits of one element without its scales: 4, 8, 16 or 32.
int ElementBits(Format format);
// True where a scale byte belongs to each block of elements.
inline bool HasBlockScale(Format format) { return format == Format::kNvfp4; }

enum class ScaleSource : uint8_t {
  kStatic,   // tensor scale from the calibrated amax that the trace records
  kDynamic,  // tensor scale from the amax of the tensor just computed: needs a second pass
};

struct Datapath {
  Format activations = Format::kNvfp4;
  Format weights = Format::kNvfp4;
  int block =
      16;  // elements that share a block scale and form one exact block term: 8, 16, 32, 64, 128
  ScaleSource tensor_scale = ScaleSource::kStatic;
};

}  // namespace nibble::numerics
