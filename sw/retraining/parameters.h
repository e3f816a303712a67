// What retraining changes of a network, and anything of the same shape: gradients, moments.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::retraining {

struct Parameters {
  std::vector<std::vector<float>> weights, biases;  // by layer; empty of layers without parameters
  std::vector<float> ranges;                        // by tensor: the static amax

  // Calls visit(values of this, values of others...) for every array of all.
  template <typename Visit, typename... Others>
  void ForEach(Visit visit, Others&... others) {
    for (size_t i = 0; i < weights.size(); ++i) {
      visit(weights[i], others.weights[i]...);
      visit(biases[i], others.biases[i]...);
    }
    visit(ranges, others.ranges...);
  }
  template <typename Visit, typename... Others>
  void ForEach(Visit visit, Others&... others) const {
    for (size_t i = 0; i < weights.size(); ++i) {
      visit(weights[i], others.weights[i]...);
      visit(biases[i], others.biases[i]...);
    }
    visit(ranges, others.ranges...);
  }
};

// Of a network whose layers hold what they have: see OwnParameters.
Parameters ParametersOf(const trace::Network& net);
void SetParameters(trace::Network& net, const Parameters& parameters);
// The same shape, all 0.
Parameters ZeroLike(const Parameters& parameters);

// Weights and biases as a run under a datapath takes them, corrections of biases included, in the
// layers themselves: no longer generated, and no longer imported as codes.
void OwnParameters(trace::Network& net);

}  // namespace nibble::retraining
