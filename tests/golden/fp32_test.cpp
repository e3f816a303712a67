#include <catch2/catch.hpp>
#include <cstring>
#include <stdexcept>

#include "models/numerics/functions.h"
#include "sw/golden/golden.h"
#include "tests/golden/naive_operator.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"

namespace nibble::golden {
namespace {

using trace::Op;

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// One output element by the definition: taps that lie outside the image are skipped, the rest in
// ascending order.
float NaiveSum(const trace::Network& net, const trace::Layer& l, const std::vector<float>& x,
               int oy, int ox, int n) {
  const trace::Shape in = net.tensors[l.input].shape;
  const bool depthwise = l.op == Op::kDepthwiseConv;
  const int channels = depthwise ? 1 : in.channels / l.groups;
  const int outputs = net.tensors[l.output].shape.channels / l.groups;  // of a group
  float acc = 0;
  for (int ky = 0; ky < l.kernel_h; ++ky) {
    for (int kx = 0; kx < l.kernel_w; ++kx) {
      for (int c = 0; c < channels; ++c) {
        const int iy = oy * l.stride_h + ky * l.dilation_h - l.pad_top;
        const int ix = ox * l.stride_w + kx * l.dilation_w - l.pad_left;
        if (iy < 0 || iy >= in.height || ix < 0 || ix >= in.width) continue;
        const float w = l.weights[((n * l.kernel_h + ky) * l.kernel_w + kx) * channels + c];
        const float a =
            x[(iy * in.width + ix) * in.channels + (depthwise ? n : n / outputs * channels + c)];
        const float product = a * w;
        acc = acc + product;
      }
    }
  }
  return acc;
}

std::vector<float> NaiveMatMul(const trace::Network& net, const trace::Layer& l,
                               const std::vector<float>& a, const std::vector<float>& b) {
  const int terms = net.tensors[l.input].shape.channels;
  const trace::Shape out = net.tensors[l.output].shape;
  std::vector<float> y;
  for (int p = 0; p < out.pixels(); ++p) {
    for (int n = 0; n < out.channels; ++n) {
      float acc = 0;
      for (int c = 0; c < terms; ++c) {
        const float product = a[p * terms + c] * b[n * terms + c];
        acc = acc + product;
      }
      y.push_back(acc * l.scale);
    }
  }
  return y;
}

std::vector<float> NaiveLayer(const trace::Network& net, const trace::Layer& l,
                              const std::vector<std::vector<float>>& tensors) {
  if (l.op == Op::kMatMul) return NaiveMatMul(net, l, tensors[l.input], tensors[l.residual]);
  if (!l.has_weights()) {
    const auto value = [&](int t, int p, int c) {
      return tensors[t][static_cast<size_t>(p) * net.tensors[t].shape.channels + c];
    };
    return test::NaiveOperator(net, l, value, kExactFunctions);
  }
  const trace::Shape out = net.tensors[l.output].shape;
  std::vector<float> y;
  for (int oy = 0; oy < out.height; ++oy) {
    for (int ox = 0; ox < out.width; ++ox) {
      for (int n = 0; n < out.channels; ++n) {
        const size_t i = y.size();
        const float sum = NaiveSum(net, l, tensors[l.input], oy, ox, n) + l.bias[n];
        const float active = ActivateExactly(l.activation, sum);
        y.push_back(l.residual < 0 ? active : active + tensors[l.residual][i]);
      }
    }
  }
  return y;
}

TEST_CASE("FP32 inference equals plain loops in the specified order, bit for bit") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const trace::Network net = seed % 3 == 0   ? test::RandomNetwork(seed)
                               : seed % 3 == 1 ? test::RandomOperatorNetwork(seed)
                                               : test::RandomTransformer(seed);
    const std::vector<float> input = test::RandomInput(net, seed + 1000);
    const std::vector<std::vector<float>> tensors = RunFp32(net, input);
    REQUIRE(SameBits(tensors[net.input], input));
    for (size_t t = 0; t < net.tensors.size(); ++t) {
      if (!net.tensors[t].constant) continue;
      REQUIRE(SameBits(tensors[t], trace::ConstantValues(net.tensors[t])));
    }
    for (const trace::Layer& l : net.layers) {
      CAPTURE(l.name);
      REQUIRE(SameBits(tensors[l.output], NaiveLayer(net, l, tensors)));
    }
  }
}

TEST_CASE("synthetic weights give what the same weights give when stored") {
  trace::Network stored = test::RandomNetwork(5);
  trace::Network synthetic = stored;
  for (size_t i = 0; i < stored.layers.size(); ++i) {
    trace::Layer& l = synthetic.layers[i];
    if (!l.has_weights()) continue;
    l.synthetic = true;
    l.generator = {i, 30000};
    l.weights.clear();
    l.bias.clear();
    stored.layers[i].weights = trace::LayerWeights(synthetic, l);
    stored.layers[i].bias = trace::LayerBias(synthetic, l);
  }
  const std::vector<float> input = test::RandomInput(stored, 6);
  REQUIRE(RunFp32(stored, input) == RunFp32(synthetic, input));
}

TEST_CASE("activation functions") {
  using Kind = trace::Activation::Kind;
  const float nan = std::nanf("");
  for (const trace::Activation a : {trace::Activation{}, trace::Activation{Kind::kRelu, 0, 0},
                                    trace::Activation{Kind::kClip, -1, 6}}) {
    REQUIRE(std::isnan(Activate(a, nan)));
    REQUIRE(Activate(a, 5.5f) == 5.5f);
    REQUIRE(std::signbit(Activate(a, -0.0f)));
  }
  REQUIRE(Activate({Kind::kNone, 0, 0}, -7) == -7);
  REQUIRE(Activate({Kind::kRelu, 0, 0}, -7) == 0);
  REQUIRE(Activate({Kind::kClip, -1, 6}, -7) == -1);
  REQUIRE(Activate({Kind::kClip, -1, 6}, 7) == 6);
}

TEST_CASE("activation functions of the datapath and of FP32 runs") {
  using Kind = trace::Activation::Kind;
  for (float x = -20; x < 20; x += 0.37f) {
    const float relu6 = std::min(std::max(x + 3, 0.0f), 6.0f);
    const double sigmoid = 1 / (1 + std::exp(-double{x}));
    const double normal = std::erfc(-double{x} / std::sqrt(2.0)) / 2;
    const auto near = [&](Kind kind, double expected, double error) {
      CAPTURE(x, static_cast<int>(kind));
      const trace::Activation a{kind, 0.1f, 0.25f};
      REQUIRE(double{ActivateExactly(a, x)} == Approx(expected).margin(1e-6));
      REQUIRE(double{Activate(a, x)} == Approx(expected).margin(error + 1e-6));
    };
    near(Kind::kSigmoid, sigmoid, numerics::kSigmoidError);
    near(Kind::kSilu, x * sigmoid, numerics::kSigmoidError * std::fabs(x));
    near(Kind::kGelu, x * normal, numerics::kNormalError * std::fabs(x));
    near(Kind::kHardSwish, x * relu6 / 6, 0);
    near(Kind::kHardSigmoid, std::min(std::max(0.1 * x + 0.25, 0.0), 1.0), 0);
  }
}

TEST_CASE("an input of the wrong size is refused") {
  const trace::Network net = test::RandomNetwork(1);
  std::vector<float> input = test::RandomInput(net, 1);
  input.pop_back();
  REQUIRE_THROWS_AS(RunFp32(net, input), std::invalid_argument);
  REQUIRE_THROWS_AS(Run(net, {}, input), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::golden
