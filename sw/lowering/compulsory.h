// What no schedule can save: the traffic that a perfect reuse of all scratchpads would leave.
#pragma once

#include <cstdint>
#include <vector>

#include "models/sim_core/program.h"
#include "sw/lowering/plan.h"
#include "sw/lowering/schedule.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// Bytes that the layer must move over the DRAM's pins: what it reads once and what it writes, but
// for tensors that stay on chip and weights that lie near the memory.
uint64_t CompulsoryBytes(const Target& target, const trace::Layer& layer,
                         const LayerConstants& constants,
                         const std::vector<sim::TensorPlacement>& tensors);

}  // namespace nibble::lowering
