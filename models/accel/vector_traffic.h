// Bytes that the vector unit moves, from the shape of a tile.
#pragma once

#include <cstdint>

#include "models/sim_core/command.h"

namespace nibble::accel {

// Scratchpad bytes that one word reads and writes.
struct VectorTraffic {
  uint64_t acc_read_bytes = 0, acc_write_bytes = 0, out_read_bytes = 0, out_write_bytes = 0;
  uint64_t out_read_scale_bytes = 0;   // block scales and parameters among those read
  uint64_t out_write_scale_bytes = 0;  // block scales among those written
};
VectorTraffic TrafficOf(const sim::Command& command, const sim::Epilogue& state,
                        const sim::Geometry& windows = {});

}  // namespace nibble::accel
