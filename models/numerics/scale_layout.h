// The order of block scales in memory that tensor-core libraries use (cuBLAS, CUTLASS, vLLM,
// torchao): tiles of 128 rows x 4 blocks, 512 bytes each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::numerics {

// Bytes of a swizzled scale tensor, padded to whole tiles.
size_t SwizzledScaleBytes(int rows, int blocks);
// Where the scale of (row, block) lies.
size_t SwizzledScaleOffset(int row, int block, int blocks);

// `linear` is [rows][blocks]; padding is 0. Throws std::invalid_argument where the size of the
// input does not fit the shape.
std::vector<uint8_t> SwizzleScales(const std::vector<uint8_t>& linear, int rows, int blocks);
std::vector<uint8_t> UnswizzleScales(const std::vector<uint8_t>& swizzled, int rows, int blocks);

}  // namespace nibble::numerics
