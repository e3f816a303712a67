#include "sw/retraining/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "models/numerics/rounding.h"
#include "sw/golden/golden.h"
#include "sw/retraining/augment.h"
#include "sw/trace/file.h"

namespace nibble::retraining {
namespace {

constexpr size_t kExamples = 8;  // that tell the variance of block outputs

trace::Network Owned(trace::Network net) {
  OwnParameters(net);
  return net;
}

size_t Best(const std::vector<float>& x) {
  return static_cast<size_t>(std::max_element(x.begin(), x.end()) - x.begin());
}

// log(sum(exp(x))), x divided by t.
double LogSum(const std::vector<float>& x, double t) {
  const double most = x[Best(x)] / t;
  double sum = 0;
  for (const float v : x) sum += std::exp(v / t - most);
  return most + std::log(sum);
}

std::vector<bool> LayersNamed(const trace::Network& net, const std::vector<std::string>& names) {
  std::vector<bool> named(net.layers.size());
  for (const std::string& name : names) {
    const auto at = std::find_if(net.layers.begin(), net.layers.end(), [&](const trace::Layer& l) {
      return l.name == name && l.has_parameters();
    });
    if (at == net.layers.end()) {
      throw std::invalid_argument(
          fmt::format("{} has no layer \"{}\" with weights", net.name, name));
    }
    named[static_cast<size_t>(at - net.layers.begin())] = true;
  }
  return named;
}

double Divergence(const std::vector<float>& parent, const std::vector<float>& student, double t) {
  const double p = LogSum(parent, t), q = LogSum(student, t);
  double sum = 0;
  for (size_t i = 0; i < parent.size(); ++i) {
    const double lp = parent[i] / t - p;
    sum += std::exp(lp) * (lp - (student[i] / t - q));
  }
  return sum * t * t;
}

}  // namespace

Trainer::Trainer(const trace::Network& parent, const golden::Datapaths& datapaths, TrainingSet set,
                 const Settings& settings)
    : settings_(settings),
      set_(std::move(set)),
      datapaths_(datapaths),
      parent_(parent),
      student_(Owned(parent)),
      keep_(LayersNamed(parent, settings.keep)),
      model_(parent_, student_, datapaths,
             {set_.images.begin(), set_.images.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                             kExamples, set_.images.size()))},
             settings.threads) {
  const auto count = static_cast<int>(set_.images.size());
  const int back = settings.held_back == 0 ? 0 : std::max(1, count * settings.held_back / 100);
  if (count - back < 1) throw trace::FileError("retraining takes at least two images");
  // Spread over the set, which may be in the order of its classes.
  for (int i = 0, taken = 0; i < count; ++i) {
    const bool take = taken < back && int64_t{i} * back >= int64_t{taken} * count;
    taken += take ? 1 : 0;
    (take ? held_back_ : training_).push_back(i);
  }
  TakeSizes();
  state_.parameters = ParametersOf(student_);
  state_.best = state_.parameters;
  state_.moments = {ZeroLike(state_.parameters), ZeroLike(state_.parameters)};
}

void Trainer::Start(const trace::Network& net) {
  trace::Network start = Owned(net);
  const auto sizes = [](const trace::Network& n) {
    std::vector<size_t> all;
    ParametersOf(n).ForEach([&](const std::vector<float>& x) { all.push_back(x.size()); });
    return all;
  };
  if (sizes(start) != sizes(student_)) {
    throw trace::FileError("a network to start from has other layers than its parent");
  }
  for (size_t i = 0; i < keep_.size(); ++i) {
    if (!keep_[i]) continue;
    start.layers[i].weights = student_.layers[i].weights;
    start.layers[i].bias = student_.layers[i].bias;
  }
  state_.parameters = state_.best = ParametersOf(start);
  SetParameters(student_, state_.parameters);
  TakeSizes();
  model_.TakeWeights();
}

// What is kept has none, so that nothing moves it.
void Trainer::TakeSizes() {
  sizes_ = TypicalSizes(student_);
  for (size_t i = 0; i < keep_.size(); ++i) {
    if (!keep_[i]) continue;
    std::fill(sizes_.weights[i].begin(), sizes_.weights[i].end(), 0.0f);
    std::fill(sizes_.biases[i].begin(), sizes_.biases[i].end(), 0.0f);
  }
}

void Trainer::SetState(const State& state) {
  state_ = state;
  SetParameters(student_, state_.parameters);
  model_.TakeWeights();
}

int64_t Trainer::BlockSteps() const {
  return int64_t{settings_.block_steps} * static_cast<int64_t>(model_.block_outputs().size() + 1);
}

double Trainer::BlockRate(int block) const {
  if (settings_.even_block_rate) return settings_.block_rate;
  const std::vector<int>& outputs = model_.block_outputs();
  // The last block, behind all of these, learns by what the whole network learns by.
  if (block == static_cast<int>(outputs.size())) return settings_.rate;
  const auto positions = [&](int tensor) {
    const trace::Shape& shape = student_.tensors[static_cast<size_t>(tensor)].shape;
    return static_cast<double>(shape.height) * shape.width;
  };
  double most = 0;
  for (const int tensor : outputs) most = std::max(most, positions(tensor));
  return settings_.block_rate * std::sqrt(positions(outputs[static_cast<size_t>(block)]) / most);
}

Objective Trainer::ObjectiveOf(int block) const {
  Objective objective;
  objective.distillation = settings_.distillation;
  objective.temperature = settings_.temperature;
  objective.blocks = settings_.blocks;
  objective.labels = set_.labels.empty() ? 0 : settings_.labels;
  objective.block = block;
  objective.ranges = settings_.learn_ranges;
  objective.keep = keep_;
  return objective;
}

void Trainer::TakeStep() {
  const int64_t step = state_.step, whole = step - BlockSteps();
  const bool alone = whole < 0;
  const int block = alone ? static_cast<int>(step / settings_.block_steps) : -1;
  // Of the block, or of the whole network.
  const auto since = static_cast<int>(alone ? step % settings_.block_steps : whole);
  const double rate = RateAt(settings_, alone ? BlockRate(block) : settings_.rate, since,
                             alone ? settings_.block_steps : settings_.steps);
  if (since == 0) state_.moments = {ZeroLike(state_.parameters), ZeroLike(state_.parameters)};
  const trace::Shape& shape = student_.tensors[static_cast<size_t>(student_.input)].shape;
  const std::vector<int> chosen =
      StepImages(static_cast<int>(training_.size()), settings_.batch, step, settings_.seed);
  std::vector<std::vector<float>> inputs;
  Batch batch;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const auto image = static_cast<size_t>(training_[static_cast<size_t>(chosen[i])]);
    const uint64_t place = static_cast<uint64_t>(step) * chosen.size() + i;
    inputs.push_back(Augment(set_.images[image], shape,
                             {settings_.crop, settings_.flip, settings_.colour},
                             numerics::SplitMix64(~settings_.seed, place)));
    if (!set_.labels.empty()) batch.labels.push_back(set_.labels[image]);
  }
  const std::vector<float> first = inputs[0];
  for (size_t i = 0; i < inputs.size(); ++i) {
    const uint64_t place = static_cast<uint64_t>(step) * inputs.size() + i;
    Mix(inputs[i], i + 1 < inputs.size() ? inputs[i + 1] : first, settings_.mix,
        numerics::SplitMix64(settings_.seed ^ 0x6D6978, place));
  }
  for (const std::vector<float>& input : inputs) batch.inputs.push_back(&input);
  Parameters gradient;
  const Losses losses = model_.Gradient(batch, ObjectiveOf(block), gradient);
  if (std::isfinite(losses.total)) {
    Step(settings_, rate, since, sizes_, gradient, state_.moments, state_.parameters);
    SetParameters(student_, state_.parameters);
    model_.TakeWeights();
  }
  since_look_.total += losses.total;
  since_look_.distillation += losses.distillation;
  since_look_.blocks += losses.blocks;
  since_look_.labels += losses.labels;
  ++state_.step;
}

void Trainer::TakeLook() {
  Look look;
  look.step = state_.step;
  look.seconds = state_.seconds;
  const int64_t steps = state_.looks.empty() ? 0 : state_.step - state_.looks.back().step;
  const double each = steps > 0 ? 1.0 / static_cast<double>(steps) : 0.0;
  look.training = {since_look_.total * each, since_look_.distillation * each,
                   since_look_.blocks * each, since_look_.labels * each};
  since_look_ = {};
  Batch batch;
  for (const int i : held_back_) batch.inputs.push_back(&set_.images[static_cast<size_t>(i)]);
  Model::Outputs outputs;
  if (!held_back_.empty()) outputs = model_.Run(batch);
  int agree = 0, right = 0;
  for (size_t i = 0; i < held_back_.size(); ++i) {
    const std::vector<float>&student = outputs.student[i], &parent = outputs.parent[i];
    agree += nibble::retraining::Best(student) == nibble::retraining::Best(parent) ? 1 : 0;
    if (set_.labels.empty()) {
      look.held_back += Divergence(parent, student, settings_.temperature);
      continue;
    }
    const auto label = static_cast<size_t>(set_.labels[static_cast<size_t>(held_back_[i])]);
    right += nibble::retraining::Best(student) == label ? 1 : 0;
    look.held_back += LogSum(student, 1) - student[label];
  }
  if (!held_back_.empty()) {
    const auto count = static_cast<double>(held_back_.size());
    look.held_back /= count;
    look.agreement = 100 * agree / count;
    look.accuracy = 100 * right / count;
  }
  // Without images to tell, the last state is as good as any.
  const auto best = static_cast<size_t>(state_.best_look);
  const bool better =
      state_.looks.empty() || held_back_.empty() || look.held_back < state_.looks[best].held_back;
  if (better) {
    state_.best = state_.parameters;
    state_.best_look = static_cast<int64_t>(state_.looks.size());
  }
  state_.looks.push_back(look);
}

bool Trainer::Advance(const std::function<void(size_t, size_t)>& progress) {
  using Clock = std::chrono::steady_clock;
  const int64_t all = BlockSteps() + settings_.steps;
  if (state_.looks.empty()) {
    TakeLook();
    return true;
  }
  const auto looks = static_cast<int64_t>(state_.looks.size());
  const bool tired = settings_.patience > 0 && looks - 1 - state_.best_look >= settings_.patience;
  if (state_.step >= all || tired) return false;
  const Clock::time_point start = Clock::now();
  const int64_t end = std::min(all, state_.step + settings_.interval);
  while (state_.step < end) {
    TakeStep();
    progress(static_cast<size_t>(state_.step), static_cast<size_t>(all));
  }
  state_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  TakeLook();
  return true;
}

std::vector<std::pair<int, double>> Trainer::BlockErrors() {
  Batch batch;
  for (const int i : held_back_) batch.inputs.push_back(&set_.images[static_cast<size_t>(i)]);
  if (batch.inputs.empty()) batch.inputs.push_back(set_.images.data());
  const std::vector<double> errors = model_.BlockErrors(batch);
  std::vector<std::pair<int, double>> blocks;
  for (size_t b = 0; b < errors.size(); ++b) {
    blocks.emplace_back(model_.block_outputs()[b], errors[b]);
  }
  return blocks;
}

Trainer::Difference Trainer::FromGolden(int images) {
  SetParameters(student_, state_.best);
  model_.TakeWeights();
  const std::vector<int>& from = held_back_.empty() ? training_ : held_back_;
  Difference d;
  double error = 0, power = 0;
  for (size_t i = 0; i < from.size() && d.images < images; ++i, ++d.images) {
    const std::vector<float>& input = set_.images[static_cast<size_t>(from[i])];
    const std::vector<float> y = model_.Run({{&input}, {}}).student[0];
    const golden::Execution e = golden::Run(student_, datapaths_, input);
    const auto exact = numerics::LoadTensor(e.tensors[static_cast<size_t>(student_.output)]);
    d.same_class += nibble::retraining::Best(y) == nibble::retraining::Best(exact) ? 1 : 0;
    for (size_t k = 0; k < y.size(); ++k) {
      error += (double{y[k]} - exact[k]) * (double{y[k]} - exact[k]);
      power += double{exact[k]} * exact[k];
    }
  }
  d.relative = power > 0 ? std::sqrt(error / power) : 0;
  SetParameters(student_, state_.parameters);
  model_.TakeWeights();
  return d;
}

trace::Network Trainer::Best() const {
  trace::Network net = student_;
  SetParameters(net, state_.best);
  return net;
}

}  // namespace nibble::retraining
