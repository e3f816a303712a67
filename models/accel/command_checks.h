// Whether an engine can execute a word: every range within its scratchpad, every size consistent
// with the engine's configuration. A word that passes reads and writes nothing that does not exist.
#pragma once

#include <cstddef>

#include "models/accel/scratchpads.h"
#include "models/sim_core/command.h"
#include "models/sim_core/fault.h"

namespace nibble::accel {

// kSramRange with the address unless the range lies within `sram`.
sim::Fault CheckRange(const memory::Sram& sram, uint64_t address, uint64_t bytes);

// DRAM addresses are for the memory to refuse.
sim::Fault CheckCopy(const sim::Copy& copy, const Scratchpads& scratchpads);
sim::Fault CheckMove(const sim::Move& move, const Scratchpads& scratchpads);

// kTensorConfig, kBankConfig, kVectorGeometry.
sim::Fault CheckGeometry(const sim::Geometry& geometry);

// A run under `geometry`, which CheckGeometry has passed: activations and sums of both compute
// engines; weights of the tensor unit.
sim::Fault CheckConvolve(const sim::Geometry& geometry, const sim::Convolve& run,
                         const Scratchpads& scratchpads);
sim::Fault CheckWeights(const sim::Geometry& geometry, const sim::Convolve& run,
                        const Scratchpads& scratchpads);

}  // namespace nibble::accel
