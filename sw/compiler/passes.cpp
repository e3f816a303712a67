#include "sw/compiler/passes.h"

#include <fmt/format.h>

#include <algorithm>

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
constexpr size_t kNone = SIZE_MAX;

size_t ProducerOf(const std::vector<Operator>& operators, const std::string& value) {
  for (size_t i = 0; i < operators.size(); ++i) {
    if (operators[i].output == value) return i;
  }
  return kNone;
}

// The producer of `value` if exactly one operator reads it and it is not the network's output.
size_t SoleProducer(const std::vector<Operator>& operators, const std::string& value,
                    const std::string& output) {
  int readers = value == output ? 1 : 0;
  for (const Operator& op : operators) readers += (op.input == value) + (op.second == value);
  return readers == 1 ? ProducerOf(operators, value) : kNone;
}

bool Plain(const Operator& op) {
  return op.layer.activation.kind == trace::Activation::Kind::kNone && op.second.empty();
}

void Erase(std::vector<Operator>& operators, size_t i) {
  operators.erase(operators.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace

void FoldScaleShift(std::vector<Operator>& operators, const std::string& output) {
  for (size_t i = 0; i < operators.size();) {
    const Operator& fold = operators[i];
    if (fold.kind != Kind::kScaleShift) {
      ++i;
      continue;
    }
    const size_t p = SoleProducer(operators, fold.input, output);
    if (p == kNone || !operators[p].has_weights() || !Plain(operators[p])) {
      Fail(fold.onnx_op, fold.name,
           "must follow a Conv, Gemm or MatMul without activation that nothing else reads");
    }
    Operator& layer = operators[p];
    const auto channels = static_cast<size_t>(layer.channels);
    if (fold.shift.size() != channels) {
      Fail(fold.onnx_op, fold.name,
           fmt::format("has {} channels, the layer before it {}", fold.shift.size(), channels));
    }
    const size_t row = layer.weights.size() / channels;
    for (size_t n = 0; n < channels; ++n) {
      const double scale = fold.scale.empty() ? 1 : fold.scale[n];
      for (size_t k = n * row; k < (n + 1) * row; ++k) {
        layer.weights[k] = static_cast<float>(layer.weights[k] * scale);
      }
      layer.bias[n] = static_cast<float>(layer.bias[n] * scale + fold.shift[n]);
    }
    layer.output = fold.output;
    Erase(operators, i);
  }
}

void FuseActivations(std::vector<Operator>& operators, const std::string& output) {
  for (size_t i = 0; i < operators.size();) {
    const Operator& fuse = operators[i];
    if (fuse.kind != Kind::kActivation) {
      ++i;
      continue;
    }
    const size_t p = SoleProducer(operators, fuse.input, output);
    const bool fits = p != kNone &&
                      operators[p].layer.activation.kind == trace::Activation::Kind::kNone &&
                      (operators[p].has_weights() || operators[p].kind == Kind::kAdd);
    if (!fits) {
      Fail(fuse.onnx_op, fuse.name,
           "must follow a Conv, Gemm, MatMul or Add without activation that nothing else reads");
    }
    operators[p].layer.activation = fuse.layer.activation;
    operators[p].output = fuse.output;
    Erase(operators, i);
  }
}

void FuseResiduals(std::vector<Operator>& operators, const std::string& output) {
  for (size_t i = 0; i < operators.size(); ++i) {
    if (operators[i].kind != Kind::kAdd ||
        operators[i].layer.activation.kind != trace::Activation::Kind::kNone) {
      continue;
    }
    const Operator add = operators[i];
    size_t best = kNone;
    for (const std::string& value : {add.input, add.second}) {
      const size_t p = SoleProducer(operators, value, output);
      if (p == kNone || !operators[p].has_weights() || !Plain(operators[p])) continue;
      if (best == kNone || p > best) best = p;
    }
    if (best == kNone) continue;
    // The layer moves to the place of the addition, where both operands exist.
    Operator layer = std::move(operators[best]);
    layer.second = layer.output == add.input ? add.second : add.input;
    layer.output = add.output;
    operators[i] = std::move(layer);
    Erase(operators, best);
    --i;
  }
}

}  // namespace nibble::compiler
