// One layer by an implementation that knows only the formats: every operand is decoded from its
// stored bits, and a block term is the exact sum of products, rounded once.
#pragma once

#include <vector>

#include "sw/golden/golden.h"

namespace nibble::golden {

// A stored activation: element code and block scale, read straight from the packed bytes.
struct Operand {
  long double value, scale;
};
Operand Activation(const numerics::StoredActivations& x, int pixel, int channel);

// What layer `l` computes from tensors as stored, before it is stored.
std::vector<float> ExactLayer(const trace::Network& net, const trace::Layer& l,
                              const numerics::Datapath& datapath,
                              const std::vector<numerics::StoredActivations>& tensors);

}  // namespace nibble::golden
