// A network under a datapath as something to be trained: losses against its FP32 parent, and their
// gradients. The one header of what is built on LibTorch, which it does not include.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sw/golden/datapaths.h"
#include "sw/retraining/parameters.h"
#include "sw/retraining/state.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

// What is minimised: a weighted sum of means over images.
struct Objective {
  // T^2 times the divergence of the student's classes from the parent's, both softened by a
  // temperature T (Hinton et al. 2015, arXiv 1503.02531).
  double distillation = 1;
  double temperature = 2;
  // Mean squared error at block outputs (blocks.h) over the FP32 values' variance; mean of blocks.
  double blocks = 1;
  double labels = 0;  // cross-entropy
  // Not negative: this block alone learns to give the parent's output from what the quantised
  // blocks before it give, and nothing behind it runs. The last one, behind the last of block
  // outputs, learns by distillation and labels.
  int block = -1;
  bool ranges = false;     // static ranges learn, too
  std::vector<bool> keep;  // by layer: its weights and biases do not learn; empty: all do
};

struct Batch {
  std::vector<const std::vector<float>*> inputs;
  std::vector<int> labels;  // one an image, or empty
};

class Model {
 public:
  // `parent` computes in FP32; `student`, of the same layers, under `datapaths`. All outlive it.
  // `examples`, some inputs, tell the variance of block outputs. Throws trace::FileError that names
  // a layer which cannot be retrained.
  Model(const trace::Network& parent, const trace::Network& student,
        const golden::Datapaths& datapaths, const std::vector<std::vector<float>>& examples,
        int threads);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Quantises the student's weights anew, after they changed.
  void TakeWeights();

  // Of the batch; the gradients of the master weights, biases and ranges. The batch is computed in
  // parts, whose number depends on the batch and the network alone, and whose gradients are added
  // in their order: the same bits for any number of threads.
  Losses Gradient(const Batch& batch, const Objective& objective, Parameters& gradient);

  // By block (block_outputs): the squared error at its output over the FP32 values' variance.
  std::vector<double> BlockErrors(const Batch& batch);

  // By image: the student's outputs, and the parent's.
  struct Outputs {
    std::vector<std::vector<float>> student, parent;
  };
  Outputs Run(const Batch& batch);

  // What layers read of each tensor of the student, by tensor, and its FP32 output. With `given`,
  // by tensor, each layer computes from these instead of from what was computed before.
  std::vector<std::vector<float>> StoredValues(
      const std::vector<float>& input, const std::vector<std::vector<float>>* given = nullptr);

  const std::vector<int>& block_outputs() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace nibble::retraining
