// Functions that follow a layer, of one FP32 value; functions.h says how the datapath computes
// them.
#pragma once

#include <cstdint>

namespace nibble::numerics {

// With two parameters, lo and hi. The numbers are those of traces and command words.
enum class ActivationFunction : uint8_t {
  kNone,
  kRelu,
  kClip,         // min(max(x, lo), hi); ReLU6 is kClip 0..6
  kHardSigmoid,  // min(max(x * lo + hi, 0), 1): lo is the slope, hi the offset
  kHardSwish,    // x * hardsigmoid(x) with slope 1/6 and offset 1/2
  kSigmoid,      // 1 / (1 + exp(-x))
  kSilu,         // x * sigmoid(x)
  kGelu,         // x * (1 + erf(x / sqrt(2))) / 2
};
inline constexpr ActivationFunction kLastActivation = ActivationFunction::kGelu;

}  // namespace nibble::numerics
