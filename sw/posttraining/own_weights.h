// Layers whose weights are to be changed.
#pragma once

#include "sw/trace/network.h"

namespace nibble::posttraining {

// Gives a synthetic layer its weights and bias as values of its own.
inline void OwnWeights(const trace::Network& net, trace::Layer& l) {
  if (!l.synthetic) return;
  l.weights = trace::LayerWeights(net, l);
  l.bias = trace::LayerBias(net, l);
  l.synthetic = false;
  l.generator = {};
}

}  // namespace nibble::posttraining
