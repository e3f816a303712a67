// Operators that exporters take apart, made whole.
#include <cmath>

#include "sw/compiler/fuse.h"
#include "sw/compiler/graph_edit.h"
#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
using Activation = trace::Activation;

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

// x, where `value` is 1 + erf(x / sqrt(2)) and read by one operator only.
const std::string* ErfGate(const Graph& graph, const std::string& value) {
  const Operator* sum = ScaleBehind(graph, value, 1, 1);
  const size_t i = sum == nullptr ? kNone : SoleProducer(graph, sum->inputs[0]);
  if (i == kNone || graph.operators[i].onnx_op != "Erf") return nullptr;
  const Operator* scale = ScaleBehind(graph, graph.operators[i].inputs[0], std::sqrt(0.5), 0);
  return scale == nullptr ? nullptr : &scale->inputs[0];
}

// x, where `op` is x * (1 + erf(x / sqrt(2))) / 2, the half in any of three places.
const std::string* GeluOf(const Graph& graph, const Operator& op) {
  const bool halves = op.kind == Kind::kScaleShift && op.shift.empty() && op.scale.size() == 1 &&
                      Is(op.scale[0], 0.5);
  const size_t i = halves ? SoleProducer(graph, op.inputs[0]) : kNone;
  if (halves && i == kNone) return nullptr;
  const Operator& product = halves ? graph.operators[i] : op;
  if (product.kind != Kind::kMultiply) return nullptr;
  for (const size_t k : {0, 1}) {
    const std::string *factor = &product.inputs[k], *gate = &product.inputs[1 - k];
    if (!halves) {
      if (const Operator* half = ScaleBehind(graph, *factor, 0.5, 0)) {
        factor = &half->inputs[0];
      } else if (const Operator* other = ScaleBehind(graph, *gate, 0.5, 0)) {
        gate = &other->inputs[0];
      } else {
        continue;
      }
    }
    const std::string* x = ErfGate(graph, *gate);
    if (x != nullptr && *x == *factor) return x;
  }
  return nullptr;
}

// What operator `op` is as an activation of one value, and of which; none if it is something else.
Activation Recognise(const Graph& graph, const Operator& op, std::string& x) {
  if (const std::string* from = GeluOf(graph, op)) {
    x = *from;
    return {Activation::Kind::kGelu, 0, 0};
  }
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

// The operator that writes `value`, if it is part `onnx_op` of one that was taken apart.
const Operator* PartBehind(const Graph& graph, const std::string& value, const char* onnx_op) {
  const size_t i = ProducerOf(graph, value);
  if (i == kNone || graph.operators[i].kind != Kind::kPart) return nullptr;
  return graph.operators[i].onnx_op == onnx_op ? &graph.operators[i] : nullptr;
}

// x, where `value` is x - mean(x).
const std::string* DifferenceOf(const Graph& graph, const std::string& value) {
  const Operator* difference = PartBehind(graph, value, "Sub");
  if (difference == nullptr) return nullptr;
  const Operator* mean = PartBehind(graph, difference->inputs[1], "ReduceMean");
  const bool own = mean != nullptr && mean->inputs[0] == difference->inputs[0];
  return own ? &difference->inputs[0] : nullptr;
}

// d, where `value` is d * d.
const std::string* SquareOf(const Graph& graph, const std::string& value) {
  if (const Operator* power = PartBehind(graph, value, "Pow")) return &power->inputs[0];
  const size_t i = ProducerOf(graph, value);
  if (i == kNone || graph.operators[i].kind != Kind::kMultiply) return nullptr;
  const std::vector<std::string>& factors = graph.operators[i].inputs;
  return factors[0] == factors[1] ? &factors[0] : nullptr;
}

// x, where `op` is d / sqrt(mean(d^2) + epsilon) and d is x - mean(x).
const std::string* NormalizedBy(const Graph& graph, const Operator& op, double& epsilon) {
  if (op.kind != Kind::kPart || op.onnx_op != "Div") return nullptr;
  const std::string* x = DifferenceOf(graph, op.inputs[0]);
  const Operator* root = PartBehind(graph, op.inputs[1], "Sqrt");
  const size_t i = root == nullptr ? kNone : ProducerOf(graph, root->inputs[0]);
  if (x == nullptr || i == kNone) return nullptr;
  const Operator& sum = graph.operators[i];
  if (sum.kind != Kind::kScaleShift || !sum.scale.empty() || sum.shift.size() != 1) return nullptr;
  const Operator* variance = PartBehind(graph, sum.inputs[0], "ReduceMean");
  const std::string* d = variance == nullptr ? nullptr : SquareOf(graph, variance->inputs[0]);
  const std::string* of = d == nullptr ? nullptr : DifferenceOf(graph, *d);
  epsilon = sum.shift[0];
  return of != nullptr && *of == *x ? x : nullptr;
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

void RecogniseNormalizations(Graph& graph) {
  for (Operator& op : graph.operators) {
    double epsilon = 0;
    const std::string* x = NormalizedBy(graph, op, epsilon);
    if (x == nullptr) continue;
    Operator whole;
    whole.kind = Kind::kLayerNorm;
    whole.onnx_op = op.onnx_op;
    whole.name = op.name;
    whole.inputs = {*x};
    whole.output = op.output;
    whole.layer.op = trace::Op::kLayerNorm;
    whole.layer.epsilon = static_cast<float>(epsilon);
    whole.axis = graph.dims.at(op.output).size() - 1;
    whole.channels = static_cast<int>(graph.dims.at(op.output).back());
    whole.weights.assign(static_cast<size_t>(whole.channels), 1);
    whole.bias.assign(static_cast<size_t>(whole.channels), 0);
    op = std::move(whole);
  }
  EraseUnread(graph);
}

void RefuseParts(const Graph& graph) {
  for (const Operator& op : graph.operators) {
    if (op.kind != Kind::kPart) continue;
    const bool arithmetic = op.onnx_op == "Sub" || op.onnx_op == "Div";
    Fail(op.onnx_op, op.name,
         std::string(arithmetic ? "one operand must be a constant, unless it is" : "must be") +
             " part of a gelu, x * (1 + erf(x / sqrt(2))) / 2, or of a layer normalization, "
             "d / sqrt(mean(d^2) + epsilon) of d = x - mean(x) over the last axis");
  }
}

}  // namespace nibble::compiler
