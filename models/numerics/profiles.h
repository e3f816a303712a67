// NVFP4 as other libraries quantise it, bit by bit, so that a tensor quantised elsewhere can be
// reproduced; and the import of tensors that are quantised already. Sources and commits: shared
// notes, numerics, section 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/numerics/block_tensor.h"

namespace nibble::numerics {

enum class Profile : uint8_t {
  kNv,           // TransformerEngine reference, FlashInfer strict: the default of this project
  kOneLevel,     // the same without a tensor scale
  kNvOld,        // TransformerEngine before the factors were folded, fouroversix static_6
  kModelOpt,     // NVIDIA Model-Optimizer of 2026
  kTorchAo,      // torchao, two levels
  kCompressed,   // compressed-tensors, llm-compressor
  kVllm,         // vLLM's emulation in Python
  kGgml,         // ggml on a CPU; codes in element order, not in its interleaved one
  kFourOverSix,  // adaptive block scaling: the largest value maps to 6 or 4, the lower squared
                 // error wins; block scales up to 256. An offline choice for weights
};

struct ProfileSpec {
  Profile profile;
  const char* name;
  const char* meaning;
};
// In the order of the enumerators.
const std::vector<ProfileSpec>& AllProfiles();
// Throws std::invalid_argument that names `name` and lists the known names.
Profile ParseProfile(const std::string& name);
// kOneLevel and kGgml have none: theirs is 1, and nobody stores it.
bool HasTensorScale(Profile profile);

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
