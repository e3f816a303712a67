// How the committed traces are made (traces/RECIPES.md).
#pragma once

#include <string>

#include "sw/trace/network.h"

namespace nibble::compiler {

// A built-in network, calibrated over that many generated inputs.
trace::Network CompileBuiltIn(const std::string& name, int resolution = 224,
                              int calibration_inputs = 2);

}  // namespace nibble::compiler
