// Where a training stands.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/retraining/optimise.h"
#include "sw/retraining/parameters.h"

namespace nibble::retraining {

struct Losses {
  double total = 0, distillation = 0, blocks = 0, labels = 0;
};

// A look at the images held back.
struct Look {
  int64_t step = 0;      // steps done
  double seconds = 0;    // of training so far
  Losses training;       // means since the look before
  double held_back = 0;  // loss there: divergence from the parent, or cross-entropy with labels
  double agreement = 0;  // percent of them on which both have the same best class
  double accuracy = 0;   // percent, with labels
};

// All that a training consists of between two steps.
struct State {
  int64_t step = 0;
  double seconds = 0;
  Parameters parameters, best;
  Moments moments;
  std::vector<Look> looks;
  int64_t best_look = 0;
};

}  // namespace nibble::retraining
