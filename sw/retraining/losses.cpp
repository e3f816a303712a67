#include "sw/retraining/losses.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace nibble::retraining {

using torch::Tensor;

PartLoss::PartLoss(const Objective& objective, const std::vector<int>& outputs,
                   const std::vector<double>& variances, size_t batch)
    : objective_(objective),
      outputs_(outputs),
      variances_(variances),
      batch_(static_cast<double>(batch)),
      parents_(outputs.size()),
      errors_(outputs.size()) {}

int PartLoss::Find(int tensor) const {
  if (objective_.block < 0 && objective_.blocks == 0) return -1;
  const auto at = std::find(outputs_.begin(), outputs_.end(), tensor);
  const int block = at == outputs_.end() ? -1 : static_cast<int>(at - outputs_.begin());
  return objective_.block < 0 || objective_.block == block ? block : -1;
}

Tensor PartLoss::ParentTensor(int tensor, const Tensor& x) {
  const int block = Find(tensor);
  if (block >= 0) parents_[static_cast<size_t>(block)] = x;
  return x;
}

Tensor PartLoss::StudentTensor(int tensor, const Tensor& x) {
  const int block = Find(tensor);
  if (block < 0) return x;
  Tensor& parent = parents_[static_cast<size_t>(block)];
  const double variance = variances_[static_cast<size_t>(block)];
  const Tensor d = x - parent;
  const double each = static_cast<double>(x.numel()) / static_cast<double>(x.size(0));
  errors_[static_cast<size_t>(block)] = (d * d).sum() / (batch_ * each * std::max(variance, 1e-30));
  parent = Tensor();
  return x;
}

void PartLoss::SetLabels(const std::vector<int>& labels) {
  labels_ = at::empty({static_cast<int64_t>(labels.size())}, at::kLong);
  std::copy(labels.begin(), labels.end(), labels_.data_ptr<int64_t>());
}

Tensor PartLoss::Total(const Tensor& output, Losses& losses) const {
  Tensor total = at::zeros({});
  const auto add = [&](const Tensor& loss, double weight, double& value) {
    value = loss.item<double>();
    total = total + loss * weight;
  };
  Tensor blocks;
  for (const Tensor& error : errors_) {
    if (error.defined()) blocks = blocks.defined() ? blocks + error : error;
  }
  if (blocks.defined()) {
    const bool alone = objective_.block >= 0;
    add(alone ? blocks : blocks / static_cast<double>(errors_.size()),
        alone ? 1.0 : objective_.blocks, losses.blocks);
  }
  if (objective_.distillation > 0 && output.defined()) {
    const double t = objective_.temperature;
    const Tensor p = at::log_softmax(parent_ / t, 1), q = at::log_softmax(output / t, 1);
    add((p.exp() * (p - q)).sum() * (t * t / batch_), objective_.distillation, losses.distillation);
  }
  if (objective_.labels > 0 && labels_.defined() && output.defined()) {
    const Tensor q = at::log_softmax(output, 1);
    add(-q.gather(1, labels_.unsqueeze(1)).sum() / batch_, objective_.labels, losses.labels);
  }
  losses.total = total.item<double>();
  return total;
}

}  // namespace nibble::retraining
