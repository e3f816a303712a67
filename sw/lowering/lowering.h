// Trace + design point -> program: tiling, memory planning, packing, command words.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// The network does not fit the design point: exit code 2. what() names the layer and the parameter.
class LoweringError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  bool with_image = true;  // false: weights are neither generated nor quantised (timing only)
  // The DRAM that the program may use, [dram_begin, dram_end); an end beyond the memory: all of it.
  // It lies from the beginning upwards; near-memory rows from the end downwards, in whole rows.
  uint64_t dram_begin = 0, dram_end = UINT64_MAX;
};

sim::Program Lower(const trace::Network& net, const platforms::DesignPoint& design,
                   const Options& options = {});

// Programs that lie side by side in one memory, in this order. Each begins at a row of all banks,
// so that it meets the banks as it would alone.
std::vector<sim::Program> LowerSideBySide(const std::vector<const trace::Network*>& nets,
                                          const platforms::DesignPoint& design,
                                          bool with_image = true);

// What the host does before it rings the doorbell: puts an image (FP32, NHWC) into the program's
// DRAM image in the stored format, and its tensor scale into the preset word. Replaces an earlier
// input.
void SetInput(sim::Program& program, const trace::Network& net,
              const platforms::DesignPoint& design, const std::vector<float>& input);

}  // namespace nibble::lowering
