#include "sw/posttraining/correct_bias.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "sw/golden/golden.h"
#include "sw/golden/storage.h"
#include "sw/golden/vector_ops.h"
#include "sw/posttraining/own_weights.h"

namespace nibble::posttraining {
namespace {

using trace::Layer;
using trace::Network;

// One input on its way through both networks.
struct Pair {
  Pair(const Network& original, const golden::Datapaths& datapaths, const std::vector<float>& input)
      : exact(golden::GivenTensors(original, input)), quantised(original, datapaths, exact) {}

  std::vector<std::vector<float>> exact;  // by tensor; empty once the last reader is done
  golden::Storage quantised;
};

// The layer's dot products alone.
Layer DotProducts(const Network& net, const Layer& l) {
  Layer alone = l;
  OwnWeights(net, alone);
  std::fill(alone.bias.begin(), alone.bias.end(), 0.0f);
  alone.bias_correction.clear();
  alone.activation = {};
  alone.residual = -1;
  return alone;
}

class Corrector {
 public:
  Corrector(Network& net, const golden::Datapaths& datapaths,
            const std::vector<std::vector<float>>& inputs, BiasLayers layers)
      : net_(net),
        datapaths_(datapaths),
        all_(layers == BiasLayers::kAll),
        last_reader_(net.tensors.size(), -1) {
    for (size_t i = 0; i < net.layers.size(); ++i) {
      for (const int t : trace::TensorsRead(net.layers[i])) {
        last_reader_[static_cast<size_t>(t)] = static_cast<int>(i);
      }
    }
    pairs_.reserve(inputs.size());
    for (const std::vector<float>& input : inputs) pairs_.emplace_back(net, datapaths, input);
  }

  // Runs layer `i` for all inputs; corrects it where it has a bias.
  std::optional<BiasChange> Step(int i) {
    Layer& l = net_.layers[static_cast<size_t>(i)];
    std::optional<BiasChange> change;
    l.bias_correction.clear();
    const bool spatial = net_.tensors[Output(l)].shape.pixels() > 1;
    if (l.has_weights() && (all_ || spatial)) {
      change = Correct(i, l);
    } else {
      const auto ranges = golden::WrittenChannels(net_, datapaths_, l);
      for (Pair& pair : pairs_) {
        pair.exact[Output(l)] = golden::RunLayerFp32(net_, l, pair.exact);
        if (ranges.empty()) {
          pair.quantised.Share(l.output);
        } else {
          pair.quantised.Write(l.output, ranges,
                               golden::RunLayer(net_, l, Datapath(i), pair.quantised.tensors()));
        }
      }
    }
    for (Pair& pair : pairs_) {
      for (const int t : trace::TensorsRead(l)) {
        if (last_reader_[static_cast<size_t>(t)] == i) pair.exact[static_cast<size_t>(t)] = {};
      }
    }
    return change;
  }

 private:
  int Channels(int t) const { return net_.tensors[static_cast<size_t>(t)].shape.channels; }
  static size_t Output(const Layer& l) { return static_cast<size_t>(l.output); }
  const numerics::Datapath& Datapath(int i) const {
    return datapaths_.layers[static_cast<size_t>(i)];
  }

  BiasChange Correct(int i, Layer& l) {
    const std::vector<float> bias = trace::LayerBias(net_, l);
    const auto channels = static_cast<size_t>(Channels(l.output));
    const Layer alone = DotProducts(net_, l);
    std::vector<double> error(channels);
    std::vector<std::vector<float>> quantised;
    double squares = 0;
    size_t outputs = 0;
    for (Pair& pair : pairs_) {
      std::vector<float> exact = golden::RunLayerFp32(net_, alone, pair.exact);
      quantised.push_back(golden::RunLayer(net_, alone, Datapath(i), pair.quantised.tensors()));
      for (size_t k = 0; k < exact.size(); ++k) {
        error[k % channels] += double{quantised.back()[k]} - double{exact[k]};
        const double y = double{exact[k]} + double{bias[k % channels]};
        squares += y * y;
      }
      outputs += exact.size();
      golden::Finish(l, golden::kExactFunctions, bias, Residual(l, pair.exact), exact);
      pair.exact[Output(l)] = std::move(exact);
    }
    BiasChange change{i, 0, std::sqrt(squares / static_cast<double>(outputs))};
    for (size_t c = 0; c < channels; ++c) {
      error[c] *= static_cast<double>(channels) / static_cast<double>(outputs);
      change.error_rms += error[c] * error[c] / static_cast<double>(channels);
      l.bias_correction.push_back(static_cast<float>(-error[c]));
    }
    change.error_rms = std::sqrt(change.error_rms);
    for (size_t p = 0; p < pairs_.size(); ++p) Store(l, pairs_[p], quantised[p]);
    return change;
  }

  static std::vector<float> Residual(const Layer& l,
                                     const std::vector<std::vector<float>>& tensors) {
    return l.residual < 0 ? std::vector<float>() : tensors[static_cast<size_t>(l.residual)];
  }

  // What follows the dot products `y`.
  void Store(const Layer& l, Pair& pair, std::vector<float>& y) const {
    std::vector<float> residual;
    if (l.residual >= 0) {
      residual = numerics::LoadTensor(pair.quantised.tensors()[static_cast<size_t>(l.residual)]);
    }
    golden::Finish(l, golden::kDatapathFunctions, trace::CorrectedBias(net_, l), residual, y);
    pair.quantised.Write(l.output, golden::WrittenChannels(net_, datapaths_, l), y);
  }

  Network& net_;
  const golden::Datapaths& datapaths_;
  bool all_;
  std::vector<int> last_reader_;  // layer by tensor; -1: none
  std::vector<Pair> pairs_;
};

}  // namespace

std::vector<BiasChange> CorrectBias(Network& net, const golden::Datapaths& datapaths,
                                    const std::vector<std::vector<float>>& inputs,
                                    BiasLayers layers,
                                    const std::function<void(int, int)>& progress) {
  if (inputs.empty()) throw std::invalid_argument("bias correction without inputs");
  Corrector corrector(net, datapaths, inputs, layers);
  std::vector<BiasChange> changes;
  const int steps = static_cast<int>(net.layers.size());
  for (int i = 0; i < steps; ++i) {
    if (const auto change = corrector.Step(i)) changes.push_back(*change);
    if (progress) progress(i + 1, steps);
  }
  return changes;
}

}  // namespace nibble::posttraining
