// Tensors whose channels must have the same factors in an equalisation.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::posttraining {

class ChannelGroups {
 public:
  // `through_clips`: a clip at 0 and an upper bound commutes with factors, as Relu does.
  ChannelGroups(const trace::Network& net, bool through_clips);

  // The tensor that stands for the group of tensor `t`.
  int Of(int t) const;
  // Whether no factor but 1 is allowed.
  bool Fixed(int t) const { return fixed_[static_cast<size_t>(Of(t))]; }

 private:
  void Fix(int t) { fixed_[static_cast<size_t>(Of(t))] = true; }
  void Join(int a, int b);
  void AddLayer(const trace::Layer& l, bool through_clips);

  std::vector<int> parent_;
  std::vector<bool> fixed_;
};

}  // namespace nibble::posttraining
