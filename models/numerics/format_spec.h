// What each storage format consists of: elements, a scale per block of them, a scale per tensor or
// channel.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace nibble::numerics {

// A storage format of a tensor. Values are part of programs: new ones go to the end.
enum class Format : uint8_t {
  kNvfp4,
  kFp4,
  kFp8,
  kFp16,
  kFp32,
  kFp4Tensor,
  kMxfp4,
  kMxfp4Ceil,
  kMxfp6,
  kMxfp6E3m2,
  kMxfp8,
  kMxfp8E5m2,
  kInt4,
  kInt4Fp32,
  kInt4Channel,
  kInt8,
  kInt8Fp32,
  kInt8Channel,
  kNvint4,
  kFp8E5m2,
  kBf16,
};

// Integers are symmetric two's complement: -7..7 and -127..127.
enum class Element : uint8_t {
  kE2M1,
  kE2M3,
  kE3M2,
  kE4M3,
  kE5M2,
  kInt4,
  kInt8,
  kFp16,
  kBf16,
  kFp32
};

enum class BlockScale : uint8_t { kNone, kE4M3, kE8M0, kFp16, kFp32 };

// A binary32 scale for the whole tensor, or one for each row (output channel).
enum class OuterScale : uint8_t { kNone, kTensor, kChannel };

struct FormatSpec {
  Format format;
  const char* name;  // as in `datapath.activations` and `datapath.weights`
  Element element;
  BlockScale block_scale;
  OuterScale outer;
  const char* meaning;
};

inline constexpr std::array<FormatSpec, 21> kFormatSpecs = {{
    {Format::kNvfp4, "nvfp4", Element::kE2M1, BlockScale::kE4M3, OuterScale::kTensor,
     "NVFP4: an E4M3 scale per block, an FP32 scale per tensor"},
    {Format::kFp4, "fp4", Element::kE2M1, BlockScale::kNone, OuterScale::kNone,
     "FP4 without any scale"},
    {Format::kFp8, "fp8", Element::kE4M3, BlockScale::kNone, OuterScale::kChannel,
     "FP8 E4M3, an FP32 scale per channel"},
    {Format::kFp16, "fp16", Element::kFp16, BlockScale::kNone, OuterScale::kNone, "IEEE binary16"},
    {Format::kFp32, "fp32", Element::kFp32, BlockScale::kNone, OuterScale::kNone, "IEEE binary32"},
    {Format::kFp4Tensor, "fp4-tensor", Element::kE2M1, BlockScale::kNone, OuterScale::kTensor,
     "FP4, an FP32 scale per tensor"},
    {Format::kMxfp4, "mxfp4", Element::kE2M1, BlockScale::kE8M0, OuterScale::kNone,
     "OCP MXFP4: an E8M0 scale per block, floor rule"},
    {Format::kMxfp4Ceil, "mxfp4-ceil", Element::kE2M1, BlockScale::kE8M0, OuterScale::kNone,
     "MXFP4 with the scale rounded up"},
    {Format::kMxfp6, "mxfp6", Element::kE2M3, BlockScale::kE8M0, OuterScale::kNone,
     "OCP MXFP6 with E2M3 elements"},
    {Format::kMxfp6E3m2, "mxfp6-e3m2", Element::kE3M2, BlockScale::kE8M0, OuterScale::kNone,
     "OCP MXFP6 with E3M2 elements"},
    {Format::kMxfp8, "mxfp8", Element::kE4M3, BlockScale::kE8M0, OuterScale::kNone,
     "OCP MXFP8 with E4M3 elements"},
    {Format::kMxfp8E5m2, "mxfp8-e5m2", Element::kE5M2, BlockScale::kE8M0, OuterScale::kNone,
     "OCP MXFP8 with E5M2 elements"},
    {Format::kInt4, "int4", Element::kInt4, BlockScale::kFp16, OuterScale::kNone,
     "INT4, an FP16 scale per block"},
    {Format::kInt4Fp32, "int4-fp32", Element::kInt4, BlockScale::kFp32, OuterScale::kNone,
     "INT4, an FP32 scale per block"},
    {Format::kInt4Channel, "int4-channel", Element::kInt4, BlockScale::kNone, OuterScale::kChannel,
     "INT4, an FP32 scale per channel"},
    {Format::kInt8, "int8", Element::kInt8, BlockScale::kFp16, OuterScale::kNone,
     "INT8, an FP16 scale per block"},
    {Format::kInt8Fp32, "int8-fp32", Element::kInt8, BlockScale::kFp32, OuterScale::kNone,
     "INT8, an FP32 scale per block"},
    {Format::kInt8Channel, "int8-channel", Element::kInt8, BlockScale::kNone, OuterScale::kChannel,
     "INT8, an FP32 scale per channel"},
    {Format::kNvint4, "nvint4", Element::kInt4, BlockScale::kE4M3, OuterScale::kTensor,
     "INT4 under the two scales of NVFP4"},
    {Format::kFp8E5m2, "fp8-e5m2", Element::kE5M2, BlockScale::kNone, OuterScale::kChannel,
     "FP8 E5M2, an FP32 scale per channel"},
    {Format::kBf16, "bf16", Element::kBf16, BlockScale::kNone, OuterScale::kNone, "bfloat16"},
}};

// In the order of the enumerators.
inline constexpr const std::array<FormatSpec, 21>& AllFormats() { return kFormatSpecs; }

// Throws std::invalid_argument for a value that is no enumerator.
inline const FormatSpec& SpecOf(Format format) {
  const auto index = static_cast<size_t>(format);
  if (index >= kFormatSpecs.size()) {
    throw std::invalid_argument("format " + std::to_string(index) + " is unknown");
  }
  return kFormatSpecs[index];
}

const char* FormatName(Format format);
// Throws std::invalid_argument that names `name` and lists the known names.
Format ParseFormat(const std::string& name);
// Bits of one element without its scales: 4, 6, 8, 16 or 32.
int ElementBits(Format format);
// Bits of the scale of one block: 0, 8, 16 or 32.
int BlockScaleBits(Format format);
inline bool HasBlockScale(Format format) { return SpecOf(format).block_scale != BlockScale::kNone; }

}  // namespace nibble::numerics
