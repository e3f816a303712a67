// Whether the vector unit can execute a word in its present state (command_checks.h).
#pragma once

#include <cstddef>

#include "models/accel/scratchpads.h"
#include "models/sim_core/command.h"
#include "models/sim_core/fault.h"

namespace nibble::accel {

// What the job has configured so far; null: not yet.
struct VectorState {
  const sim::Epilogue* epilogue = nullptr;
  const sim::Geometry* windows = nullptr;
  size_t registers = 0;  // tensor scale registers
};

sim::Fault CheckVector(const sim::Command& command, const VectorState& state,
                       const Scratchpads& scratchpads);

}  // namespace nibble::accel
