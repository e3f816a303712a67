// Activation functions of the vector unit. Plain C++.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"

namespace nibble::accel {

// Activation functions of an Epilogue, as numbered in trace::Activation::Kind: none, ReLU, clip to
// lo..hi, hard sigmoid (slope lo, offset hi), hard swish, sigmoid, SiLU, GELU. In place; NaN passes
// through.
void Activate(const sim::Epilogue& state, float* y, uint32_t count);

}  // namespace nibble::accel
