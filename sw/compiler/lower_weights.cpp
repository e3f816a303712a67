// Operators with weights, and batch normalization.
#include <fmt/format.h>

#include <cmath>

#include "sw/compiler/onnx_node.h"
#include "sw/compiler/operators.h"

namespace nibble::compiler {

using Kind = Operator::Kind;

void LowerConv(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Constant& w = RequiredConstant(g, n, 1);
  if (!w.is_float || w.dims.size() != 4) Fail(n, "weights must be floats M x C x kH x kW");
  const int m = Bounded(n, "output channels", w.dims[0], 1, trace::kMaxChannels);
  const int c = Bounded(n, "input channels of a group", w.dims[1], 1, trace::kMaxChannels);
  trace::Layer& l = op.layer;
  const Dims& in = *KnownDims(g, n, 0);
  WindowOf(g, n, in).Set(l);
  const int group = Bounded(n, "group", n.Int("group", 1), 1, trace::kMaxChannels);
  if (in[1] != int64_t{c} * group) {
    Fail(n, fmt::format("takes {} channels, its input has {}", int64_t{c} * group, in[1]));
  }
  if (m % group != 0) Fail(n, fmt::format("group is {} for {} output channels", group, m));
  op.kind = Kind::kConv;
  const bool depthwise = c == 1 && group == m && group > 1;
  l.op = depthwise ? trace::Op::kDepthwiseConv : trace::Op::kConv;
  if (!depthwise) l.groups = group;
  op.channels = m;
  op.axis = 1;
  op.input_channels = c * group;
  const size_t taps = static_cast<size_t>(l.kernel_h) * l.kernel_w, row = taps * c;
  op.weights.resize(w.floats.size());
  for (size_t out = 0; out < static_cast<size_t>(m); ++out) {  // [c][tap] -> [tap][c]
    for (size_t in = 0; in < static_cast<size_t>(c); ++in) {
      for (size_t tap = 0; tap < taps; ++tap) {
        op.weights[out * row + tap * c + in] = w.floats[out * row + in * taps + tap];
      }
    }
  }
  op.bias = n.HasInput(2) ? Floats(g, n, 2, m) : std::vector<float>(m);
}

// Gemm, and MatMul by a matrix: weights [in][out], or [out][in] with `transposed`.
void LowerMatrix(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const bool gemm = n.op == "Gemm";
  if (!gemm && g.Find(n.inputs[0]) == nullptr && g.Find(RequiredInput(n, 1)) == nullptr) {
    op.kind = Kind::kMatMul;
    op.layer.op = trace::Op::kMatMul;
    op.inputs = n.inputs;
    return;
  }
  const bool transposed = gemm && n.Int("transB", 0) != 0;
  if (gemm && n.Int("transA", 0) != 0) Fail(n, "transA must be 0");
  const Constant& w = RequiredConstant(g, n, 1);
  if (!w.is_float || w.dims.size() != 2) Fail(n, "weights must be a float matrix");
  op.kind = Kind::kFullyConnected;
  op.layer.op = trace::Op::kFullyConnected;
  op.axis = InputDims(g, n).size() - 1;
  op.channels = Bounded(n, "outputs", w.dims[transposed ? 0 : 1], 1, trace::kMaxChannels);
  op.input_channels = Bounded(n, "inputs", w.dims[transposed ? 1 : 0], 1, trace::kMaxElements);
  const auto outs = static_cast<size_t>(op.channels), ins = static_cast<size_t>(op.input_channels);
  const double alpha = gemm ? n.Float("alpha", 1) : 1, beta = gemm ? n.Float("beta", 1) : 1;
  op.weights.resize(w.floats.size());
  for (size_t o = 0; o < outs; ++o) {
    for (size_t i = 0; i < ins; ++i) {
      op.weights[o * ins + i] =
          static_cast<float>(alpha * w.floats[transposed ? o * ins + i : i * outs + o]);
    }
  }
  op.bias.assign(outs, 0.0f);
  if (!gemm || !n.HasInput(2)) return;
  const Constant& c = RequiredConstant(g, n, 2);
  if (!c.is_float || (c.floats.size() != outs && c.floats.size() != 1)) {
    Fail(n, fmt::format("C must hold 1 or {} floats", outs));
  }
  for (size_t o = 0; o < outs; ++o) {
    op.bias[o] = static_cast<float>(beta * c.floats[c.floats.size() == 1 ? 0 : o]);
  }
}

void LowerBatchNorm(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  if (n.Int("training_mode", 0) != 0) Fail(n, "training_mode must be 0");
  const size_t channels = RequiredConstant(g, n, 1).floats.size();
  const auto& gamma = Floats(g, n, 1, channels);
  const auto& beta = Floats(g, n, 2, channels);
  const auto& mean = Floats(g, n, 3, channels);
  const auto& variance = Floats(g, n, 4, channels);
  const double epsilon = n.Float("epsilon", 1e-5f);
  op.kind = Kind::kScaleShift;
  op.axis = 1;
  for (size_t c = 0; c < channels; ++c) {
    const double spread = variance[c] + epsilon;
    if (!(spread > 0)) Fail(n, fmt::format("variance {} is not positive", variance[c]));
    op.scale.push_back(gamma[c] / std::sqrt(spread));
    op.shift.push_back(beta[c] - mean[c] * op.scale.back());
  }
}

}  // namespace nibble::compiler
