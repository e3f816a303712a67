// Where a network can be cut: tensors that all that comes later depends on alone. What lies between
// two is a block, whose output retraining compares with that of the FP32 network.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::retraining {

// Tensors, in the order in which they are written. Of those where a cut is possible, the ones that
// no activation function follows (the linear bottlenecks of compact networks, and sums) where the
// network has at least three; otherwise those behind every second layer with weights, and not
// before a depthwise layer's pointwise one. The network's output is none.
std::vector<int> BlockOutputs(const trace::Network& net);

}  // namespace nibble::retraining
