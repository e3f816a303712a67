// The losses of some images of a batch.
#pragma once

#include <torch/types.h>

#include <vector>

#include "sw/retraining/model.h"

namespace nibble::retraining {

class PartLoss {
 public:
  // `outputs` of blocks and their variances; sums are divided by the number of images of the batch.
  PartLoss(const Objective& objective, const std::vector<int>& outputs,
           const std::vector<double>& variances, size_t batch);

  // Visits of Graph::Run, the parent's first.
  torch::Tensor ParentTensor(int tensor, const torch::Tensor& x);
  torch::Tensor StudentTensor(int tensor, const torch::Tensor& x);
  void SetParent(const torch::Tensor& output) { parent_ = output; }
  void SetLabels(const std::vector<int>& labels);

  const std::vector<torch::Tensor>& errors() const { return errors_; }

  // The sum to be minimised.
  torch::Tensor Total(const torch::Tensor& output, Losses& losses) const;

 private:
  int Find(int tensor) const;  // -1: no block ends there

  const Objective& objective_;
  const std::vector<int>& outputs_;
  const std::vector<double>& variances_;
  double batch_;
  std::vector<torch::Tensor> parents_;  // by block
  std::vector<torch::Tensor> errors_;   // by block: this part's share of its relative squared error
  torch::Tensor parent_, labels_;
};

}  // namespace nibble::retraining
