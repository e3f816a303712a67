#include "sw/compiler/operators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;

[[noreturn]] void Fail(const OnnxNode& n, const std::string& message) {
  compiler::Fail(n.op, n.name, message);
}

const std::string& RequiredInput(const OnnxNode& n, size_t i) {
  if (!n.HasInput(i)) Fail(n, fmt::format("input {} is missing", i));
  return n.inputs[i];
}

const Constant& RequiredConstant(const OnnxGraph& g, const OnnxNode& n, size_t i) {
  const Constant* c = g.Find(RequiredInput(n, i));
  if (c == nullptr) {
    Fail(n, fmt::format("input {} (\"{}\") must be a constant", i, n.inputs[i]));
  }
  return *c;
}

// A float constant of `count` elements, whatever its dimensions.
const std::vector<float>& Floats(const OnnxGraph& g, const OnnxNode& n, size_t i, size_t count) {
  const Constant& c = RequiredConstant(g, n, i);
  if (!c.is_float || c.floats.size() != count) {
    Fail(n, fmt::format("input {} (\"{}\") must hold {} floats", i, n.inputs[i], count));
  }
  return c.floats;
}

int Bounded(const OnnxNode& n, const char* what, int64_t value, int64_t lo, int64_t hi) {
  if (value < lo || value > hi) {
    Fail(n, fmt::format("{} is {}, must be {}..{}", what, value, lo, hi));
  }
  return static_cast<int>(value);
}

std::vector<int64_t> WindowInts(const OnnxNode& n, const char* key, size_t count, int64_t fill) {
  std::vector<int64_t> v = n.Ints(key, std::vector<int64_t>(count, fill));
  if (v.size() != count) Fail(n, fmt::format("{} must have {} entries", key, count));
  return v;
}

void LowerConv(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Constant& w = RequiredConstant(g, n, 1);
  if (!w.is_float || w.dims.size() != 4) Fail(n, "weights must be floats M x C x kH x kW");
  const int m = Bounded(n, "output channels", w.dims[0], 1, trace::kMaxChannels);
  const int c = Bounded(n, "input channels of a group", w.dims[1], 1, trace::kMaxChannels);
  trace::Layer& l = op.layer;
  l.kernel_h = Bounded(n, "kernel height", w.dims[2], 1, trace::kMaxKernel);
  l.kernel_w = Bounded(n, "kernel width", w.dims[3], 1, trace::kMaxKernel);
  if (n.Ints("kernel_shape", {w.dims[2], w.dims[3]}) !=
      std::vector<int64_t>{w.dims[2], w.dims[3]}) {
    Fail(n, "kernel_shape is not that of the weights");
  }
  const int64_t group = n.Int("group", 1);
  if (group != 1 && !(c == 1 && group == m)) {
    Fail(n, fmt::format("group is {} for {} output channels: only dense (1) and depthwise (group = "
                        "input channels = output channels) convolutions are supported",
                        group, m));
  }
  op.kind = Kind::kConv;
  l.op = group == 1 ? trace::Op::kConv : trace::Op::kDepthwiseConv;
  op.channels = m;
  op.input_channels = group == 1 ? c : m;
  const auto strides = WindowInts(n, "strides", 2, 1), dilations = WindowInts(n, "dilations", 2, 1);
  l.stride_h = Bounded(n, "stride", strides[0], 1, trace::kMaxStride);
  l.stride_w = Bounded(n, "stride", strides[1], 1, trace::kMaxStride);
  l.dilation_h = Bounded(n, "dilation", dilations[0], 1, trace::kMaxDilation);
  l.dilation_w = Bounded(n, "dilation", dilations[1], 1, trace::kMaxDilation);
  const std::string auto_pad = n.String("auto_pad", "NOTSET");
  if (auto_pad == "NOTSET") {
    const auto pads = WindowInts(n, "pads", 4, 0);  // top, left, bottom, right
    l.pad_top = Bounded(n, "pad", pads[0], 0, trace::kMaxPad);
    l.pad_left = Bounded(n, "pad", pads[1], 0, trace::kMaxPad);
    l.pad_bottom = Bounded(n, "pad", pads[2], 0, trace::kMaxPad);
    l.pad_right = Bounded(n, "pad", pads[3], 0, trace::kMaxPad);
  } else if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    op.auto_pad =
        auto_pad == "SAME_UPPER" ? Operator::AutoPad::kSameUpper : Operator::AutoPad::kSameLower;
  } else if (auto_pad != "VALID") {
    Fail(n, fmt::format("auto_pad \"{}\" is unknown", auto_pad));
  }
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

// Gemm and MatMul: weights [in][out], or [out][in] with `transposed`.
void LowerMatrix(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const bool gemm = n.op == "Gemm";
  const bool transposed = gemm && n.Int("transB", 0) != 0;
  if (gemm && n.Int("transA", 0) != 0) Fail(n, "transA must be 0");
  const Constant& w = RequiredConstant(g, n, 1);
  if (!w.is_float || w.dims.size() != 2) Fail(n, "weights must be a float matrix");
  op.kind = Kind::kFullyConnected;
  op.layer.op = trace::Op::kFullyConnected;
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
  for (size_t c = 0; c < channels; ++c) {
    const double spread = variance[c] + epsilon;
    if (!(spread > 0)) Fail(n, fmt::format("variance {} is not positive", variance[c]));
    op.scale.push_back(gamma[c] / std::sqrt(spread));
    op.shift.push_back(beta[c] - mean[c] * op.scale.back());
  }
}

void LowerClip(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  constexpr float kMax = std::numeric_limits<float>::max();
  const auto bound = [&](size_t i, float otherwise) {
    if (!n.HasInput(i)) return otherwise;
    const float value = Floats(g, n, i, 1)[0];
    if (std::isnan(value)) Fail(n, "a bound is NaN");
    return std::clamp(value, -kMax, kMax);
  };
  op.kind = Kind::kActivation;
  op.layer.activation = {trace::Activation::Kind::kClip, bound(1, -kMax), bound(2, kMax)};
}

void LowerAdd(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.second = RequiredInput(n, 1);
  const Constant* left = g.Find(op.input);
  const Constant* right = g.Find(op.second);
  if (left == nullptr && right == nullptr) {
    op.kind = Kind::kAdd;
    return;
  }
  if (left != nullptr) std::swap(op.input, op.second);
  const Constant& c = left != nullptr ? *left : *right;
  // One value per channel: [C][1][1] or [1][C][1][1] before a flatten, [N] or [1][N] after. The
  // pass that folds it checks the number.
  const size_t axis = c.dims.size() >= 3 ? c.dims.size() - 3 : c.dims.size() - 1;
  for (size_t d = 0; d < c.dims.size(); ++d) {
    if (d != axis && c.dims[d] != 1) Fail(n, "the constant must have one value per channel");
  }
  if (!c.is_float || c.floats.empty()) Fail(n, "the constant must be floats");
  op.kind = Kind::kScaleShift;
  op.second.clear();
  op.shift.assign(c.floats.begin(), c.floats.end());
}

void LowerReduceMean(const OnnxNode& n, Operator& op) {
  std::vector<int64_t> axes = n.Ints("axes", {});
  for (int64_t& a : axes) a += a < 0 ? 4 : 0;
  std::sort(axes.begin(), axes.end());
  if (axes != std::vector<int64_t>{2, 3}) Fail(n, "axes must be height and width (2, 3)");
  op.kind = Kind::kGlobalAveragePool;
}

// Everything that makes a vector of a map.
void LowerFlatten(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kFlatten;
  if (n.op == "Flatten") {
    const int64_t axis = n.Int("axis", 1);
    if (axis != 1 && axis != -3) Fail(n, fmt::format("axis is {}, must be 1", axis));
  } else if (n.op == "Reshape") {
    const std::vector<int64_t>& shape = RequiredConstant(g, n, 1).ints;
    // [batch][everything], where the batch is 1: 1, 0 (copied) or -1 (inferred).
    const bool vector = shape.size() == 2 && shape[0] >= -1 && shape[0] <= 1 &&
                        (shape[1] == -1 || shape[1] > 0) && !(shape[0] == -1 && shape[1] == -1);
    if (!vector) Fail(n, fmt::format("shape [{}] must be [1, N]", fmt::join(shape, ", ")));
    op.input_channels = shape[1] < 0 ? 0 : Bounded(n, "length", shape[1], 1, trace::kMaxElements);
  } else {
    std::vector<int64_t> axes;
    if (n.HasInput(1)) axes = RequiredConstant(g, n, 1).ints;
    for (int64_t& a : axes) a += a < 0 ? 4 : 0;
    std::sort(axes.begin(), axes.end());
    if (!axes.empty() && axes != std::vector<int64_t>{2, 3}) {
      Fail(n, "axes must be height and width (2, 3)");
    }
  }
}

// The table of what is supported.
struct Entry {
  const char* op;
  void (*lower)(const OnnxGraph&, const OnnxNode&, Operator&);
};
const Entry kEntries[] = {
    {"Add", LowerAdd},
    {"BatchNormalization", LowerBatchNorm},
    {"Clip", LowerClip},
    {"Conv", LowerConv},
    {"Flatten", LowerFlatten},
    {"Gemm", LowerMatrix},
    {"GlobalAveragePool",
     [](const OnnxGraph&, const OnnxNode&, Operator& op) { op.kind = Kind::kGlobalAveragePool; }},
    {"MatMul", LowerMatrix},
    {"ReduceMean",
     [](const OnnxGraph&, const OnnxNode& n, Operator& op) { LowerReduceMean(n, op); }},
    {"Relu",
     [](const OnnxGraph&, const OnnxNode&, Operator& op) {
       op.kind = Kind::kActivation;
       op.layer.activation.kind = trace::Activation::Kind::kRelu;
     }},
    {"Reshape", LowerFlatten},
    {"Squeeze", LowerFlatten},
};

Operator LowerNode(const OnnxGraph& g, const OnnxNode& n) {
  const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [&](const Entry& e) { return n.op == e.op; });
  if (entry == std::end(kEntries)) {
    std::vector<std::string> known = {"Constant", "Dropout", "Identity"};
    for (const Entry& e : kEntries) known.emplace_back(e.op);
    std::sort(known.begin(), known.end());
    Fail(n, fmt::format("operator is not supported; supported: {}", fmt::join(known, ", ")));
  }
  Operator op;
  op.onnx_op = n.op;
  op.name = n.name;
  op.input = RequiredInput(n, 0);
  op.output = n.output;
  entry->lower(g, n, op);
  return op;
}

}  // namespace

void Fail(const std::string& op, const std::string& name, const std::string& message) {
  throw trace::FileError(fmt::format("{} \"{}\": {}", op, name, message));
}

std::vector<Operator> LowerNodes(const OnnxGraph& graph) {
  std::set<std::string> needed = {graph.output};
  std::vector<const OnnxNode*> live;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (node->output.empty() || needed.count(node->output) == 0) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    live.push_back(&*node);
  }
  std::vector<Operator> operators;
  for (auto node = live.rbegin(); node != live.rend(); ++node) {
    operators.push_back(LowerNode(graph, **node));
  }
  return operators;
}

}  // namespace nibble::compiler
