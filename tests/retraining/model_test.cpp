// The network on LibTorch against golden: values, and gradients.
#include "sw/retraining/model.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "sw/golden/golden.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"
#include "tests/retraining/datapaths.h"

namespace nibble::retraining {
namespace {

trace::Network Owned(trace::Network net) {
  OwnParameters(net);
  return net;
}

trace::Network NetworkOf(uint32_t seed) {
  return Owned(seed % 3 == 0   ? test::RandomNetwork(seed)
               : seed % 3 == 1 ? test::RandomOperatorNetwork(seed)
                               : test::RandomTransformer(seed));
}

std::vector<std::vector<float>> Inputs(const trace::Network& net, int count) {
  std::vector<std::vector<float>> inputs;
  for (int i = 0; i < count; ++i) {
    inputs.push_back(test::RandomInput(net, static_cast<uint32_t>(i)));
  }
  return inputs;
}

Batch BatchOf(const std::vector<std::vector<float>>& inputs) {
  Batch batch;
  for (const auto& x : inputs) batch.inputs.push_back(&x);
  return batch;
}

float Amax(const std::vector<float>& x) {
  float most = 0;
  for (const float v : x) most = std::max(most, std::fabs(v));
  return most;
}

// Sums in another order differ in their last bits, so that a value at the edge between two codes
// may take the other one: rarely, and by one step.
TEST_CASE("layers that read golden's tensors write golden's, but for single steps",
          "[retraining]") {
  size_t elements = 0, other = 0;
  for (const test::NamedDatapath& d : test::TrainingDatapaths()) {
    for (uint32_t seed = 0; seed < 6; ++seed) {
      const trace::Network net = NetworkOf(seed);
      const golden::Datapaths datapaths(net, d.datapath, d.overrides);
      const std::vector<float> input = test::RandomInput(net, seed);
      const golden::Execution e = golden::Run(net, datapaths, input);
      std::vector<std::vector<float>> given;
      for (const auto& stored : e.tensors) given.push_back(numerics::LoadTensor(stored));
      Model model(net, net, datapaths, {input}, 1);
      const auto values = model.StoredValues(input, &given);
      for (size_t t = 0; t < given.size(); ++t) {
        REQUIRE(values[t].size() == given[t].size());
        const float amax = Amax(given[t]);
        const bool output = static_cast<int>(t) == net.output;
        for (size_t i = 0; i < given[t].size(); ++i) {
          ++elements;
          // Scales of 32 bits that follow the data differ in their last bits, too.
          if (std::fabs(values[t][i] - given[t][i]) <= 1e-5f * amax) continue;
          INFO(d.name << ", network " << seed << ", " << net.tensors[t].name << ", " << i);
          // A step of E2M1 is a third of the largest value at most; a block scale that changes
          // moves a whole block by a sixteenth. Functions of a row are the datapath's to 1e-5.
          REQUIRE(std::fabs(values[t][i] - given[t][i]) <=
                  (output ? 1e-4f * (1 + amax) : 0.34f * amax + 1e-5f));
          other += output ? 0 : 1;
        }
      }
    }
  }
  CHECK(elements > 100000);
  CHECK(other < elements / 500);
}

TEST_CASE("both networks compute what golden does", "[retraining]") {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    const trace::Network net = NetworkOf(seed);
    numerics::Datapath fine;
    fine.activations = fine.weights = numerics::Format::kFp16;
    const golden::Datapaths datapaths(net, fine);
    const auto inputs = Inputs(net, 5);
    Model model(net, net, datapaths, inputs, 2);
    const Model::Outputs outputs = model.Run(BatchOf(inputs));
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto out = static_cast<size_t>(net.output);
      const auto exact = golden::RunFp32(net, inputs[i])[out];
      const auto stored = numerics::LoadTensor(golden::Run(net, datapaths, inputs[i]).tensors[out]);
      const float amax = Amax(exact);
      for (size_t k = 0; k < exact.size(); ++k) {
        INFO("network " << seed << ", image " << i << ", output " << k);
        // Smooth activation functions are the datapath's tables, 1e-5 off.
        CHECK(outputs.parent[i][k] == Approx(exact[k]).margin(2e-3 * amax));
        CHECK(outputs.student[i][k] == Approx(stored[k]).margin(5e-3 * amax));
      }
    }
  }
}

// f at x + h, minus f at x - h, over 2 h: of golden's FP32 executor. Weights of 16 bits, stored,
// are the FP32 ones where these have few bits.
TEST_CASE("gradients are the slopes of golden's own losses", "[retraining]") {
  size_t checked = 0;
  for (uint32_t seed = 0; seed < 9; ++seed) {
    trace::Network net = NetworkOf(seed);
    const trace::Network parent = NetworkOf(seed);
    // The student differs from its parent, so that there is a loss.
    for (trace::Layer& l : net.layers) {
      for (size_t i = 0; i < l.bias.size(); ++i) l.bias[i] += 0.4f * static_cast<float>(i % 3);
    }
    numerics::Datapath fine;
    fine.activations = fine.weights = numerics::Format::kFp16;
    const golden::Datapaths datapaths(net, fine);
    const auto inputs = Inputs(net, 2);
    Objective objective;
    objective.blocks = 0;
    objective.temperature = 1;
    Model model(parent, net, datapaths, inputs, 1);
    Parameters gradient;
    const Losses losses = model.Gradient(BatchOf(inputs), objective, gradient);
    const auto loss = [&](const trace::Network& student) {
      double sum = 0;
      for (const auto& x : inputs) {
        const auto p = golden::RunFp32(parent, x)[static_cast<size_t>(parent.output)];
        const auto q = golden::RunFp32(student, x)[static_cast<size_t>(student.output)];
        double zp = 0, zq = 0;
        for (size_t i = 0; i < p.size(); ++i) {
          zp += std::exp(double{p[i]});
          zq += std::exp(double{q[i]});
        }
        for (size_t i = 0; i < p.size(); ++i) {
          const double lp = p[i] - std::log(zp), lq = q[i] - std::log(zq);
          sum += std::exp(lp) * (lp - lq) / static_cast<double>(inputs.size());
        }
      }
      return sum;
    };
    CHECK(losses.total == Approx(loss(net)).epsilon(0.05).margin(2e-3));
    // The slope along random directions of each layer's weights and biases.
    test::Random random(seed);
    double largest = 0;
    std::vector<std::pair<double, double>> slopes;
    for (size_t i = 0; i < net.layers.size(); ++i) {
      for (const bool bias : {false, true}) {
        trace::Network moved = net;
        std::vector<float>& x = bias ? moved.layers[i].bias : moved.layers[i].weights;
        if (x.empty()) continue;
        const std::vector<float> at = x;
        const auto direction = random.Values(static_cast<int64_t>(x.size()), 1);
        const std::vector<float>& g = bias ? gradient.biases[i] : gradient.weights[i];
        double expected = 0;
        for (size_t k = 0; k < x.size(); ++k) expected += double{g[k]} * direction[k];
        const auto value = [&](float h) {
          for (size_t k = 0; k < x.size(); ++k) x[k] = at[k] + h * direction[k];
          return loss(moved);
        };
        constexpr float kStep = 2e-4f;
        slopes.emplace_back(expected, (value(kStep) - value(-kStep)) / (2 * kStep));
        largest = std::max(largest, std::fabs(slopes.back().second));
      }
    }
    for (const auto& [expected, measured] : slopes) {
      INFO("network " << seed);
      CHECK(expected == Approx(measured).epsilon(0.1).margin(0.03 * largest + 1e-4));
      ++checked;
    }
  }
  CHECK(checked > 60);
}

TEST_CASE("the same gradients from any number of threads", "[retraining]") {
  const trace::Network net = NetworkOf(3);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  const auto inputs = Inputs(net, 13);
  Objective objective;
  objective.ranges = true;
  Parameters one, three;
  Model alone(net, net, datapaths, inputs, 1), shared(net, net, datapaths, inputs, 3);
  const double loss = alone.Gradient(BatchOf(inputs), objective, one).total;
  CHECK(shared.Gradient(BatchOf(inputs), objective, three).total == loss);
  CHECK(one.weights == three.weights);
  CHECK(one.biases == three.biases);
  CHECK(one.ranges == three.ranges);
  CHECK(Amax(one.ranges) > 0);  // random networks are wider than their ranges
}

TEST_CASE("a block alone moves nothing outside", "[retraining]") {
  const trace::Network net = NetworkOf(3);
  const golden::Datapaths datapaths(net, numerics::Datapath{});
  const auto inputs = Inputs(net, 4);
  Model model(net, net, datapaths, inputs, 1);
  const int blocks = static_cast<int>(model.block_outputs().size()) + 1;
  std::vector<int> moved(net.layers.size(), 0);
  for (int block = 0; block < blocks; ++block) {
    Objective objective;
    objective.block = block;
    Parameters gradient;
    CHECK(model.Gradient(BatchOf(inputs), objective, gradient).total > 0);
    for (size_t i = 0; i < net.layers.size(); ++i) moved[i] += Amax(gradient.biases[i]) > 0 ? 1 : 0;
  }
  for (size_t i = 0; i < net.layers.size(); ++i) {
    if (net.layers[i].has_weights()) CHECK(moved[i] == 1);
  }
}

}  // namespace
}  // namespace nibble::retraining
