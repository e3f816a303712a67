// Trace + design point -> program: tiling, memory planning, packing, command words.
#pragma once

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
};

sim::Program Lower(const trace::Network& net, const platforms::DesignPoint& design,
                   const Options& options = {});

// What the host does before it rings the doorbell: puts an image (FP32, NHWC) into the program's
// DRAM image in the stored format, and its tensor scale into the preset word. Replaces an earlier
// input.
void SetInput(sim::Program& program, const trace::Network& net,
              const platforms::DesignPoint& design, const std::vector<float>& input);

}  // namespace nibble::lowering
