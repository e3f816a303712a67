#include "sw/compiler/fuse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/compiler/graph_edit.h"
#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
using Activation = trace::Activation;

bool Unactivated(const Operator& op) { return op.layer.activation.kind == Activation::Kind::kNone; }
bool Plain(const Operator& op) { return Unactivated(op) && op.inputs.size() == 1; }

double At(const std::vector<double>& values, size_t n, double otherwise) {
  return values.empty() ? otherwise : values[values.size() == 1 ? 0 : n];
}

// Throws unless there is one value for each of the channels that are scaled, or one for all.
void CheckChannels(const Operator& fold, size_t channels) {
  for (const std::vector<double>* values : {&fold.scale, &fold.shift}) {
    if (values->size() > 1 && values->size() != channels) {
      Fail(fold.onnx_op, fold.name,
           fmt::format("has {} channels, the layer before it {}", values->size(), channels));
    }
  }
}

void FoldInto(const Operator& fold, Operator& layer) {
  const auto channels = static_cast<size_t>(layer.channels);
  CheckChannels(fold, channels);
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
  const Dims& dims = graph.dims.at(op.output);
  if (dims.size() < 2 || dims.size() > 4 || op.axis >= dims.size()) {
    Fail(op.onnx_op, op.name,
         "must work on a map, tokens or a vector, or follow a Conv, Gemm or MatMul");
  }
  op.channels = op.input_channels = static_cast<int>(dims[op.axis]);
  CheckChannels(op, static_cast<size_t>(op.channels));
  for (size_t n = 0; n < static_cast<size_t>(op.channels); ++n) {
    op.weights.push_back(static_cast<float>(At(op.scale, n, 1)));
    op.bias.push_back(static_cast<float>(At(op.shift, n, 0)));
  }
}

bool IsFactor(const Operator& op) {
  return op.kind == Kind::kScaleShift && op.shift.empty() && op.scale.size() == 1;
}

void Multiply(float& scale, double factor) { scale = static_cast<float>(scale * factor); }

// The factor by which the only reader of `value` multiplies it as a whole, through reshapes and
// transpositions; kNone where there is none.
size_t FactorBehind(const Graph& graph, const std::string& value) {
  size_t p = SoleProducer(graph, value);
  while (p != kNone && (graph.operators[p].kind == Kind::kReshape ||
                        graph.operators[p].kind == Kind::kTranspose)) {
    p = SoleProducer(graph, graph.operators[p].inputs[0]);
  }
  return p != kNone && IsFactor(graph.operators[p]) ? p : kNone;
}

// Of constants before "layout" nothing is known.
bool SameDimensions(const Graph& graph, const std::string& a, const std::string& b) {
  if (!graph.shapes.empty()) return graph.shapes.at(a) == graph.shapes.at(b);
  const auto x = graph.dims.find(a), y = graph.dims.find(b);
  return x != graph.dims.end() && y != graph.dims.end() && x->second == y->second;
}

}  // namespace

void FoldFactors(Graph& graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (graph.operators[i].kind != Kind::kMatMul) continue;
    for (const size_t k : {0, 1}) {
      const size_t p = FactorBehind(graph, graph.operators[i].inputs[k]);
      if (p == kNone) continue;
      const Operator factor = graph.operators[p];
      Multiply(graph.operators[i].layer.scale, factor.scale[0]);
      Erase(graph, p);
      --i;  // the factor stood before
      for (Operator& op : graph.operators) {
        std::replace(op.inputs.begin(), op.inputs.end(), factor.output, factor.inputs[0]);
      }
    }
    for (size_t p = i + 1; p < graph.operators.size(); ++p) {
      const Operator factor = graph.operators[p];
      Operator& product = graph.operators[i];
      if (!IsFactor(factor) || SoleProducer(graph, factor.inputs[0]) != i) continue;
      Multiply(product.layer.scale, factor.scale[0]);
      product.output = factor.output;
      Erase(graph, p);
      break;
    }
  }
}

void FoldScaleShifts(Graph& graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    Operator& fold = graph.operators[i];
    if (fold.kind != Kind::kScaleShift) {
      ++i;
      continue;
    }
    const size_t p = SoleProducer(graph, fold.inputs[0]);
    const bool fits = p != kNone && (graph.operators[p].has_weights() ||
                                     graph.operators[p].kind == Kind::kLayerNorm);
    const bool of_all = fold.scale.size() < 2 && fold.shift.size() < 2;
    if (fits && Plain(graph.operators[p]) && (of_all || graph.operators[p].axis == fold.axis)) {
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
    if (best == kNone || !SameDimensions(graph, add.inputs[0], add.inputs[1])) continue;
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
  RecogniseNormalizations(graph);
  RefuseParts(graph);
  FoldFactors(graph);
  FoldScaleShifts(graph);
  FuseActivations(graph);
  FuseResiduals(graph);
}

}  // namespace nibble::compiler
