#include "sw/compiler/fuse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
using Activation = trace::Activation;
constexpr size_t kNone = SIZE_MAX;

size_t ProducerOf(const Graph& graph, const std::string& value) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (graph.operators[i].output == value) return i;
  }
  return kNone;
}

int Readers(const Graph& graph, const std::string& value) {
  int readers = value == graph.output ? 1 : 0;
  for (const Operator& op : graph.operators) {
    readers += static_cast<int>(std::count(op.inputs.begin(), op.inputs.end(), value));
  }
  return readers;
}

// The producer of `value` if exactly one operator reads it and it is not the network's output.
size_t SoleProducer(const Graph& graph, const std::string& value) {
  return Readers(graph, value) == 1 ? ProducerOf(graph, value) : kNone;
}

bool Unactivated(const Operator& op) { return op.layer.activation.kind == Activation::Kind::kNone; }
bool Plain(const Operator& op) { return Unactivated(op) && op.inputs.size() == 1; }

void Erase(Graph& graph, size_t i) {
  graph.operators.erase(graph.operators.begin() + static_cast<std::ptrdiff_t>(i));
}

bool Is(double x, double value) { return std::fabs(x - value) < 1e-6; }

// The producer of `value`, read by one operator only, if it is x * scale or x + shift.
const Operator* ScaleBehind(const Graph& graph, const std::string& value, double scale,
                            double shift) {
  const size_t i = SoleProducer(graph, value);
  if (i == kNone || graph.operators[i].kind != Kind::kScaleShift) return nullptr;
  const Operator& op = graph.operators[i];
  const bool scales =
      scale == 1 ? op.scale.empty() : op.scale.size() == 1 && Is(op.scale[0], scale);
  const bool shifts =
      shift == 0 ? op.shift.empty() : op.shift.size() == 1 && Is(op.shift[0], shift);
  return scales && shifts ? &op : nullptr;
}

// The producer of `value`, read by one operator only, if it is an activation of kind `kind`.
const Operator* ActivationBehind(const Graph& graph, const std::string& value,
                                 Activation::Kind kind) {
  const size_t i = SoleProducer(graph, value);
  if (i == kNone || graph.operators[i].kind != Kind::kActivation) return nullptr;
  return graph.operators[i].layer.activation.kind == kind ? &graph.operators[i] : nullptr;
}

// x, where `value` is clip(x + 3, 0, 6) and read by one operator only.
const std::string* ShiftedRelu6(const Graph& graph, const std::string& value) {
  const Operator* clip = ActivationBehind(graph, value, Activation::Kind::kClip);
  if (clip == nullptr || clip->layer.activation.lo != 0 || clip->layer.activation.hi != 6) {
    return nullptr;
  }
  const Operator* shift = ScaleBehind(graph, clip->inputs[0], 1, 3);
  return shift == nullptr ? nullptr : &shift->inputs[0];
}

constexpr Activation kHardSigmoid = {Activation::Kind::kHardSigmoid, 1.0f / 6.0f, 0.5f};

// What operator `op` is as an activation of one value, and of which; none if it is something else.
Activation Recognise(const Graph& graph, const Operator& op, std::string& x) {
  if (op.kind == Kind::kScaleShift && op.shift.empty() && op.scale.size() == 1 &&
      Is(op.scale[0], 1.0 / 6)) {
    if (const std::string* from = ShiftedRelu6(graph, op.inputs[0])) {
      x = *from;
      return kHardSigmoid;
    }
    const size_t i = SoleProducer(graph, op.inputs[0]);  // (x * clip(x + 3, 0, 6)) / 6
    if (i == kNone || graph.operators[i].kind != Kind::kMultiply) return {};
    const std::vector<std::string>& factors = graph.operators[i].inputs;
    for (const size_t k : {0, 1}) {
      const std::string* from = ShiftedRelu6(graph, factors[1 - k]);
      if (from == nullptr || *from != factors[k]) continue;
      x = *from;
      return {Activation::Kind::kHardSwish, 0, 0};
    }
  }
  if (op.kind != Kind::kMultiply) return {};
  for (const size_t k : {0, 1}) {
    x = op.inputs[k];
    if (const Operator* gate =
            ActivationBehind(graph, op.inputs[1 - k], Activation::Kind::kSigmoid)) {
      if (gate->inputs[0] == x) return {Activation::Kind::kSilu, 0, 0};
    }
    if (const Operator* gate =
            ActivationBehind(graph, op.inputs[1 - k], Activation::Kind::kHardSigmoid)) {
      const Activation& a = gate->layer.activation;
      if (gate->inputs[0] == x && Is(a.lo, 1.0 / 6) && Is(a.hi, 0.5)) {
        return {Activation::Kind::kHardSwish, 0, 0};
      }
    }
  }
  return {};
}

// Operators whose results nobody reads any more.
void EraseUnread(Graph& graph) {
  for (size_t i = graph.operators.size(); i-- > 0;) {
    if (Readers(graph, graph.operators[i].output) == 0) Erase(graph, i);
  }
}

int64_t ChannelsOf(const Graph& graph, const Operator& op) {
  const Dims& dims = graph.dims.at(op.output);
  if (dims.size() != 4 && dims.size() != 2) {
    Fail(op.onnx_op, op.name, "must work on a map or a vector, or follow a Conv, Gemm or MatMul");
  }
  return dims[1];
}

double At(const std::vector<double>& values, size_t n, double otherwise) {
  return values.empty() ? otherwise : values[values.size() == 1 ? 0 : n];
}

void FoldInto(const Operator& fold, Operator& layer) {
  const auto channels = static_cast<size_t>(layer.channels);
  for (const std::vector<double>* values : {&fold.scale, &fold.shift}) {
    if (values->size() > 1 && values->size() != channels) {
      Fail(fold.onnx_op, fold.name,
           fmt::format("has {} channels, the layer before it {}", values->size(), channels));
    }
  }
  const size_t row = layer.weights.size() / channels;
  for (size_t n = 0; n < channels; ++n) {
    const double scale = At(fold.scale, n, 1);
    for (size_t k = n * row; k < (n + 1) * row; ++k) {
      layer.weights[k] = static_cast<float>(layer.weights[k] * scale);
    }
    layer.bias[n] = static_cast<float>(layer.bias[n] * scale + At(fold.shift, n, 0));
  }
  layer.output = fold.output;
}

// A depthwise convolution of one tap.
void MakeDepthwise(const Graph& graph, Operator& op) {
  op.kind = Kind::kConv;
  op.layer.op = trace::Op::kDepthwiseConv;
  op.channels = op.input_channels = static_cast<int>(ChannelsOf(graph, op));
  for (size_t n = 0; n < static_cast<size_t>(op.channels); ++n) {
    op.weights.push_back(static_cast<float>(At(op.scale, n, 1)));
    op.bias.push_back(static_cast<float>(At(op.shift, n, 0)));
  }
}

}  // namespace

void RecogniseActivations(Graph& graph) {
  for (Operator& op : graph.operators) {
    std::string x;
    const Activation activation = Recognise(graph, op, x);
    if (activation.kind == Activation::Kind::kNone) continue;
    Operator whole;
    whole.kind = Kind::kActivation;
    whole.onnx_op = op.onnx_op;
    whole.name = op.name;
    whole.inputs = {x};
    whole.output = op.output;
    whole.layer.activation = activation;
    op = std::move(whole);
  }
  EraseUnread(graph);
}

void FoldScaleShifts(Graph& graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    Operator& fold = graph.operators[i];
    if (fold.kind != Kind::kScaleShift) {
      ++i;
      continue;
    }
    const size_t p = SoleProducer(graph, fold.inputs[0]);
    if (p != kNone && graph.operators[p].has_weights() && Plain(graph.operators[p])) {
      FoldInto(fold, graph.operators[p]);
      Erase(graph, i);
    } else {
      MakeDepthwise(graph, fold);
      ++i;
    }
  }
}

void FuseActivations(Graph& graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    const Operator& fuse = graph.operators[i];
    const size_t p = fuse.kind == Kind::kActivation ? SoleProducer(graph, fuse.inputs[0]) : kNone;
    const bool fits = p != kNone && Unactivated(graph.operators[p]) &&
                      (graph.operators[p].has_weights() || graph.operators[p].kind == Kind::kAdd ||
                       graph.operators[p].kind == Kind::kMultiply);
    if (!fits) {
      ++i;
      continue;
    }
    graph.operators[p].layer.activation = fuse.layer.activation;
    graph.operators[p].output = fuse.output;
    Erase(graph, i);
  }
}

void FuseResiduals(Graph& graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const Operator add = graph.operators[i];
    if (add.kind != Kind::kAdd || !Unactivated(add)) continue;
    size_t best = kNone;
    for (const std::string& value : add.inputs) {
      const size_t p = SoleProducer(graph, value);
      if (p == kNone || !graph.operators[p].has_weights() || !Plain(graph.operators[p])) continue;
      if (best == kNone || p > best) best = p;
    }
    if (best == kNone || graph.dims.at(add.inputs[0]) != graph.dims.at(add.inputs[1])) continue;
    // The layer moves to the place of the addition, where both operands exist.
    Operator layer = std::move(graph.operators[best]);
    layer.inputs.push_back(layer.output == add.inputs[0] ? add.inputs[1] : add.inputs[0]);
    layer.output = add.output;
    graph.operators[i] = std::move(layer);
    Erase(graph, best);
    --i;
  }
}

void Fuse(Graph& graph) {
  RecogniseActivations(graph);
  FoldScaleShifts(graph);
  FuseActivations(graph);
  FuseResiduals(graph);
}

}  // namespace nibble::compiler
