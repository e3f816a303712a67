#include "sw/compiler/operators.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
using Activation = trace::Activation;

const Dims& InputDims(const OnnxGraph& g, const OnnxNode& n, size_t i = 0) {
  const Dims* dims = KnownDims(g, n, i);
  if (dims == nullptr) {
    Fail(n, fmt::format("the dimensions of input \"{}\" are not known", RequiredInput(n, i)));
  }
  return *dims;
}

void LowerActivation(const OnnxGraph&, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kActivation;
  Activation& a = op.layer.activation;
  if (n.op == "Relu") a.kind = Activation::Kind::kRelu;
  if (n.op == "Sigmoid") a.kind = Activation::Kind::kSigmoid;
  if (n.op == "HardSwish") a.kind = Activation::Kind::kHardSwish;
  if (n.op == "HardSigmoid") {
    a = {Activation::Kind::kHardSigmoid, n.Float("alpha", 0.2f), n.Float("beta", 0.5f)};
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
  op.layer.activation = {Activation::Kind::kClip, bound(1, -kMax), bound(2, kMax)};
}

// One value for all, or one per channel: [C][1][1] or [1][C][1][1] before a flatten, [N] or [1][N]
// after.
std::vector<double> PerChannel(const OnnxNode& n, const Constant& c, const Dims& x) {
  if (!c.is_float || c.floats.empty()) Fail(n, "the constant must be floats");
  if (c.floats.size() > 1) {
    const size_t inner = x.size() == 4 ? 2 : 0;  // axes behind that of the channels
    for (size_t d = 0; d < c.dims.size(); ++d) {
      if (d + 1 + inner != c.dims.size() && c.dims[d] != 1) {
        Fail(n, "the constant must have one value per channel");
      }
    }
    const auto channels = x.size() >= inner + 1 ? x[x.size() - 1 - inner] : 0;
    if (static_cast<int64_t>(c.floats.size()) != channels) {
      Fail(n, fmt::format("has {} channels, its input {}", c.floats.size(), channels));
    }
  }
  return {c.floats.begin(), c.floats.end()};
}

// Add, Sub, Mul and Div of two values, or of one and a constant.
void LowerArithmetic(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Constant* left = g.Find(RequiredInput(n, 0));
  const Constant* right = g.Find(RequiredInput(n, 1));
  if (left == nullptr && right == nullptr) {
    if (n.op == "Sub" || n.op == "Div") Fail(n, "one operand must be a constant");
    op.kind = n.op == "Add" ? Kind::kAdd : Kind::kMultiply;
    op.inputs.push_back(n.inputs[1]);
    return;
  }
  if (left != nullptr && n.op == "Div") Fail(n, "the divisor must be a constant");
  op.inputs = {n.inputs[left != nullptr ? 1 : 0]};
  const Dims& x = InputDims(g, n, left != nullptr ? 1 : 0);
  std::vector<double> values = PerChannel(n, left != nullptr ? *left : *right, x);
  op.kind = Kind::kScaleShift;
  if (n.op == "Mul" || n.op == "Div") {
    for (double& v : values) {
      if (n.op == "Div" && v == 0) Fail(n, "divides by 0");
      if (n.op == "Div") v = 1 / v;
    }
    op.scale = std::move(values);
    return;
  }
  if (n.op == "Sub" && left == nullptr) {
    for (double& v : values) v = -v;
  }
  if (n.op == "Sub" && left != nullptr) op.scale = {-1};
  op.shift = std::move(values);
}

void LowerGlobalPool(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kGlobalAveragePool;
  op.layer.op = trace::Op::kGlobalAveragePool;
  if (n.op != "ReduceMean") return;
  const size_t rank = InputDims(g, n).size();
  if (rank != 4 || Axes(n, n.Ints("axes", {}), rank) != std::vector<int64_t>{2, 3}) {
    Fail(n, "axes must be height and width (2, 3)");
  }
}

void LowerPool(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const bool mean = n.op == "AveragePool";
  op.kind = Kind::kPool;
  op.layer.op = mean ? trace::Op::kAveragePool : trace::Op::kMaxPool;
  const Window window = WindowOf(g, n, InputDims(g, n));
  window.Set(op.layer);
  op.layer.count_padding = mean && n.Int("count_include_pad", 0) != 0;
  // Whether the overhang counts is not the same in all frameworks.
  if (op.layer.count_padding && window.overhangs) {
    Fail(n, "count_include_pad with a window that hangs over the end (ceil_mode)");
  }
}

// Axis 1 is that of the channels.
void RequireChannels(const OnnxNode& n, size_t axis, const Dims& dims) {
  if (axis != 1 || (dims.size() != 4 && dims.size() != 2)) {
    Fail(n, fmt::format("axis is {} of [{}], must be that of the channels (1)", axis,
                        fmt::join(dims, ", ")));
  }
}

void LowerConcat(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Dims& x = InputDims(g, n);
  RequireChannels(n, static_cast<size_t>(Axis(n, n.Int("axis", 0), x.size())), x);
  op.kind = Kind::kConcat;
  op.layer.op = trace::Op::kConcat;
  op.inputs = n.inputs;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    if (g.Find(n.inputs[i]) != nullptr) Fail(n, fmt::format("input {} is a constant", i));
  }
}

void LowerSlice(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Dims& x = InputDims(g, n);
  const std::vector<SliceRange> ranges = SliceRanges(g, n, x);
  op.kind = Kind::kReshape;  // where it takes everything
  for (size_t d = 0; d < ranges.size(); ++d) {
    if (ranges[d].count == x[d]) continue;
    RequireChannels(n, d, x);
    if (ranges[d].step != 1) Fail(n, fmt::format("step is {}, must be 1", ranges[d].step));
    op.kind = Kind::kSlice;
    op.layer.op = trace::Op::kSlice;
    op.layer.first_channel = static_cast<int>(ranges[d].first);
    op.channels = Bounded(n, "number of channels", ranges[d].count, 1, trace::kMaxChannels);
  }
}

void LowerReshape(const OnnxGraph&, const OnnxNode&, Operator& op) { op.kind = Kind::kReshape; }

void LowerTranspose(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kTranspose;
  std::vector<int64_t> reversed(InputDims(g, n).size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  op.permutation = n.Ints("perm", reversed);
}

// The table of what is supported.
struct Entry {
  const char* op;
  void (*lower)(const OnnxGraph&, const OnnxNode&, Operator&);
};
const Entry kEntries[] = {
    {"Add", LowerArithmetic},
    {"AveragePool", LowerPool},
    {"BatchNormalization", LowerBatchNorm},
    {"Clip", LowerClip},
    {"Concat", LowerConcat},
    {"Conv", LowerConv},
    {"Div", LowerArithmetic},
    {"Flatten", LowerReshape},
    {"Gemm", LowerMatrix},
    {"GlobalAveragePool", LowerGlobalPool},
    {"HardSigmoid", LowerActivation},
    {"HardSwish", LowerActivation},
    {"MatMul", LowerMatrix},
    {"MaxPool", LowerPool},
    {"Mul", LowerArithmetic},
    {"ReduceMean", LowerGlobalPool},
    {"Relu", LowerActivation},
    {"Reshape", LowerReshape},
    {"Sigmoid", LowerActivation},
    {"Slice", LowerSlice},
    {"Squeeze", LowerReshape},
    {"Sub", LowerArithmetic},
    {"Transpose", LowerTranspose},
    {"Unsqueeze", LowerReshape},
};

[[noreturn]] void RefuseOperator(const OnnxNode& n) {
  std::vector<std::string> known = {"Constant", "Dropout", "Identity", "Split"};
  for (const Entry& e : kEntries) known.emplace_back(e.op);
  std::sort(known.begin(), known.end());
  Fail(n, fmt::format("operator is not supported; supported: {}; and of constants: Cast, Gather, "
                      "Shape",
                      fmt::join(known, ", ")));
}

Operator NewOperator(const OnnxGraph& g, const OnnxNode& n) {
  Operator op;
  op.onnx_op = n.op;
  op.name = n.name;
  op.inputs = {RequiredInput(n, 0)};
  op.output = n.outputs[0];
  InputDims(g, n);
  return op;
}

void LowerSplit(const OnnxGraph& g, const OnnxNode& n, std::vector<Operator>& operators) {
  const Dims& x = InputDims(g, n);
  const SplitParts parts = PartsOf(g, n, x);
  RequireChannels(n, parts.axis, x);
  int first = 0;
  for (size_t i = 0; i < parts.lengths.size(); ++i) {
    Operator op = NewOperator(g, n);
    op.kind = Kind::kSlice;
    op.layer.op = trace::Op::kSlice;
    op.output = n.outputs[i];
    op.layer.first_channel = first;
    op.channels = Bounded(n, "number of channels", parts.lengths[i], 1, trace::kMaxChannels);
    first += op.channels;
    if (!op.output.empty()) operators.push_back(std::move(op));
  }
}

void LowerNode(const OnnxGraph& g, const OnnxNode& n, std::vector<Operator>& operators) {
  if (n.op == "Split") return LowerSplit(g, n, operators);
  const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                   [&](const Entry& e) { return n.op == e.op; });
  if (entry == std::end(kEntries)) RefuseOperator(n);
  Operator op = NewOperator(g, n);
  entry->lower(g, n, op);
  operators.push_back(std::move(op));
}

}  // namespace

const char* KindName(Operator::Kind kind) {
  constexpr const char* kNames[] = {"conv",     "fc",      "scale",    "activation", "add",
                                    "multiply", "avgpool", "pool",     "concat",     "slice",
                                    "shuffle",  "reshape", "transpose"};
  return kNames[static_cast<size_t>(kind)];
}

Graph LowerNodes(const OnnxGraph& graph) {
  Graph out;
  out.input = graph.input;
  out.output = graph.output;
  out.dims = graph.dims;
  for (const OnnxNode& n : graph.nodes) LowerNode(graph, n, out.operators);
  return out;
}

}  // namespace nibble::compiler
