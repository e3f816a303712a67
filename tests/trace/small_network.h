// A network of a few hundred weights that has every operator, and a temporary directory.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sw/trace/network.h"

namespace nibble::test {

// conv (stored) -> depthwise (synthetic) -> conv + residual -> add, relu -> pool -> fc
inline trace::Network SmallNetwork() {
  using trace::Activation;
  using trace::Op;
  trace::Network net;
  net.name = "small";
  net.producer = "test";
  net.calibration = "none, numbers made up";
  net.posttraining = {"equalised by hand", "biases corrected by heart"};
  net.tensors = {{"in", {6, 5, 3}, 1.0f},    {"a", {3, 5, 4}, 6.0f}, {"b", {3, 5, 4}, 2.5f},
                 {"c", {3, 5, 4}, 3.0f},     {"d", {3, 5, 4}, 4.0f}, {"pooled", {1, 1, 4}, 0.5f},
                 {"logits", {1, 1, 7}, 9.0f}};
  net.input = 0;
  net.output = 6;
  net.preprocess = {{0.5f, 0.25f, 0.125f}, {0.5f, 0.5f, 0.75f}};
  net.layers.resize(6);
  const char* names[] = {"stem", "depthwise", "project", "sum", "pool", "classifier"};
  const Op ops[] = {Op::kConv, Op::kDepthwiseConv,     Op::kConv,
                    Op::kAdd,  Op::kGlobalAveragePool, Op::kFullyConnected};
  for (int i = 0; i < 6; ++i) {
    trace::Layer& l = net.layers[i];
    l.name = names[i];
    l.source = std::string("node_") + names[i];
    l.op = ops[i];
    l.input = i;
    l.output = i + 1;
  }
  trace::Layer& stem = net.layers[0];
  stem.kernel_h = 3;
  stem.kernel_w = 2;
  stem.stride_h = 2;
  stem.dilation_w = 2;
  stem.pad_top = 1;
  stem.pad_left = 2;
  stem.activation = {Activation::Kind::kClip, -0.5f, 6.0f};
  trace::Layer& depthwise = net.layers[1];
  depthwise.kernel_h = depthwise.kernel_w = 3;
  depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
  depthwise.synthetic = true;
  depthwise.generator = {42, 20000};
  depthwise.bias_correction = {0.5f, -0.25f, 0.0f, 1.0f};
  net.layers[2].residual = 1;
  net.layers[2].bias_correction = {1e-3f, 0.1f, -0.7f, 3.0f};
  net.layers[3].residual = 2;
  net.layers[3].activation.kind = Activation::Kind::kRelu;
  for (trace::Layer& l : net.layers) {
    if (!l.has_weights() || l.synthetic) continue;
    for (int64_t i = 0; i < trace::WeightCount(net, l); ++i) {
      l.weights.push_back(static_cast<float>((i * 37 + 11) % 101 - 50) / 33.0f);
    }
    for (int n = 0; n < net.tensors[l.output].shape.channels; ++n) {
      l.bias.push_back(static_cast<float>(n) - 1.5f);
    }
  }
  return net;
}

// The small network with the weights of `project`, 4 x 4, as codes: even and odd runs of codes, a
// zero scale, a negative zero.
inline trace::Network SmallQuantizedNetwork() {
  trace::Network net = SmallNetwork();
  trace::Layer& l = net.layers[2];
  l.quantized.emplace();
  l.quantized->block = 8;
  l.quantized->s_dec = 0.25f;
  l.quantized->codes = {0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE};
  l.quantized->scales = {0x38, 0x40, 0x00, 0x7E};  // 1, 2, 0, 448
  l.weights = {0,    0.125f, 0.25f, 0.375f, 1,    1.5f,   2,    3,
               -0.f, -0.f,   -0.f,  -0.f,   -224, -336.f, -448, -672};
  return net;
}

// What the small network lacks: slice -> grouped conv, hardswish -> concat with the rest -> shuffle
// -> maxpool -> windowpool -> gate (fc, sigmoid) -> multiply, silu -> activate.
inline trace::Network OperatorNetwork() {
  using Kind = trace::Activation::Kind;
  using trace::Op;
  trace::Network net;
  net.name = "operators";
  net.preprocess.mean = net.preprocess.stddev = std::vector<float>(6, 0.5f);
  net.input = 0;
  net.tensors.push_back({"in", {6, 5, 6}, 1});
  const auto add = [&](const char* name, Op op, int input, const trace::Shape& shape) {
    trace::Layer l;
    l.name = name;
    l.op = op;
    l.input = input;
    l.output = static_cast<int>(net.tensors.size());
    net.tensors.push_back({name, shape, 1});
    net.layers.push_back(l);
    return &net.layers.back();
  };
  trace::Layer* l = add("low", Op::kSlice, 0, {6, 5, 2});
  l = add("high", Op::kSlice, 0, {6, 5, 4});
  l->first_channel = 2;
  l = add("grouped", Op::kConv, 2, {6, 5, 6});
  l->groups = 2;
  l->kernel_h = 3;
  l->pad_top = l->pad_bottom = 1;
  l->activation.kind = Kind::kHardSwish;
  l->synthetic = true;
  l->generator = {7, 20000};
  l = add("concat", Op::kConcat, 1, {6, 5, 8});
  l->operands = {1, 3};
  l = add("shuffle", Op::kShuffle, 4, {6, 5, 8});
  l->groups = 4;
  l = add("maxpool", Op::kMaxPool, 5, {3, 3, 8});
  l->kernel_h = l->kernel_w = 3;
  l->stride_h = l->stride_w = 2;
  l->pad_top = l->pad_left = l->pad_right = 1;
  l = add("windowpool", Op::kAveragePool, 6, {3, 3, 8});
  l->kernel_h = l->kernel_w = 3;
  l->pad_top = l->pad_left = l->pad_bottom = l->pad_right = 1;
  l->count_padding = true;
  add("squeeze", Op::kGlobalAveragePool, 7, {1, 1, 8});
  l = add("gate", Op::kFullyConnected, 8, {1, 1, 8});
  l->activation.kind = Kind::kSigmoid;
  l->synthetic = true;
  l->generator = {8, 20000};
  l = add("excite", Op::kMultiply, 7, {3, 3, 8});
  l->residual = 9;
  l->activation.kind = Kind::kSilu;
  l = add("activate", Op::kActivate, 10, {3, 3, 8});
  l->activation = {Kind::kHardSigmoid, 0.2f, 0.5f};
  net.output = 11;
  return net;
}

// The operators on tokens: class token (constant) and patches -> stack, + position (generated) ->
// layernorm -> product with itself -> softmax -> product with the transpose -> pick.
inline trace::Network TokenNetwork() {
  using trace::Op;
  trace::Network net;
  net.name = "tokens";
  net.preprocess.mean = net.preprocess.stddev = std::vector<float>(4, 0.5f);
  net.input = 0;
  net.tensors.push_back({"in", {2, 3, 4}, 1});
  net.tensors.push_back({"class", {1, 1, 4}, 1});
  net.tensors.back().constant = true;
  net.tensors.back().values = {0.1f, -0.2f, 0.3f, -0.4f};
  net.tensors.push_back({"position", {7, 1, 4}, 1});
  net.tensors.back().constant = true;
  net.tensors.back().generator = trace::SyntheticWeights{9, 30000};
  const auto add = [&](const char* name, Op op, int input, const trace::Shape& shape) {
    trace::Layer l;
    l.name = name;
    l.op = op;
    l.input = input;
    l.output = static_cast<int>(net.tensors.size());
    net.tensors.push_back({name, shape, 1});
    net.layers.push_back(l);
    return &net.layers.back();
  };
  add("stack", Op::kStack, 1, {7, 1, 4})->operands = {1, 0};
  add("embed", Op::kAdd, 3, {7, 1, 4})->residual = 2;
  trace::Layer* l = add("norm", Op::kLayerNorm, 4, {7, 1, 4});
  l->epsilon = 1e-6f;
  l->weights = {1, 0.5f, 1.1f, 2};
  l->bias = {0, 0.25f, -0.3f, 0};
  l = add("norm2", Op::kLayerNorm, 5, {7, 1, 4});
  l->epsilon = 1e-5f;
  l->synthetic = true;
  l->generator = {11, 8192};
  l = add("scores", Op::kMatMul, 6, {7, 1, 7});
  l->residual = 6;
  l->scale = 0.5f;
  add("softmax", Op::kSoftmax, 7, {7, 1, 7});
  add("transpose", Op::kTranspose, 6, {4, 1, 7});
  add("mix", Op::kMatMul, 8, {7, 1, 4})->residual = 9;
  add("pick", Op::kPick, 10, {2, 1, 4})->first_pixel = 5;
  net.output = 11;
  return net;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "nibble-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteFile(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

}  // namespace nibble::test
