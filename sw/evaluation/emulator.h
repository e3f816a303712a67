// A network in mixed precision, emulated: FP32 arithmetic on dequantised values. Quick enough to
// try every choice of every slot, for only layers behind the slot run again, and near the machine,
// which sums the same products with other roundings. What it finds guides; what is reported is
// measured on the machine.
#pragma once

#include <vector>

#include "sw/evaluation/precision.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

class Emulator {
 public:
  // Quantises the weights of every layer in every choice. Throws what `resolve` does, and
  // std::invalid_argument for a choice that the datapath does not take.
  Emulator(const trace::Network& net, PrecisionSpace space, const Resolver& resolve);

  const PrecisionSpace& space() const { return space_; }

  // Power of the error of the network's output over that of FP32's, both about their means: a
  // change of all outputs alike changes no decision.
  struct Errors {
    double base = 0;                           // of the assignment
    std::vector<std::vector<double>> changed;  // [slot][choice]: with that slot's choice instead
  };
  // Of one image, whose output in FP32 is `exact`; 0 where all of that is the same. An empty
  // assignment is FP32 everywhere. `with_changes` false: `base` alone.
  Errors Run(const std::vector<float>& input, const std::vector<float>& exact,
             const Assignment& assignment, bool with_changes);

 private:
  void SetWeights(int layer, int choice);  // -1: as they are
  std::vector<float> Quantised(int tensor, int choice, const std::vector<float>& x) const;

  trace::Network net_;  // with the weights that the next run takes
  PrecisionSpace space_;
  std::vector<golden::Datapaths> datapaths_;  // by choice of activations, the same everywhere
  std::vector<int> slot_of_tensor_;
  // [layer][0]: as they are; [layer][1 + choice]: dequantised
  std::vector<std::vector<std::vector<float>>> layer_weights_;
  std::vector<int> current_;  // choice of each layer's weights in net_
};

}  // namespace nibble::evaluation
