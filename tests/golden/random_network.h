// Small random networks that have every operator, and numbers for them. Only std::mt19937 itself,
// whose sequence the standard fixes: its distributions differ between libraries.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "sw/compiler/network_builder.h"
#include "sw/trace/network.h"

namespace nibble::test {

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int Integer(int lo, int hi) { return lo + static_cast<int>(engine_() % (hi - lo + 1)); }
  // In -1..1, with 24 random bits and exact zeros among them.
  float Value() {
    if (engine_() % 8 == 0) return 0;
    return static_cast<float>(static_cast<int>(engine_() >> 7) - (1 << 24)) * 0x1p-24f;
  }
  std::vector<float> Values(int64_t count, float scale) {
    std::vector<float> v(static_cast<size_t>(count));
    for (float& x : v) x = Value() * scale;
    return v;
  }

 private:
  std::mt19937 engine_;
};

inline trace::Layer NewLayer(const std::string& name, trace::Op op, int input) {
  trace::Layer l;
  l.name = name;
  l.op = op;
  l.input = input;
  return l;
}

inline void RandomWindow(Random& random, trace::Layer& l) {
  l.kernel_h = random.Integer(1, 3);
  l.kernel_w = random.Integer(1, 4);
  l.stride_h = random.Integer(1, 2);
  l.stride_w = random.Integer(1, 3);
  l.dilation_h = random.Integer(1, 2);
  l.dilation_w = random.Integer(1, 2);
  l.pad_top = random.Integer(0, 3);
  l.pad_left = random.Integer(0, 2);
  l.pad_bottom = 4;  // so that the largest dilated kernel fits one pixel
  l.pad_right = 6;
}

inline trace::Activation RandomActivation(Random& random) {
  using Kind = trace::Activation::Kind;
  switch (random.Integer(0, 2)) {
    case 0:
      return {};
    case 1:
      return {Kind::kRelu, 0, 0};
    default:
      return {Kind::kClip, -0.25f, 1.5f};
  }
}

// conv -> depthwise -> conv (4 kernel taps, residual) -> add -> pool -> fc, with amax 2 everywhere.
inline trace::Network RandomNetwork(uint32_t seed) {
  using trace::Op;
  Random random(seed);
  compiler::NetworkBuilder builder("random");
  const int in =
      builder.AddInput("in", {random.Integer(4, 9), random.Integer(4, 9), random.Integer(1, 20)});
  const auto add = [&](trace::Layer l, int channels) {
    l.activation = l.op == Op::kGlobalAveragePool ? trace::Activation{} : RandomActivation(random);
    if (l.has_weights()) {
      const int terms = builder.ShapeOf(l.input).channels;
      const int64_t row = l.op == Op::kDepthwiseConv ? l.kernel_h * l.kernel_w
                                                     : int64_t{l.kernel_h} * l.kernel_w * terms;
      l.weights = random.Values(channels * row, 1.5f / static_cast<float>(random.Integer(1, 3)));
      l.bias = random.Values(channels, 0.5f);
    }
    return builder.AddLayer(std::move(l), channels);
  };
  trace::Layer stem = NewLayer("stem", Op::kConv, in);
  RandomWindow(random, stem);
  const int channels = random.Integer(1, 40);
  const int a = add(std::move(stem), channels);

  trace::Layer depthwise = NewLayer("depthwise", Op::kDepthwiseConv, a);
  RandomWindow(random, depthwise);
  const int b = add(std::move(depthwise), channels);

  trace::Layer same = NewLayer("same", Op::kConv, b);
  same.kernel_h = same.kernel_w = 2;
  same.pad_bottom = same.pad_left = 1;
  same.residual = b;
  const int c = add(std::move(same), channels);

  trace::Layer sum = NewLayer("sum", Op::kAdd, c);
  sum.residual = b;
  const int d = add(std::move(sum), 0);
  const int pooled = add(NewLayer("pool", Op::kGlobalAveragePool, d), 0);
  add(NewLayer("fc", Op::kFullyConnected, pooled), random.Integer(1, 12));
  trace::Network net = std::move(builder).Finish("test");
  for (trace::Tensor& t : net.tensors) t.amax = 2;
  return net;
}

inline std::vector<float> RandomInput(const trace::Network& net, uint32_t seed) {
  Random random(seed);
  return random.Values(net.tensors[net.input].shape.elements(), 2.0f);
}

}  // namespace nibble::test
