#include "sw/retraining/model.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "sw/retraining/blocks.h"
#include "sw/retraining/graph.h"
#include "sw/retraining/losses.h"
#include "sw/retraining/stored_values.h"

namespace nibble::retraining {
namespace {

using torch::Tensor;

// Elements of all tensors of the images that are computed together: what a thread keeps for the
// backward pass is some 20 bytes for each.
constexpr int64_t kPartElements = int64_t{1} << 24;
constexpr size_t kLeastParts = 4;  // so that as many threads have work

size_t PartImages(const trace::Network& net, size_t images) {
  int64_t elements = 0;
  for (const trace::Tensor& t : net.tensors) elements += t.shape.elements();
  const auto fitting = static_cast<size_t>(std::max<int64_t>(kPartElements / elements, 1));
  return std::min(fitting, (images + kLeastParts - 1) / kLeastParts);
}

// LibTorch and its BLAS compute a part in one thread; parts are what runs side by side.
void OneThreadEach() {
  at::set_num_threads(1);
  using SetThreads = void (*)(int);
  static const auto set =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set != nullptr) set(1);
}

void AddTo(std::vector<float>& sum, const Tensor& gradient, const std::vector<uint8_t>& live) {
  const Tensor g = gradient.contiguous();
  const float* from = g.data_ptr<float>();
  for (size_t i = 0; i < sum.size(); ++i) {
    if (live.empty() || live[i] != 0) sum[i] += from[i];
  }
}

}  // namespace

class Model::Body {
 public:
  Body(const trace::Network& parent, const trace::Network& student,
       const golden::Datapaths& datapaths, const std::vector<std::vector<float>>& examples,
       int threads)
      : student_(student),
        datapaths_(datapaths),
        parent_graph_(parent, nullptr),
        student_graph_(student, &datapaths),
        outputs_(BlockOutputs(student)),
        threads_(threads),
        stored_(student.layers.size()) {
    for (const trace::Layer& l : parent.layers) {
      parent_weights_.push_back(l.has_parameters() ? trace::LayerWeights(parent, l)
                                                   : std::vector<float>());
      parent_biases_.push_back(l.has_parameters() ? trace::LayerBias(parent, l)
                                                  : std::vector<float>());
    }
    int block = 0;
    for (const trace::Layer& l : student.layers) {
      block_of_layer_.push_back(block);
      if (std::find(outputs_.begin(), outputs_.end(), l.output) != outputs_.end()) ++block;
    }
    TakeWeights();
    Variances(examples);
  }

  void TakeWeights() {
    taken_.resize(stored_.size());
    weights_.resize(stored_.size());
    biases_.resize(stored_.size());
    Shared(student_.layers.size(), [&](size_t i) {
      const trace::Layer& l = student_.layers[i];
      biases_[i] = l.bias;
      if (l.weights == taken_[i]) return;
      taken_[i] = l.weights;
      if (l.has_weights()) {
        stored_[i] = StoreWeights(student_, l, datapaths_.layers[i]);
        weights_[i] = std::move(stored_[i].values);
      } else {
        weights_[i] = l.weights;
      }
    });
  }

  Losses Gradient(const Batch& batch, const Objective& objective, Parameters& gradient) {
    const size_t images = batch.inputs.size(), part = PartImages(student_, images);
    const size_t parts = (images + part - 1) / part;
    gradient = ZeroLike(ParametersOf(student_));
    Losses losses;
    // Added as soon as those before are, so that few are kept.
    std::mutex mutex;
    std::vector<std::unique_ptr<PartResult>> results(parts);
    size_t added = 0;
    Shared(parts, [&](size_t i) {
      auto result = std::make_unique<PartResult>(
          RunPart(batch, i * part, std::min(part, images - i * part), objective));
      const std::lock_guard<std::mutex> lock(mutex);
      results[i] = std::move(result);
      for (; added < parts && results[added]; ++added) {
        Add(*results[added], objective, gradient, losses);
        results[added].reset();
      }
    });
    return losses;
  }

  std::vector<double> BlockErrors(const Batch& batch) {
    const size_t images = batch.inputs.size(), part = PartImages(student_, images);
    const Objective objective;
    std::vector<std::vector<double>> errors((images + part - 1) / part);
    Shared(errors.size(), [&](size_t i) {
      const at::NoGradGuard no_gradients;
      const Tensor input = Input(batch, i * part, std::min(part, images - i * part));
      PartLoss loss(objective, outputs_, variances_, images);
      parent_graph_.Run(input, parent_graph_.Wrap(parent_weights_, parent_biases_),
                        [&](int t, const Tensor& x) { return loss.ParentTensor(t, x); });
      student_graph_.Run(input, student_graph_.Wrap(weights_, biases_),
                         [&](int t, const Tensor& x) { return loss.StudentTensor(t, x); });
      for (const Tensor& error : loss.errors()) errors[i].push_back(error.item<double>());
    });
    std::vector<double> sums(outputs_.size());
    for (const std::vector<double>& of_part : errors) {
      for (size_t b = 0; b < sums.size(); ++b) sums[b] += of_part[b];
    }
    return sums;
  }

  Outputs Run(const Batch& batch) {
    const size_t images = batch.inputs.size(), part = PartImages(student_, images);
    Outputs outputs;
    outputs.student.resize(images);
    outputs.parent.resize(images);
    Shared((images + part - 1) / part, [&](size_t i) {
      const at::NoGradGuard no_gradients;
      const size_t first = i * part, count = std::min(part, images - first);
      const Tensor input = Input(batch, first, count);
      const auto pass = [](int, const Tensor& x) { return x; };
      Split(student_graph_.Run(input, student_graph_.Wrap(weights_, biases_), pass), first,
            outputs.student);
      Split(parent_graph_.Run(input, parent_graph_.Wrap(parent_weights_, parent_biases_), pass),
            first, outputs.parent);
    });
    return outputs;
  }

  std::vector<std::vector<float>> StoredValues(const std::vector<float>& input,
                                               const std::vector<std::vector<float>>* given) {
    const at::NoGradGuard no_gradients;
    OneThreadEach();
    std::vector<std::vector<float>> values(student_.tensors.size());
    student_graph_.Run(
        Input({{&input}, {}}, 0, 1), student_graph_.Wrap(weights_, biases_),
        [&](int tensor, const Tensor& x) {
          const auto t = static_cast<size_t>(tensor);
          const Tensor flat = x.contiguous().view({-1});
          values[t].assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
          if (given == nullptr) return x;
          Tensor instead = at::empty_like(flat);
          std::copy((*given)[t].begin(), (*given)[t].end(), instead.data_ptr<float>());
          return instead.view(x.sizes());
        });
    return values;
  }

  const std::vector<int>& block_outputs() const { return outputs_; }

 private:
  struct PartResult {
    Losses losses;
    std::vector<Tensor> gradients;  // as Leaves lists them
  };

  // body(i) for each i < count, on the threads.
  void Shared(size_t count, const std::function<void(size_t)>& body) const {
    std::atomic<size_t> next{0};
    std::exception_ptr failure;
    std::mutex mutex;
    const auto work = [&] {
      OneThreadEach();
      for (size_t i = next++; i < count; i = next++) {
        try {
          body(i);
        } catch (...) {
          const std::lock_guard<std::mutex> lock(mutex);
          if (!failure) failure = std::current_exception();
        }
      }
    };
    std::vector<std::thread> workers;
    for (size_t t = 1; t < std::min(count, static_cast<size_t>(threads_)); ++t) {
      workers.emplace_back(work);
    }
    work();
    for (std::thread& worker : workers) worker.join();
    if (failure) std::rethrow_exception(failure);
  }

  Tensor Input(const Batch& batch, size_t first, size_t count) const {
    const trace::Shape& shape = student_.tensors[static_cast<size_t>(student_.input)].shape;
    Tensor x = at::empty({static_cast<int64_t>(count), shape.height, shape.width, shape.channels});
    float* to = x.data_ptr<float>();
    for (size_t i = 0; i < count; ++i) {
      to = std::copy(batch.inputs[first + i]->begin(), batch.inputs[first + i]->end(), to);
    }
    return x;
  }

  static void Split(const Tensor& outputs, size_t first, std::vector<std::vector<float>>& to) {
    const auto width = static_cast<size_t>(outputs.size(1));
    const Tensor x = outputs.contiguous();
    for (size_t i = 0; i < static_cast<size_t>(x.size(0)); ++i) {
      const float* row = x.data_ptr<float>() + i * width;
      to[first + i].assign(row, row + width);
    }
  }

  void Variances(const std::vector<std::vector<float>>& examples) {
    variances_.assign(outputs_.size(), 0.0);
    const at::NoGradGuard no_gradients;
    OneThreadEach();
    Batch batch;
    for (const auto& x : examples) batch.inputs.push_back(&x);
    parent_graph_.Run(
        Input(batch, 0, examples.size()), parent_graph_.Wrap(parent_weights_, parent_biases_),
        [&](int tensor, const Tensor& x) {
          const auto at = std::find(outputs_.begin(), outputs_.end(), tensor);
          if (at != outputs_.end()) {
            variances_[static_cast<size_t>(at - outputs_.begin())] = x.var(false).item<double>();
          }
          return x;
        });
  }

  PartResult RunPart(const Batch& batch, size_t first, size_t count,
                     const Objective& objective) const {
    const Tensor input = Input(batch, first, count);
    PartLoss loss(objective, outputs_, variances_, batch.inputs.size());
    const bool inner = objective.block >= 0 && objective.block < static_cast<int>(outputs_.size());
    const int last = inner ? outputs_[static_cast<size_t>(objective.block)] : -1;
    {
      const at::NoGradGuard no_gradients;
      loss.SetParent(parent_graph_.Run(
          input, parent_graph_.Wrap(parent_weights_, parent_biases_),
          [&](int tensor, const Tensor& x) { return loss.ParentTensor(tensor, x); }, last));
    }
    GraphParameters p = student_graph_.Wrap(weights_, biases_);
    std::vector<Tensor> leaves;
    ForEachLeaf(p, objective, [&](Tensor& leaf) { leaves.push_back(leaf.requires_grad_()); });
    const Tensor output = student_graph_.Run(
        input, p, [&](int tensor, const Tensor& x) { return loss.StudentTensor(tensor, x); }, last);
    if (!batch.labels.empty()) {
      loss.SetLabels({batch.labels.begin() + static_cast<std::ptrdiff_t>(first),
                      batch.labels.begin() + static_cast<std::ptrdiff_t>(first + count)});
    }
    PartResult result;
    const Tensor total = loss.Total(output, result.losses);
    if (leaves.empty()) return result;
    result.gradients = torch::autograd::grad({total}, leaves, {}, false, false, true);
    return result;
  }

  // Weights, biases and ranges that learn, in one order.
  template <typename Visit>
  void ForEachLeaf(GraphParameters& p, const Objective& objective, Visit visit) const {
    for (size_t i = 0; i < p.weights.size(); ++i) {
      if (!WeightsLearn(i, objective)) continue;
      visit(p.weights[i]);
      visit(p.biases[i]);
    }
    for (size_t i = 0; objective.ranges && i < p.weights.size(); ++i) {
      if (!Learns(i, objective)) continue;
      const auto t = static_cast<size_t>(student_.layers[i].output);
      p.ranges[t] = at::full({1}, student_.tensors[t].amax);
      visit(p.ranges[t]);
    }
  }

  bool Learns(size_t layer, const Objective& objective) const {
    return objective.block < 0 || block_of_layer_[layer] == objective.block;
  }
  bool WeightsLearn(size_t layer, const Objective& objective) const {
    return student_.layers[layer].has_parameters() && Learns(layer, objective) &&
           (objective.keep.empty() || !objective.keep[layer]);
  }

  void Add(const PartResult& part, const Objective& objective, Parameters& gradient,
           Losses& losses) const {
    losses.total += part.losses.total;
    losses.distillation += part.losses.distillation;
    losses.blocks += part.losses.blocks;
    losses.labels += part.losses.labels;
    size_t leaf = 0;
    const auto add = [&](std::vector<float>& sum, const std::vector<uint8_t>& live) {
      const Tensor& g = part.gradients[leaf++];
      if (g.defined()) AddTo(sum, g, live);
    };
    for (size_t i = 0; i < student_.layers.size(); ++i) {
      if (!WeightsLearn(i, objective)) continue;
      add(gradient.weights[i], stored_[i].live);
      add(gradient.biases[i], {});
    }
    for (size_t i = 0; objective.ranges && i < student_.layers.size(); ++i) {
      if (!Learns(i, objective)) continue;
      const Tensor& g = part.gradients[leaf++];
      if (g.defined()) {
        gradient.ranges[static_cast<size_t>(student_.layers[i].output)] += g.item<float>();
      }
    }
  }

  const trace::Network& student_;
  const golden::Datapaths& datapaths_;
  Graph parent_graph_, student_graph_;
  std::vector<int> outputs_;
  std::vector<double> variances_;  // by output
  std::vector<int> block_of_layer_;
  int threads_;
  std::vector<StoredWeights> stored_;
  std::vector<std::vector<float>> taken_;  // what weights_ were made of
  std::vector<std::vector<float>> parent_weights_, parent_biases_;
  std::vector<std::vector<float>> weights_, biases_;  // as the datapath takes them
};

Model::Model(const trace::Network& parent, const trace::Network& student,
             const golden::Datapaths& datapaths, const std::vector<std::vector<float>>& examples,
             int threads)
    : body_(std::make_unique<Body>(parent, student, datapaths, examples, threads)) {}
Model::~Model() = default;
void Model::TakeWeights() { body_->TakeWeights(); }
Losses Model::Gradient(const Batch& batch, const Objective& objective, Parameters& gradient) {
  return body_->Gradient(batch, objective, gradient);
}
std::vector<double> Model::BlockErrors(const Batch& batch) { return body_->BlockErrors(batch); }
Model::Outputs Model::Run(const Batch& batch) { return body_->Run(batch); }
std::vector<std::vector<float>> Model::StoredValues(const std::vector<float>& input,
                                                    const std::vector<std::vector<float>>* given) {
  return body_->StoredValues(input, given);
}
const std::vector<int>& Model::block_outputs() const { return body_->block_outputs(); }

}  // namespace nibble::retraining
