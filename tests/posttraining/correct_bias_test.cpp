// Bias correction: the mean error of every output channel over the calibration set goes to 0.
#include "sw/posttraining/correct_bias.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/parallel.h"
#include "sw/golden/golden.h"
#include "sw/trace/file.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"

namespace nibble::posttraining {
namespace {

using trace::Layer;
using trace::Network;

std::vector<std::vector<float>> Inputs(const Network& net, int count) {
  std::vector<std::vector<float>> inputs;
  for (int i = 0; i < count; ++i) {
    inputs.push_back(test::RandomInput(net, static_cast<uint32_t>(i)));
  }
  return inputs;
}

// Mean of quantised - FP32 by channel, of what layer `i` computes before activation and residual:
// whole runs of both executors, of a layer that gives just that.
std::vector<double> MeanErrors(const Network& net, size_t i, const golden::Datapaths& datapaths,
                               const std::vector<std::vector<float>>& inputs) {
  Layer bare = net.layers[i];
  bare.activation = {};
  bare.residual = -1;
  const auto channels =
      static_cast<size_t>(net.tensors[static_cast<size_t>(bare.output)].shape.channels);
  std::vector<double> errors(channels);
  size_t values = 0;
  for (const std::vector<float>& input : inputs) {
    const auto exact = golden::RunLayerFp32(net, bare, golden::RunFp32(net, input));
    const auto quantised = golden::RunLayer(net, bare, datapaths.layers[i],
                                            golden::Run(net, datapaths, input).tensors);
    for (size_t k = 0; k < exact.size(); ++k) {
      errors[k % channels] += double{quantised[k]} - double{exact[k]};
    }
    values += exact.size() / channels;
  }
  for (double& e : errors) e /= static_cast<double>(values);
  return errors;
}

double Largest(const std::vector<double>& x) {
  double largest = 0;
  for (const double v : x) largest = std::max(largest, std::fabs(v));
  return largest;
}

TEST_CASE("No layer's output channels have a mean error on the calibration set", "[bias]") {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    Network net = seed % 4 == 0   ? test::RandomTransformer(seed)
                  : seed % 4 == 2 ? test::RandomNetwork(seed)
                                  : test::RandomOperatorNetwork(seed);
    numerics::Datapath datapath;
    if (seed % 3 == 1) datapath.tensor_scale = numerics::ScaleSource::kDynamic;
    if (seed % 3 == 2) datapath.weights = numerics::Format::kFp8;
    const golden::Datapaths datapaths(net, datapath);
    const auto inputs = Inputs(net, 5);
    std::vector<double> before;
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (net.layers[i].has_weights()) {
        before.push_back(Largest(MeanErrors(net, i, datapaths, inputs)));
      }
    }
    const Network original = net;
    const std::vector<BiasChange> changes = CorrectBias(net, datapaths, inputs, BiasLayers::kAll);
    trace::Validate(net);
    REQUIRE(changes.size() == before.size());
    double most = 0;
    for (size_t c = 0; c < changes.size(); ++c) {
      INFO("seed " << seed << " layer " << changes[c].layer);
      const auto i = static_cast<size_t>(changes[c].layer);
      const double after = Largest(MeanErrors(net, i, datapaths, inputs));
      CHECK(after < 1e-5 * (1 + changes[c].output_rms));
      most = std::max(most, before[c]);
    }
    CHECK(most > 1e-3);  // there was something to correct
    // FP32 runs, the reference, take no correction.
    CHECK(golden::RunFp32(net, inputs[0]) == golden::RunFp32(original, inputs[0]));
    // Another correction starts from the model's own biases: it comes to the same.
    Network again = net;
    CorrectBias(again, datapaths, inputs, BiasLayers::kAll);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      CHECK(again.layers[i].bias_correction == net.layers[i].bias_correction);
    }
    CHECK(trace::Parse(trace::Serialize(net)).layers[0].bias_correction ==
          net.layers[0].bias_correction);
  }
}

TEST_CASE("The number of threads changes no bit", "[bias]") {
  Network one = test::RandomNetwork(5), four = one;
  const golden::Datapaths datapaths(one, numerics::Datapath{});
  const auto inputs = Inputs(one, 3);
  CorrectBias(one, datapaths, inputs, BiasLayers::kAll);
  numerics::SetThreads(4);
  CorrectBias(four, datapaths, inputs, BiasLayers::kAll);
  numerics::SetThreads(1);
  CHECK(trace::Serialize(one) == trace::Serialize(four));
}

TEST_CASE("Layers of one pixel are left out where asked for", "[bias]") {
  Network net = test::RandomNetwork(4);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  CorrectBias(net, datapaths, Inputs(net, 2), BiasLayers::kAll);
  CorrectBias(net, datapaths, Inputs(net, 2), BiasLayers::kSpatial);
  for (const Layer& l : net.layers) {
    const bool spatial = net.tensors[static_cast<size_t>(l.output)].shape.pixels() > 1;
    CHECK(l.bias_correction.empty() == !(l.has_weights() && spatial));
  }
}

TEST_CASE("Without inputs there is no mean", "[bias]") {
  Network net = test::RandomNetwork(1);
  CHECK_THROWS_AS(
      CorrectBias(net, golden::Datapaths(net, numerics::Datapath{}), {}, BiasLayers::kAll),
      std::invalid_argument);
}

}  // namespace
}  // namespace nibble::posttraining
