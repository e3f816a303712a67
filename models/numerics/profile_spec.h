// The names of the quantisers of NVFP4 that other libraries have (profiles.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
const char* ProfileName(Profile profile);
// kOneLevel and kGgml have none: theirs is 1, and nobody stores it.
bool HasTensorScale(Profile profile);

}  // namespace nibble::numerics
