// What of a command word can be wrong before an engine sees it.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"
#include "models/sim_core/fault.h"

namespace nibble::sim {

// kOpcode, kReservedBits, kNoEngine, kLayer, or kNone. `engines`: mask of those that the machine
// has; `layers` of the program. Word and address of the fault are the caller's.
FaultCode CheckWord(const Command& command, uint8_t engines, uint32_t layers);

}  // namespace nibble::sim
