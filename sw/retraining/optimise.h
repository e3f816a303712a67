// One step of an optimiser, and how fast it goes.
#pragma once

#include "sw/retraining/parameters.h"
#include "sw/retraining/settings.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

// The rate of step `step` of `steps`, both of one phase: it rises in a line, then falls as half a
// cosine to 0.
double RateAt(const Settings& settings, double height, int step, int steps);

// How large a change each parameter takes for one of its own size: the root mean square of an
// output channel's weights (of the layer's where that is 0), 1/16 of the output's range for a bias,
// the range itself. Of the network before training.
Parameters TypicalSizes(const trace::Network& net);

struct Moments {
  Parameters first, second;  // of gradients; SGD: velocity, nothing
};

// The norm of all of them together.
double Norm(const Parameters& gradient);

// Step `step` counts from 0, where the moments were. `rate` as RateAt gives it. Ranges stay
// positive. Weights of size 0 do not decay.
void Step(const Settings& settings, double rate, int64_t step, const Parameters& sizes,
          const Parameters& gradient, Moments& moments, Parameters& parameters);

}  // namespace nibble::retraining
