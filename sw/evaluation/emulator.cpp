#include "sw/evaluation/emulator.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sw/golden/golden.h"
#include "sw/golden/weights.h"

namespace nibble::evaluation {
namespace {

constexpr int kExact = -1;  // no choice: FP32

// Power about the mean.
double Power(const std::vector<float>& x, const std::vector<float>& y) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = static_cast<double>(x[i]) - y[i];
    sum += d;
    squares += d * d;
  }
  return squares - sum * sum / static_cast<double>(x.size());
}

}  // namespace

Emulator::Emulator(const trace::Network& net, PrecisionSpace space, const Resolver& resolve)
    : net_(net),
      space_(std::move(space)),
      slot_of_tensor_(net.tensors.size(), -1),
      layer_weights_(net.layers.size()),
      current_(net.layers.size(), kExact) {
  // Datapaths where all slots of an operand have its choice `c`.
  const auto everywhere = [&](Operand operand, size_t c) {
    Assignment assignment;
    for (const Slot& slot : space_.slots) {
      assignment.push_back(slot.operand == operand ? static_cast<int>(c) : 0);
    }
    const platforms::DesignPoint design = resolve(SetsOf(net, space_, assignment));
    return golden::Datapaths(net, design.datapath, design.layer_overrides);
  };
  for (size_t c = 0; c < space_.activations.size(); ++c) {
    datapaths_.push_back(everywhere(Operand::kActivations, c));
  }
  for (size_t s = 0; s < space_.slots.size(); ++s) {
    for (const int t : space_.slots[s].tensors) {
      slot_of_tensor_[static_cast<size_t>(t)] = static_cast<int>(s);
    }
  }
  for (size_t i = 0; i < net_.layers.size(); ++i) {
    trace::Layer& l = net_.layers[i];
    if (!l.has_weights()) continue;
    layer_weights_[i].push_back(trace::LayerWeights(net, l));
    l.bias = trace::LayerBias(net, l);
    l.weights = layer_weights_[i][0];
    l.synthetic = false;
  }
  for (size_t c = 0; c < space_.weights.size(); ++c) {
    const golden::Datapaths datapaths = everywhere(Operand::kWeights, c);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const trace::Layer& l = net.layers[i];
      if (!l.has_weights()) continue;
      layer_weights_[i].push_back(
          golden::ValuesOf(golden::QuantizeLayer(net, l, datapaths.layers[i])));
    }
  }
}

void Emulator::SetWeights(int layer, int choice) {
  const auto i = static_cast<size_t>(layer);
  if (current_[i] == choice) return;
  current_[i] = choice;
  const int index = choice + 1;
  net_.layers[i].weights = layer_weights_[i][static_cast<size_t>(index)];
}

std::vector<float> Emulator::Quantised(int tensor, int choice, const std::vector<float>& x) const {
  const auto t = static_cast<size_t>(tensor);
  const golden::Datapaths& datapaths = datapaths_[static_cast<size_t>(choice)];
  const numerics::ActivationLayout& layout = datapaths.tensors[t];
  numerics::TensorScale scale;
  if (numerics::HasTensorScale(layout.format)) {
    scale = golden::ScaleOf(net_, datapaths.views[t].root, datapaths, x);
  }
  return numerics::LoadTensor(numerics::StoreTensor(
      layout, scale, x.data(),
      numerics::StreamOf(datapaths.base.activation_rounding, static_cast<uint64_t>(tensor))));
}

Emulator::Errors Emulator::Run(const std::vector<float>& input, const std::vector<float>& exact,
                               const Assignment& assignment, bool with_changes) {
  Assignment now(space_.slots.size(), kExact);
  const auto assign = [&](size_t slot, int choice) {
    now[slot] = choice;
    if (space_.slots[slot].operand == Operand::kWeights)
      SetWeights(space_.slots[slot].layer, choice);
  };
  for (size_t s = 0; s < space_.slots.size(); ++s) {
    assign(s, assignment.empty() ? kExact : assignment[s]);
  }
  const auto output = static_cast<size_t>(net_.output);
  const double power = Power(exact, std::vector<float>(exact.size()));
  // `stored`: what layers read.
  std::vector<std::vector<float>> stored(net_.tensors.size());
  const auto store = [&](int tensor, std::vector<float> x) {
    const int slot = slot_of_tensor_[static_cast<size_t>(tensor)];
    const int choice = slot < 0 ? kExact : now[static_cast<size_t>(slot)];
    stored[static_cast<size_t>(tensor)] =
        choice == kExact ? std::move(x) : Quantised(tensor, choice, x);
  };
  const auto run_layer = [&](size_t i) {
    return golden::RunLayerFp32(net_, net_.layers[i], stored);
  };
  const auto error = [&] { return power == 0 ? 0 : Power(stored[output], exact) / power; };

  // Under the assignment.
  std::vector<std::vector<float>> computed = golden::GivenTensors(net_, input);
  for (size_t t = 0; t < computed.size(); ++t) {
    if (!computed[t].empty()) store(static_cast<int>(t), computed[t]);
  }
  for (size_t i = 0; i < net_.layers.size(); ++i) {
    const int tensor = net_.layers[i].output;
    store(tensor, computed[static_cast<size_t>(tensor)] = run_layer(i));
  }
  Errors errors;
  errors.base = error();
  if (!with_changes) return errors;

  // From the back, so that tensors before a slot are those of the assignment.
  std::vector<size_t> order(space_.slots.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return space_.slots[a].layer > space_.slots[b].layer;
  });
  errors.changed.resize(space_.slots.size());
  for (const size_t s : order) {
    const Slot& slot = space_.slots[s];
    const auto put = [&](int choice) {
      assign(s, choice);
      if (slot.operand == Operand::kWeights) return;
      store(slot.tensors[0], computed[static_cast<size_t>(slot.tensors[0])]);
    };
    const int base = now[s];
    const auto choices = static_cast<int>(space_.ChoicesOf(s).size());
    for (int c = 0; c < choices; ++c) {
      if (c == base) {
        errors.changed[s].push_back(errors.base);
        continue;
      }
      put(c);
      for (size_t i = static_cast<size_t>(slot.layer); i < net_.layers.size(); ++i) {
        store(net_.layers[i].output, run_layer(i));
      }
      errors.changed[s].push_back(error());
    }
    put(base);
  }
  return errors;
}

}  // namespace nibble::evaluation
