#include "sw/compiler/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "sw/compiler/onnx_node.h"
#include "sw/compiler/onnx_shapes.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

// The elements of `c` at `places`, in an array of `dims`.
Constant Take(const Constant& c, Dims dims, const std::vector<size_t>& places) {
  Constant out;
  out.dims = std::move(dims);
  out.is_float = c.is_float;
  for (const size_t p : places) {
    c.is_float ? out.floats.push_back(c.floats[p]) : out.ints.push_back(c.ints[p]);
  }
  return out;
}

// Calls visit(index) for the places of an array, the last axis fastest.
template <typename Visit>
void ForEachPlace(const Dims& dims, Visit visit) {
  std::vector<int64_t> index(dims.size());
  for (int64_t left = Elements(dims); left > 0; --left) {
    visit(index);
    for (size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
}

Dims Strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
  return strides;
}

// Element `index` of the result comes from place sum((first[d] + step[d] * index[d]) * stride[d]).
Constant Gathered(const Constant& c, const Dims& out, const Dims& steps, int64_t first) {
  std::vector<size_t> places;
  ForEachPlace(out, [&](const std::vector<int64_t>& index) {
    int64_t place = first;
    for (size_t d = 0; d < out.size(); ++d) place += index[d] * steps[d];
    places.push_back(static_cast<size_t>(place));
  });
  return Take(c, out, places);
}

Constant Sliced(const OnnxGraph& g, const OnnxNode& n, const Constant& c) {
  const std::vector<SliceRange> ranges = SliceRanges(g, n, c.dims);
  Dims out, steps = Strides(c.dims);
  int64_t first = 0;
  for (size_t d = 0; d < ranges.size(); ++d) {
    out.push_back(ranges[d].count);
    first += ranges[d].first * steps[d];
    steps[d] *= ranges[d].step;
  }
  return Gathered(c, out, steps, first);
}

Constant Transposed(const OnnxGraph& g, const OnnxNode& n, const Constant& c) {
  const Dims out = InferDims(g, n)->at(0), strides = Strides(c.dims);
  const std::vector<int64_t> order =
      n.Ints("perm", std::vector<int64_t>(c.dims.size()));  // reversed where it is not given
  Dims steps;
  for (size_t d = 0; d < out.size(); ++d) {
    const bool given = n.attributes.count("perm") != 0;
    steps.push_back(strides[given ? static_cast<size_t>(order[d]) : out.size() - 1 - d]);
  }
  return Gathered(c, out, steps, 0);
}

Constant GatheredAt(const OnnxGraph& g, const OnnxNode& n, const Constant& c) {
  const Constant& at = RequiredConstant(g, n, 1);
  if (at.is_float || c.dims.empty()) Fail(n, "needs integers as indices into an array");
  const auto axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), c.dims.size()));
  Dims out(c.dims.begin(), c.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), at.dims.begin(), at.dims.end());
  out.insert(out.end(), c.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, c.dims.end());
  const int64_t inner = Strides(c.dims)[axis], length = c.dims[axis];
  const auto count = static_cast<int64_t>(at.ints.size());
  std::vector<size_t> places;
  for (int64_t i = 0; i < Elements(out); ++i) {
    const int64_t index = at.ints[static_cast<size_t>(i / inner % count)];
    if (index < -length || index >= length)
      Fail(n, fmt::format("index {} is not in {}", index, length));
    const int64_t outer = i / inner / count;
    places.push_back(
        static_cast<size_t>((outer * length + (index + length) % length) * inner + i % inner));
  }
  return Take(c, out, places);
}

Constant Joined(const OnnxGraph& g, const OnnxNode& n) {
  const Dims out = InferDims(g, n)->at(0);
  const auto axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), out.size()));
  Constant all;  // the inputs one behind the other
  all.is_float = RequiredConstant(g, n, 0).is_float;
  std::vector<size_t> begin;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    const Constant& c = RequiredConstant(g, n, i);
    if (c.is_float != all.is_float) Fail(n, "inputs have different types");
    begin.push_back(all.elements());
    all.floats.insert(all.floats.end(), c.floats.begin(), c.floats.end());
    all.ints.insert(all.ints.end(), c.ints.begin(), c.ints.end());
  }
  if (Elements(out) == 0) return Take(all, out, {});
  const int64_t inner = Strides(out)[axis];
  std::vector<size_t> places;
  for (int64_t outer = 0; outer < Elements(out) / (inner * out[axis]); ++outer) {
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const int64_t run = RequiredConstant(g, n, i).dims[axis] * inner;
      for (int64_t k = 0; k < run; ++k) {
        places.push_back(begin[i] + static_cast<size_t>(outer * run + k));
      }
    }
  }
  return Take(all, out, places);
}

int64_t Integer(const OnnxNode& n, int64_t a, int64_t b) {
  // Unsigned, in which overflow wraps.
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  if (n.op == "Add") return static_cast<int64_t>(x + y);
  if (n.op == "Sub") return static_cast<int64_t>(x - y);
  if (n.op == "Mul") return static_cast<int64_t>(x * y);
  if (b == 0 || (b == -1 && a == INT64_MIN)) Fail(n, fmt::format("{} / {}", a, b));
  return a / b;
}

float Real(const OnnxNode& n, float a, float b) {
  if (n.op == "Add") return a + b;
  if (n.op == "Sub") return a - b;
  return n.op == "Mul" ? a * b : a / b;
}

// `c` in dimensions `out`, to which it is broadcast: 2^24 elements at most, more than any embedding
// has, since a file of a few bytes can ask for any number.
Constant Expanded(const Constant& c, const Dims& out) {
  constexpr int64_t kMaxExpanded = int64_t{1} << 24;
  if (Elements(out) > kMaxExpanded) {
    throw trace::FileError(
        fmt::format("a constant is expanded to more than {} elements", kMaxExpanded));
  }
  Dims steps(out.size() - c.dims.size(), 0);
  const Dims strides = Strides(c.dims);
  for (size_t d = 0; d < c.dims.size(); ++d) steps.push_back(c.dims[d] == 1 ? 0 : strides[d]);
  return Gathered(c, out, steps, 0);
}

// Equal gives 1 and 0.
Constant Arithmetic(const OnnxGraph& g, const OnnxNode& n) {
  const Dims dims = InferDims(g, n)->at(0);
  const Constant a = Expanded(RequiredConstant(g, n, 0), dims);
  const Constant b = Expanded(RequiredConstant(g, n, 1), dims);
  if (a.is_float != b.is_float) Fail(n, "inputs have different types");
  Constant out;
  out.dims = dims;
  out.is_float = a.is_float && n.op != "Equal";
  for (size_t i = 0; i < a.elements(); ++i) {
    if (n.op == "Equal") {
      out.ints.push_back(a.is_float ? a.floats[i] == b.floats[i] : a.ints[i] == b.ints[i]);
    } else if (out.is_float) {
      out.floats.push_back(Real(n, a.floats[i], b.floats[i]));
    } else {
      out.ints.push_back(Integer(n, a.ints[i], b.ints[i]));
    }
  }
  return out;
}

Constant Chosen(const OnnxGraph& g, const OnnxNode& n) {
  const Dims dims = InferDims(g, n)->at(0);
  const Constant condition = Expanded(RequiredConstant(g, n, 0), dims);
  const Constant yes = Expanded(RequiredConstant(g, n, 1), dims);
  const Constant no = Expanded(RequiredConstant(g, n, 2), dims);
  if (condition.is_float || yes.is_float != no.is_float) Fail(n, "inputs have unfit types");
  Constant out = no;
  for (size_t i = 0; i < condition.ints.size(); ++i) {
    if (condition.ints[i] == 0) continue;
    if (out.is_float) {
      out.floats[i] = yes.floats[i];
    } else {
      out.ints[i] = yes.ints[i];
    }
  }
  return out;
}

// An array of one value, 0 unless the node says otherwise.
Constant Filled(const OnnxNode& n, const Constant& shape) {
  if (shape.is_float) Fail(n, "the shape must be integers");
  Constant value;
  value.floats = {0};
  value.dims = {1};
  const auto it = n.attributes.find("value");
  if (it != n.attributes.end() && it->second.tensor) value = *it->second.tensor;
  if (value.elements() != 1) Fail(n, "value must be one number");
  Elements(shape.ints);  // within bounds
  value.dims.assign(std::min<size_t>(1, shape.ints.size()), 1);
  return Expanded(value, shape.ints);
}

// Exponents that need no library function.
Constant Power(const OnnxGraph& g, const OnnxNode& n, Constant c) {
  const float exponent = Floats(g, n, 1, 1)[0];
  if (!c.is_float) Fail(n, "its input must be floats");
  if (exponent != 2 && exponent != 0.5f && exponent != -0.5f) {
    Fail(n, fmt::format("the exponent of a constant is {}, must be 2, 0.5 or -0.5", exponent));
  }
  for (float& x : c.floats) {
    x = exponent == 2 ? x * x : exponent > 0 ? std::sqrt(x) : 1 / std::sqrt(x);
  }
  return c;
}

Constant SquareRoot(const OnnxNode& n, Constant c) {
  if (!c.is_float) Fail(n, "its input must be floats");
  for (float& x : c.floats) x = std::sqrt(x);
  return c;
}

Constant Casted(const OnnxNode& n, Constant c) {
  constexpr int64_t kFloat = 1, kInt32 = 6, kInt64 = 7, kFloat16 = 10, kDouble = 11;  // ONNX's
  const int64_t to = n.Int("to", 0);
  const bool real = to == kFloat || to == kFloat16 || to == kDouble;
  if (!real && to != kInt32 && to != kInt64) Fail(n, fmt::format("type {} is not supported", to));
  if (real == c.is_float) return c;
  for (const int64_t x : c.ints) c.floats.push_back(static_cast<float>(x));
  if (!real) {
    for (const float x : c.floats) {
      if (!(std::fabs(x) < 0x1p62f)) Fail(n, fmt::format("{} is no integer", x));
      c.ints.push_back(static_cast<int64_t>(x));
    }
  }
  real ? c.ints.clear() : c.floats.clear();
  c.is_float = real;
  return c;
}

// The value of a node all of whose inputs are constants; nothing for operators that do not occur in
// arithmetic on shapes.
std::optional<Constant> Evaluate(const OnnxGraph& g, const OnnxNode& n) {
  const Constant& c = RequiredConstant(g, n, 0);
  const std::string& op = n.op;
  if (op == "Slice") return Sliced(g, n, c);
  if (op == "Transpose") return Transposed(g, n, c);
  if (op == "Gather") return GatheredAt(g, n, c);
  if (op == "Concat") return Joined(g, n);
  if (op == "Cast") return Casted(n, c);
  if (op == "ConstantOfShape") return Filled(n, c);
  if (op == "Expand") return Expanded(c, InferDims(g, n)->at(0));
  if (op == "Where") return Chosen(g, n);
  if (op == "Pow") return Power(g, n, c);
  if (op == "Sqrt") return SquareRoot(n, c);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Equal") {
    return Arithmetic(g, n);
  }
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze") {
    Constant out = c;
    if (op == "Reshape") RequiredConstant(g, n, 1);
    out.dims = ReshapedDims(g, n, c.dims);
    return out;
  }
  return std::nullopt;
}

void DropDeadNodes(OnnxGraph& graph) {
  std::set<std::string> needed = {graph.output};
  std::vector<OnnxNode> live;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool read = std::any_of(
        node->outputs.begin(), node->outputs.end(),
        [&](const std::string& output) { return !output.empty() && needed.count(output) != 0; });
    if (!read) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    live.push_back(std::move(*node));
  }
  graph.nodes.assign(std::make_move_iterator(live.rbegin()), std::make_move_iterator(live.rend()));
}

// Replaces the node by a constant, if it is one.
bool FoldNode(OnnxGraph& graph, const OnnxNode& n) {
  const bool constant =
      !n.inputs.empty() && std::all_of(n.inputs.begin(), n.inputs.end(), [&](const auto& input) {
        return input.empty() || graph.Find(input) != nullptr;
      });
  if (n.op == "Shape") {
    const Dims* dims = KnownDims(graph, n, 0);
    if (dims == nullptr) return false;
    Constant shape;
    shape.is_float = false;
    shape.dims = {static_cast<int64_t>(dims->size())};
    shape.ints = *dims;
    if (n.Int("start", 0) != 0 || n.attributes.count("end") != 0)
      Fail(n, "takes all dimensions only");
    graph.constants[n.outputs[0]] = std::move(shape);
    return true;
  }
  if (!constant) return false;
  std::optional<Constant> value = Evaluate(graph, n);
  if (value) graph.constants[n.outputs[0]] = std::move(*value);
  return value.has_value();
}

}  // namespace

void Fold(OnnxGraph& graph) {
  DropDeadNodes(graph);
  std::vector<OnnxNode> kept;
  for (OnnxNode& n : graph.nodes) {
    if (FoldNode(graph, n)) continue;
    if (const auto dims = InferDims(graph, n)) {
      for (size_t i = 0; i < dims->size() && i < n.outputs.size(); ++i) {
        Elements((*dims)[i]);  // within bounds
        graph.dims[n.outputs[i]] = (*dims)[i];
      }
    }
    kept.push_back(std::move(n));
  }
  graph.nodes = std::move(kept);
  DropDeadNodes(graph);
}

}  // namespace nibble::compiler
