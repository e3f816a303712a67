// Small random transformers: every operator on tokens, with sizes on the boundaries of blocks and
// off them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/network_builder.h"
#include "sw/trace/network.h"
#include "tests/numerics/testing.h"

namespace nibble::test {

class TransformerMaker {
 public:
  explicit TransformerMaker(uint32_t seed) : random_(seed ^ 0x7F) {
    last_ = builder_.AddInput("in", {random_.Int(4, 10), random_.Int(4, 10), random_.Int(1, 4)});
  }

  trace::Network Make() {
    using trace::Op;
    constexpr int kHeads[] = {4, 8, 16, 24, 32, 64};
    head_ = kHeads[random_.Int(0, 5)];
    heads_ = random_.Int(1, 3);
    trace::Layer patches = NewLayer(Op::kConv);
    patches.kernel_h = patches.kernel_w = patches.stride_h = patches.stride_w = 2;
    Append(std::move(patches), head_ * heads_);
    if (random_.Int(0, 3) > 0) Tokens();
    trace::Layer embed = NewLayer(Op::kAdd);
    embed.residual = Constant(builder_.ShapeOf(last_));
    Append(std::move(embed));
    for (int i = random_.Int(1, 2); i > 0; --i) Block();
    if (random_.Int(0, 1) == 0) Gram();
    Norm();
    Head();
    trace::Network net = std::move(builder_).Finish("test");
    for (trace::Tensor& t : net.tensors) t.amax = static_cast<float>(random_.Int(2, 12)) / 4;
    return net;
  }

 private:
  trace::Layer NewLayer(trace::Op op) {
    trace::Layer l;
    l.name = "l" + std::to_string(count_++);
    l.op = op;
    l.input = last_;
    return l;
  }
  std::vector<float> Values(int64_t count, float scale) {
    std::vector<float> x = random_.Values(static_cast<int>(count));
    for (float& v : x) v *= scale;
    return x;
  }
  int Append(trace::Layer l, int channels = 0, int pixels = 0) {
    if (l.has_weights()) {
      const int64_t terms = int64_t{l.kernel_h} * l.kernel_w * builder_.ShapeOf(l.input).channels;
      l.weights = Values(channels * terms, 1.5f / static_cast<float>(random_.Int(2, 8)));
      l.bias = Values(channels, 0.25f);
    }
    return last_ = builder_.AddLayer(std::move(l), channels, pixels);
  }
  int Constant(const trace::Shape& shape) {
    trace::Tensor t;
    t.name = "constant" + std::to_string(count_++);
    t.shape = shape;
    if (random_.Int(0, 1) == 0) {
      t.generator = {random_.Word(), 1u << 15};
    } else {
      t.values = Values(shape.elements(), 0.5f);
    }
    return builder_.AddConstant(std::move(t));
  }
  void Tokens() {
    trace::Layer stack = NewLayer(trace::Op::kStack);
    const int token = Constant({random_.Int(1, 2), 1, head_ * heads_});
    stack.operands = {token, last_};
    if (random_.Int(0, 1) == 0) std::swap(stack.operands[0], stack.operands[1]);
    stack.input = stack.operands[0];
    Append(std::move(stack));
  }
  void Norm() {
    trace::Layer l = NewLayer(trace::Op::kLayerNorm);
    const int channels = builder_.ShapeOf(last_).channels;
    l.epsilon = 1e-5f;
    l.weights = Values(channels, 1);
    l.bias = Values(channels, 0.25f);
    Append(std::move(l));
  }
  int Slice(int from, int first) {
    last_ = from;
    trace::Layer l = NewLayer(trace::Op::kSlice);
    l.first_channel = first;
    return Append(std::move(l), head_);
  }
  int MatMul(int a, int b, float scale) {
    last_ = a;
    trace::Layer l = NewLayer(trace::Op::kMatMul);
    l.residual = b;
    l.scale = scale;
    return Append(std::move(l));
  }
  void Attention() {
    const int width = head_ * heads_;
    const int qkv = Append(NewLayer(trace::Op::kConv), 3 * width);
    std::vector<int> outputs;
    for (int h = 0; h < heads_; ++h) {
      const int q = Slice(qkv, h * head_), k = Slice(qkv, width + h * head_);
      Slice(qkv, 2 * width + h * head_);
      const int columns = Append(NewLayer(trace::Op::kTranspose));
      MatMul(q, k, 0.3f);
      outputs.push_back(MatMul(Append(NewLayer(trace::Op::kSoftmax)), columns, 1));
    }
    last_ = outputs[0];
    trace::Layer concat = NewLayer(trace::Op::kConcat);
    concat.operands = outputs;
    Append(std::move(concat));
  }
  void Block() {
    const int width = head_ * heads_, in = last_;
    Norm();
    Attention();
    trace::Layer project = NewLayer(trace::Op::kConv);
    project.residual = in;
    const int x = Append(std::move(project), width);
    Norm();
    trace::Layer expand = NewLayer(trace::Op::kConv);
    expand.activation.kind = trace::Activation::Kind::kGelu;
    Append(std::move(expand), random_.Int(1, 3) * width);
    trace::Layer reduce = NewLayer(trace::Op::kConv);
    reduce.residual = x;
    Append(std::move(reduce), width);
  }
  // A tensor by itself, and its transpose twice over.
  void Gram() {
    const int x = last_;
    Append(NewLayer(trace::Op::kTranspose));
    Append(NewLayer(trace::Op::kTranspose));
    const int back = last_;
    MatMul(back, back, 0.125f);
    last_ = MatMul(x, x, -0.25f);
  }
  void Head() {
    if (random_.Int(0, 1) == 0) {
      Append(NewLayer(trace::Op::kGlobalAveragePool));
    } else {
      const int tokens = builder_.ShapeOf(last_).pixels();
      trace::Layer pick = NewLayer(trace::Op::kPick);
      const int count = random_.Int(1, tokens);
      pick.first_pixel = random_.Int(0, tokens - count);
      Append(std::move(pick), 0, count);
    }
    Append(NewLayer(trace::Op::kConv), 5);
  }

  numerics::Random random_;
  compiler::NetworkBuilder builder_{"transformer"};
  int last_ = 0, count_ = 0, head_ = 0, heads_ = 0;
};

inline trace::Network RandomTransformer(uint32_t seed) { return TransformerMaker(seed).Make(); }

}  // namespace nibble::test
