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

// One value for all, or one per channel, along axis `axis` of x: the second of a map [1][C][H][W],
// else the last.
std::vector<double> PerChannel(const OnnxNode& n, const Constant& c, const Dims& x, size_t& axis) {
  if (!c.is_float || c.floats.empty()) Fail(n, "the constant must be floats");
  axis = x.size() == 4 ? 1 : x.size() - 1;
  if (c.floats.size() > 1) {
    const auto along = std::find_if(c.dims.begin(), c.dims.end(), [](int64_t d) { return d != 1; });
    const auto behind = static_cast<size_t>(c.dims.end() - along);  // the axis and those after it
    if (behind == 1) axis = x.size() - 1;
    if (*along != static_cast<int64_t>(c.floats.size()) || behind > x.size() ||
        x.size() - behind != axis) {
      Fail(n, "the constant must have one value for all, per channel or per element");
    }
    if (*along != x[axis]) Fail(n, fmt::format("has {} channels, its input {}", *along, x[axis]));
  }
  return {c.floats.begin(), c.floats.end()};
}

// One value per element, of something that is more than a vector.
bool PerElement(const Constant& c, const Dims& x) {
  const auto without_ones_in_front = [](const Dims& dims) {
    return Dims(std::find_if(dims.begin(), dims.end(), [](int64_t d) { return d != 1; }),
                dims.end());
  };
  const auto axes = std::count_if(x.begin(), x.end(), [](int64_t d) { return d != 1; });
  return c.is_float && axes > 1 && without_ones_in_front(c.dims) == without_ones_in_front(x);
}

// Add, Sub, Mul and Div of two values, or of one and a constant.
void LowerArithmetic(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Constant* left = g.Find(RequiredInput(n, 0));
  const Constant* right = g.Find(RequiredInput(n, 1));
  if (left == nullptr && right == nullptr) {
    op.kind = n.op == "Add" ? Kind::kAdd : n.op == "Mul" ? Kind::kMultiply : Kind::kPart;
    op.inputs.push_back(n.inputs[1]);
    return;
  }
  if (left != nullptr && n.op == "Div") Fail(n, "the divisor must be a constant");
  op.inputs = {n.inputs[left != nullptr ? 1 : 0]};
  const Dims& x = InputDims(g, n, left != nullptr ? 1 : 0);
  const Constant& constant = left != nullptr ? *left : *right;
  if ((n.op == "Add" || n.op == "Mul") && PerElement(constant, x)) {
    op.kind = n.op == "Add" ? Kind::kAdd : Kind::kMultiply;
    op.inputs.push_back(n.inputs[left != nullptr ? 0 : 1]);
    return;
  }
  std::vector<double> values = PerChannel(n, constant, x, op.axis);
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
  const std::vector<int64_t> axes = Axes(n, n.Ints("axes", {}), rank);
  if (rank > 1 && axes == std::vector<int64_t>{static_cast<int64_t>(rank) - 1}) {
    if (n.Int("keepdims", 1) == 0) Fail(n, "keepdims must be 1 over the last axis");
    op.kind = Kind::kPart;
    return;
  }
  const bool map = rank == 4 && axes == std::vector<int64_t>{2, 3};
  const bool tokens = rank == 3 && axes == std::vector<int64_t>{1};
  if (!map && !tokens) {
    Fail(n, "axes must be height and width (2, 3), or of tokens (1 of 3 axes)");
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

void LowerConcat(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kConcat;
  op.axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), InputDims(g, n).size()));
  op.inputs = n.inputs;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    const Constant* c = g.Find(n.inputs[i]);
    if (c != nullptr && !c->is_float) Fail(n, fmt::format("input {} must be floats", i));
  }
}

void LowerSlice(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Dims& x = InputDims(g, n);
  const std::vector<SliceRange> ranges = SliceRanges(g, n, x);
  op.kind = Kind::kReshape;  // where it takes everything
  for (size_t d = 0; d < ranges.size(); ++d) {
    if (ranges[d].count == x[d]) continue;
    if (op.kind == Kind::kSlice) Fail(n, "slices two axes");
    if (ranges[d].step != 1) Fail(n, fmt::format("step is {}, must be 1", ranges[d].step));
    op.kind = Kind::kSlice;
    op.axis = d;
    op.first = ranges[d].first;
    op.count = Bounded(n, "number of places", ranges[d].count, 1, x[d]);
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
    {"Erf", LowerPart},
    {"Flatten", LowerReshape},
    {"Gather", LowerGather},
    {"Gemm", LowerMatrix},
    {"GlobalAveragePool", LowerGlobalPool},
    {"HardSigmoid", LowerActivation},
    {"HardSwish", LowerActivation},
    {"LayerNormalization", LowerLayerNorm},
    {"MatMul", LowerMatrix},
    {"MaxPool", LowerPool},
    {"Mul", LowerArithmetic},
    {"Pow", LowerPart},
    {"ReduceMean", LowerGlobalPool},
    {"Relu", LowerActivation},
    {"Reshape", LowerReshape},
    {"Sigmoid", LowerActivation},
    {"Slice", LowerSlice},
    {"Softmax", LowerSoftmax},
    {"Sqrt", LowerPart},
    {"Squeeze", LowerReshape},
    {"Sub", LowerArithmetic},
    {"Transpose", LowerTranspose},
    {"Unsqueeze", LowerReshape},
};

[[noreturn]] void RefuseOperator(const OnnxNode& n) {
  std::vector<std::string> known = {"Constant", "Dropout", "Identity", "Split"};
  for (const Entry& e : kEntries) known.emplace_back(e.op);
  std::sort(known.begin(), known.end());
  Fail(n, fmt::format("operator is not supported; supported: {}; and of constants: Cast, "
                      "ConstantOfShape, Equal, Expand, Shape, Where",
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
  int64_t first = 0;
  for (size_t i = 0; i < parts.lengths.size(); ++i) {
    Operator op = NewOperator(g, n);
    op.kind = Kind::kSlice;
    op.output = n.outputs[i];
    op.axis = parts.axis;
    op.first = first;
    op.count = parts.lengths[i];
    first += op.count;
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
  constexpr const char* kNames[] = {"conv",      "fc",      "scale",     "activation", "add",
                                    "multiply",  "avgpool", "pool",      "concat",     "slice",
                                    "shuffle",   "reshape", "transpose", "matmul",     "softmax",
                                    "layernorm", "part"};
  return kNames[static_cast<size_t>(kind)];
}

Graph LowerNodes(const OnnxGraph& graph) {
  Graph out;
  out.input = graph.input;
  out.output = graph.output;
  out.dims = graph.dims;
  for (const OnnxNode& n : graph.nodes) LowerNode(graph, n, out.operators);
  for (const Operator& op : out.operators) {
    for (const std::string& input : op.inputs) {
      if (const Constant* c = graph.Find(input)) out.constants[input] = *c;
    }
  }
  return out;
}

}  // namespace nibble::compiler
