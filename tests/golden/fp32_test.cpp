#include <catch2/catch.hpp>
#include <cstring>
#include <stdexcept>

#include "sw/golden/golden.h"
#include "tests/golden/random_network.h"

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
  const int channels = depthwise ? 1 : in.channels;
  float acc = 0;
  for (int ky = 0; ky < l.kernel_h; ++ky) {
    for (int kx = 0; kx < l.kernel_w; ++kx) {
      for (int c = 0; c < channels; ++c) {
        const int iy = oy * l.stride_h + ky * l.dilation_h - l.pad_top;
        const int ix = ox * l.stride_w + kx * l.dilation_w - l.pad_left;
        if (iy < 0 || iy >= in.height || ix < 0 || ix >= in.width) continue;
        const float w = l.weights[((n * l.kernel_h + ky) * l.kernel_w + kx) * channels + c];
        const float a = x[(iy * in.width + ix) * in.channels + (depthwise ? n : c)];
        const float product = a * w;
        acc = acc + product;
      }
    }
  }
  return acc;
}

float Activated(const trace::Activation& a, float y) {
  if (a.kind == trace::Activation::Kind::kRelu && y < 0) return 0;
  if (a.kind == trace::Activation::Kind::kClip) return std::min(std::max(y, a.lo), a.hi);
  return y;
}

std::vector<float> NaiveLayer(const trace::Network& net, const trace::Layer& l,
                              const std::vector<std::vector<float>>& tensors) {
  const trace::Shape in = net.tensors[l.input].shape, out = net.tensors[l.output].shape;
  const std::vector<float>& x = tensors[l.input];
  std::vector<float> y;
  for (int oy = 0; oy < out.height; ++oy) {
    for (int ox = 0; ox < out.width; ++ox) {
      for (int n = 0; n < out.channels; ++n) {
        const size_t i = y.size();
        if (l.op == Op::kAdd) {
          y.push_back(Activated(l.activation, x[i] + tensors[l.residual][i]));
        } else if (l.op == Op::kGlobalAveragePool) {
          float sum = 0;
          for (int p = 0; p < in.pixels(); ++p) sum = sum + x[p * in.channels + n];
          y.push_back(sum / static_cast<float>(in.pixels()));
        } else {
          const float sum = NaiveSum(net, l, x, oy, ox, n) + l.bias[n];
          const float active = Activated(l.activation, sum);
          y.push_back(l.residual < 0 ? active : active + tensors[l.residual][i]);
        }
      }
    }
  }
  return y;
}

TEST_CASE("FP32 inference equals plain loops in the specified order, bit for bit") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const trace::Network net = test::RandomNetwork(seed);
    const std::vector<float> input = test::RandomInput(net, seed + 1000);
    const std::vector<std::vector<float>> tensors = RunFp32(net, input);
    REQUIRE(SameBits(tensors[net.input], input));
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

TEST_CASE("an input of the wrong size is refused") {
  const trace::Network net = test::RandomNetwork(1);
  std::vector<float> input = test::RandomInput(net, 1);
  input.pop_back();
  REQUIRE_THROWS_AS(RunFp32(net, input), std::invalid_argument);
  REQUIRE_THROWS_AS(Run(net, {}, input), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::golden
