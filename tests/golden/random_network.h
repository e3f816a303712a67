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

// Every operator and activation, concatenations of concatenations and slices of slices, with
// channel counts on the boundaries of blocks and off them, and another amax for each tensor.
inline trace::Network RandomOperatorNetwork(uint32_t seed) {
  using Kind = trace::Activation::Kind;
  using trace::Op;
  Random random(seed ^ 0x0A);
  compiler::NetworkBuilder builder("operators");
  const auto channels = [&] {
    constexpr int kChoices[] = {4, 8, 12, 16, 24, 32};
    return kChoices[random.Integer(0, 5)];
  };
  const auto activation = [&]() -> trace::Activation {
    const auto kind = static_cast<Kind>(random.Integer(0, 7));
    if (kind == Kind::kClip) return {kind, -0.25f, 1.5f};
    if (kind == Kind::kHardSigmoid) return {kind, 0.2f, 0.5f};
    return {kind, 0, 0};
  };
  int count = 0;
  const auto layer = [&](Op op, int input) {
    return NewLayer("l" + std::to_string(count++), op, input);
  };
  const auto weighted = [&](Op op, int input, int out, int groups) {
    trace::Layer l = layer(op, input);
    l.groups = groups;
    if (op != Op::kFullyConnected && random.Integer(0, 1) == 1) {
      l.kernel_h = l.kernel_w = 3;
      l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
    }
    const int in = op == Op::kDepthwiseConv ? 1 : builder.ShapeOf(input).channels / groups;
    l.weights = random.Values(int64_t{out} * l.kernel_h * l.kernel_w * in, 1.5f);
    l.bias = random.Values(out, 0.5f);
    l.activation = activation();
    return builder.AddLayer(std::move(l), out);
  };
  const auto slice = [&](int input, int first, int out) {
    trace::Layer l = layer(Op::kSlice, input);
    l.first_channel = first;
    return builder.AddLayer(std::move(l), out);
  };
  const auto concat = [&](const std::vector<int>& operands) {
    trace::Layer l = layer(Op::kConcat, operands[0]);
    l.operands = operands;
    return builder.AddLayer(std::move(l));
  };
  const auto pool = [&](Op op, int input) {
    trace::Layer l = layer(op, input);
    l.kernel_h = random.Integer(1, 3);
    l.kernel_w = random.Integer(1, 3);
    l.stride_h = random.Integer(1, 2);
    l.pad_top = random.Integer(0, l.kernel_h - 1);
    l.pad_bottom = l.kernel_h - 1 - l.pad_top;
    l.pad_left = random.Integer(0, l.kernel_w - 1);
    l.pad_right = l.kernel_w - 1 - l.pad_left;
    l.count_padding = op == Op::kAveragePool && random.Integer(0, 1) == 1;
    return builder.AddLayer(std::move(l));
  };

  const int image =
      builder.AddInput("in", {random.Integer(3, 6), random.Integer(3, 6), channels() + channels()});
  const int first = random.Integer(0, 1) * 8;
  int x = image;
  if (builder.ShapeOf(x).channels > first) x = slice(x, first, builder.ShapeOf(x).channels - first);
  const int a = weighted(Op::kConv, x, channels(), random.Integer(0, 1) * 3 + 1);
  const int width = builder.ShapeOf(a).channels, low = random.Integer(1, width / 4) * 4;
  const int left = slice(a, 0, low);
  const int right = low < width ? slice(a, low, width - low) : a;
  const int b = weighted(Op::kConv, right, channels(), random.Integer(1, 2));
  const int c = weighted(Op::kDepthwiseConv, b, builder.ShapeOf(b).channels, 1);
  const int inner = concat({c, b});
  x = concat(random.Integer(0, 1) == 1 ? std::vector<int>{inner, left}
                                       : std::vector<int>{left, inner, a});
  trace::Layer shuffle = layer(Op::kShuffle, x);
  shuffle.groups = random.Integer(1, 2) * 2;
  x = builder.AddLayer(std::move(shuffle));
  x = pool(random.Integer(0, 1) == 1 ? Op::kMaxPool : Op::kAveragePool, x);
  int gate = builder.AddLayer(layer(Op::kGlobalAveragePool, x));
  gate = weighted(Op::kFullyConnected, gate, builder.ShapeOf(x).channels, 1);
  trace::Layer excite = layer(Op::kMultiply, x);
  excite.residual = random.Integer(0, 3) == 0 ? x : gate;
  excite.activation = activation();
  const int y = builder.AddLayer(std::move(excite));
  trace::Layer act = layer(Op::kActivate, y);
  do {
    act.activation = activation();
  } while (act.activation.kind == Kind::kNone);
  const int z = builder.AddLayer(std::move(act));
  x = slice(slice(z, 0, builder.ShapeOf(z).channels - 2), 2, builder.ShapeOf(z).channels - 4);
  x = pool(random.Integer(0, 1) == 1 ? Op::kMaxPool : Op::kAveragePool, x);
  x = weighted(Op::kConv, x, channels(), 1);
  const int d = weighted(Op::kConv, x, channels(), 1);
  concat({x, d});
  trace::Network net = std::move(builder).Finish("test");
  for (trace::Tensor& t : net.tensors) t.amax = static_cast<float>(random.Integer(2, 16)) / 4;
  return net;
}

inline std::vector<float> RandomInput(const trace::Network& net, uint32_t seed) {
  Random random(seed);
  return random.Values(net.tensors[net.input].shape.elements(), 2.0f);
}

}  // namespace nibble::test
