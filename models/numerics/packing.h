// Codes of any width packed tight: code k of a row takes bits k * bits and up, counted from bit 0
// of byte 0, so that of two 4-bit codes the even one lies in bits 3:0 of their byte. Each row
// starts at a byte; the bits that are left over at its end are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/block_tensor.h"

namespace nibble::numerics {

inline size_t PackedRowBytes(size_t count, int bits) {
  return (count * static_cast<size_t>(bits) + 7) / 8;
}

// [rows][PackedRowBytes(columns, bits)].
std::vector<uint8_t> PackRows(const std::vector<uint16_t>& codes, size_t rows, int bits);

// [rows][blocks] of block scales as they are stored: one byte (E4M3, E8M0), two (FP16) or four
// (FP32), little-endian. Empty without block scales.
std::vector<uint8_t> PackScales(const BlockTensor& tensor);

}  // namespace nibble::numerics
