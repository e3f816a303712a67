// A network on LibTorch, in FP32 or as a datapath stores its tensors.
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "sw/golden/datapaths.h"
#include "sw/retraining/operators.h"
#include "sw/retraining/stored_values.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

// What a pass computes with; those without a value are undefined.
struct GraphParameters {
  std::vector<torch::Tensor> weights, biases;  // by layer, shaped for Products
  std::vector<torch::Tensor> ranges;           // by tensor, [1]; undefined: not learned
};

class Graph {
 public:
  // `datapaths` null: FP32. Both outlive it. Throws trace::FileError that names what retraining
  // cannot do.
  Graph(const trace::Network& net, const golden::Datapaths* datapaths);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // As parameters of this network, one tensor an array, without gradients. `weights` by layer: what
  // is multiplied.
  GraphParameters Wrap(const std::vector<std::vector<float>>& weights,
                       const std::vector<std::vector<float>>& biases) const;

  // `input` [images][height][width][channels], as the network takes it. Calls visit(tensor, values)
  // with what layers read of each tensor once it is written; what visit returns takes its place.
  // Returns the output, [images][classes]; or, with `last` not negative, stops when that tensor is
  // written, and returns what is undefined.
  using Visit = std::function<torch::Tensor(int, const torch::Tensor&)>;
  torch::Tensor Run(const torch::Tensor& input, const GraphParameters& parameters,
                    const Visit& visit, int last = -1) const;

 private:
  torch::Tensor Compute(size_t layer, const std::vector<torch::Tensor>& values,
                        const GraphParameters& parameters) const;
  torch::Tensor Concat(size_t layer, const std::vector<torch::Tensor>& values,
                       const GraphParameters& parameters) const;
  torch::Tensor Store(const torch::Tensor& x, const Epilogue& epilogue,
                      const GraphParameters& parameters) const;

  const trace::Network& net_;
  std::vector<std::vector<golden::ChannelRange>> written_;  // by layer
  std::vector<std::vector<StoredTensor>> stored_;           // by tensor, by range written
  std::vector<Epilogue> epilogues_;                         // by tensor; of one range
  std::vector<size_t> last_reader_;                         // by tensor: a layer
};

}  // namespace nibble::retraining
