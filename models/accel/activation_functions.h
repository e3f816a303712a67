// Activation functions of the vector unit. Plain C++.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"

namespace nibble::accel {

// The Epilogue's function, in place; NaN passes through.
void Activate(const sim::Epilogue& state, float* y, uint32_t count);

}  // namespace nibble::accel
