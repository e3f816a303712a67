// NVFP4 as other libraries quantise it, bit by bit, so that a tensor quantised elsewhere can be
// reproduced; and the import of tensors that are quantised already. Sources and commits: shared
// notes, numerics, section 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/numerics/block_tensor.h"
#include "models/numerics/profile_spec.h"

namespace nibble::numerics {

// `x` is [rows][columns]; one tensor scale for all. `amax` replaces that of the tensor. Elements
// round to nearest even (kGgml: to nearest, ties toward zero). The format of the result is kNvfp4,
// also for kOneLevel and kGgml, whose tensor scale is 1.
BlockTensor QuantizeNvfp4(const float* x, int rows, int columns, int block, Profile profile,
                          std::optional<float> amax = {});

// A tensor quantised elsewhere, without requantising: `packed` is [rows][(columns + 1) / 2], two
// E2M1 codes a byte, the even element in bits 3:0; `scales` is [rows][blocks] of E4M3 bytes. S_enc
// is RNE32(1 / s_dec), at most FLT_MAX. Throws std::invalid_argument that names the first fault: a
// size that does not fit the shape, a scale byte that is NaN or negative, a padding nibble that is
// not 0, an s_dec that is not finite and positive.
BlockTensor ImportNvfp4(int rows, int columns, int block, const std::vector<uint8_t>& packed,
                        const std::vector<uint8_t>& scales, float s_dec);

}  // namespace nibble::numerics
