// The tensors of a run under a datapath, as they are stored, views among them.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::golden {

class Storage {
 public:
  // Stores the tensors that are there before the first layer (GivenTensors). `net` and `datapaths`
  // outlive it.
  Storage(const trace::Network& net, const Datapaths& datapaths,
          const std::vector<std::vector<float>>& given);

  // By tensor, as in Execution; empty where nothing was written yet.
  const std::vector<numerics::StoredActivations>& tensors() const { return tensors_; }
  std::vector<numerics::StoredActivations> Take() && { return std::move(tensors_); }

  // Stores `ranges` of the values of a whole tensor.
  void Write(int tensor, const std::vector<ChannelRange>& ranges, const std::vector<float>& x);
  // Shows a view what its root holds.
  void Share(int tensor);

 private:
  // `x` tells the dynamic scale; no view is written under one.
  void Allocate(int tensor, const std::vector<float>& x, numerics::StoredActivations& stored) const;

  const trace::Network& net_;
  const Datapaths& datapaths_;
  std::vector<numerics::StoredActivations> tensors_;
};

}  // namespace nibble::golden
