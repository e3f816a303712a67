// Quantisers of every format into one shape of result, by the definitions of the shared notes
// (numerics, sections 1 and 4). Plain and general: for weights, tables and tests. The inner loops
// of the simulated datapaths have quantisers of their own (quantize.h), which give the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/numerics/format_spec.h"
#include "models/numerics/quantize.h"
#include "models/numerics/rounding.h"

namespace nibble::numerics {

struct BlockTensor {
  Format format = Format::kNvfp4;
  int block = 16;  // elements that share a block scale; blocks start anew at each row
  int rows = 0;
  int columns = 0;
  std::vector<uint16_t> codes;   // [rows][columns]
  std::vector<uint32_t> scales;  // [rows][BlockCount(columns, block)]: bits of the block scales
  // One for the tensor, one per row, or none. `encode` has a meaning under E4M3 block scales only.
  std::vector<TensorScale> outer;
};

struct QuantizeOptions {
  int block = 16;
  Rounding rounding;          // of the elements
  std::optional<float> amax;  // calibrated; without it, of the tensor or of each row
};

// `x` is [rows][columns].
//   E4M3 block scales  as profile `nv`, with the largest element in place of 6
//   E8M0               2^(floor(log2 a) - emax), or 2^ceil(log2(a / max)) for mxfp4-ceil; a block
//                      with NaN or infinity gets scale 0xFF
//   FP16, FP32         a / max; 1 where that is 0 or infinite
//   outer scale alone  the same, from the amax of tensor or row
// Throws std::invalid_argument for kFp32, an empty shape or a block below 1.
BlockTensor Quantize(const float* x, int rows, int columns, Format format,
                     const QuantizeOptions& options = {});

// The outer scale of a tensor (or row) with this amax: S_enc and S_dec under E4M3 block scales,
// {1, amax / max} where it is the only scale, {1, 1} for formats without one.
TensorScale OuterScaleFromAmax(Format format, float amax);

// One block of `count` values, the first of them at position `index` of its tensor: writes one code
// per element, returns the bits of the block scale (0 without). `outer` as OuterScaleFromAmax gives
// it. Throws std::invalid_argument for kFp32.
uint32_t QuantizeBlock(Format format, const float* x, int count, const TensorScale& outer,
                       const Rounding& rounding, uint64_t index, uint16_t* codes);

// MX with any element and either rule: the general form of the mx* formats. Writes one code per
// element and returns the E8M0 byte. `index` is the position of x[0] in its tensor.
enum class MxRule : uint8_t { kFloor, kCeil };
uint8_t QuantizeMxBlock(const float* x, int count, Element element, MxRule rule,
                        const Rounding& rounding, uint64_t index, uint16_t* codes);
float DequantizeMx(Element element, uint16_t code, uint8_t scale);

// [rows][columns]; each value is RNE32(element * scale), where a scale of two levels is rounded to
// binary32 first. NaN results are canonical.
std::vector<float> Dequantize(const BlockTensor& tensor);

// [rows][blocks] of block scales as they are stored: one byte (E4M3, E8M0), two (FP16) or four
// (FP32), little-endian. Empty without block scales.
std::vector<uint8_t> PackScales(const BlockTensor& tensor);

// Value of a block scale from its bits; 1 for kNone.
float BlockScaleValue(BlockScale scale, uint32_t bits);

}  // namespace nibble::numerics
