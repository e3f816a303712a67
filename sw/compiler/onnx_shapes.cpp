#include "sw/compiler/onnx_shapes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>

#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

// The dimensions that NumPy's broadcasting gives.
Dims Broadcast(const OnnxNode& n, const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()));
  for (size_t i = 1; i <= out.size(); ++i) {  // from the back
    const int64_t x = i <= a.size() ? a[a.size() - i] : 1, y = i <= b.size() ? b[b.size() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      Fail(n,
           fmt::format("[{}] and [{}] do not go together", fmt::join(a, ", "), fmt::join(b, ", ")));
    }
    out[out.size() - i] = x == 1 ? y : x;
  }
  return out;
}

Dims ConcatDims(const OnnxGraph& g, const OnnxNode& n, Dims out) {
  const auto axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), out.size()));
  for (size_t i = 1; i < n.inputs.size(); ++i) {
    Dims other = *KnownDims(g, n, i);
    if (other.size() != out.size()) Fail(n, "inputs have different numbers of dimensions");
    out[axis] += other[axis];
    other[axis] = out[axis];
    if (other != out) Fail(n, "inputs differ in more than the axis");
  }
  return out;
}

Dims ReducedDims(const OnnxNode& n, const Dims& in) {
  const std::vector<int64_t> axes = Axes(n, n.Ints("axes", {}), in.size());
  Dims out;
  for (size_t d = 0; d < in.size(); ++d) {
    const bool reduced =
        axes.empty() || std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(d));
    if (!reduced) out.push_back(in[d]);
    if (reduced && n.Int("keepdims", 1) != 0) out.push_back(1);
  }
  return out;
}

Dims MatrixDims(const OnnxGraph& g, const OnnxNode& n, Dims in) {
  const Dims& w = *KnownDims(g, n, 1);
  if (w.size() != 2 || in.empty()) Fail(n, "weights must be a matrix");
  in.back() = n.op == "Gemm" && n.Int("transB", 0) != 0 ? w[0] : w[1];
  return in;
}

// Of two values: matrices in the last two axes, the others broadcast.
Dims ProductDims(const OnnxNode& n, const Dims& a, const Dims& b) {
  if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) {
    Fail(n, fmt::format("[{}] and [{}] do not multiply", fmt::join(a, ", "), fmt::join(b, ", ")));
  }
  Dims out = Broadcast(n, {a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  out.push_back(a[a.size() - 2]);
  out.push_back(b.back());
  return out;
}

Dims GatherDims(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  const Dims& at = *KnownDims(g, n, 1);
  const auto axis = static_cast<std::ptrdiff_t>(Axis(n, n.Int("axis", 0), in.size()));
  Dims out(in.begin(), in.begin() + axis);
  out.insert(out.end(), at.begin(), at.end());
  out.insert(out.end(), in.begin() + axis + 1, in.end());
  return out;
}

Dims WindowDims(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  const Window w = WindowOf(g, n, in);
  return {in[0], n.op == "Conv" ? RequiredConstant(g, n, 1).dims[0] : in[1], w.output_h,
          w.output_w};
}

Dims TransposedDims(const OnnxNode& n, const Dims& in) {
  std::vector<int64_t> order;
  for (size_t d = in.size(); d > 0; --d) order.push_back(static_cast<int64_t>(d) - 1);
  order = n.Ints("perm", order);
  const bool negative = std::any_of(order.begin(), order.end(), [](int64_t d) { return d < 0; });
  if (negative || Axes(n, order, in.size()).size() != in.size()) Fail(n, "perm is no permutation");
  Dims out;
  for (const int64_t d : order) out.push_back(in[static_cast<size_t>(d)]);
  return out;
}

bool KeepsDims(const std::string& op) {
  static const std::set<std::string> ops = {"BatchNormalization",
                                            "Clip",
                                            "Erf",
                                            "HardSigmoid",
                                            "HardSwish",
                                            "LayerNormalization",
                                            "Pow",
                                            "Relu",
                                            "Sigmoid",
                                            "Softmax",
                                            "Sqrt"};
  return ops.count(op) != 0;
}

std::vector<Dims> SplitDims(const OnnxGraph& g, const OnnxNode& n, const Dims& in) {
  const SplitParts parts = PartsOf(g, n, in);
  std::vector<Dims> out;
  for (const int64_t length : parts.lengths) {
    out.push_back(in);
    out.back()[parts.axis] = length;
  }
  return out;
}

}  // namespace

std::optional<std::vector<Dims>> InferDims(const OnnxGraph& g, const OnnxNode& n) {
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    if (n.HasInput(i) && KnownDims(g, n, i) == nullptr) return std::nullopt;
  }
  if (!n.HasInput(0)) return std::nullopt;
  const Dims& in = *KnownDims(g, n, 0);
  const std::string& op = n.op;
  const auto one = [](Dims dims) { return std::vector<Dims>{std::move(dims)}; };
  if (KeepsDims(op)) return one(in);
  if (op == "Expand") {
    RequiredInput(n, 1);
    return one(Broadcast(n, in, *OptionalInts(g, n, 1)));
  }
  if (op == "Where") {
    RequiredInput(n, 2);
    return one(Broadcast(n, Broadcast(n, in, *KnownDims(g, n, 1)), *KnownDims(g, n, 2)));
  }
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Equal") {
    RequiredInput(n, 1);
    return one(Broadcast(n, in, *KnownDims(g, n, 1)));
  }
  if (op == "Conv" || op == "MaxPool" || op == "AveragePool") return one(WindowDims(g, n, in));
  if (op == "Gemm" || op == "MatMul") {
    RequiredInput(n, 1);
    const bool product = n.op == "MatMul" && g.Find(n.inputs[1]) == nullptr;
    return one(product ? ProductDims(n, in, *KnownDims(g, n, 1)) : MatrixDims(g, n, in));
  }
  if (op == "GlobalAveragePool") {
    if (in.size() != 4) Fail(n, "its input must be N x C x H x W");
    return one({in[0], in[1], 1, 1});
  }
  if (op == "ReduceMean") return one(ReducedDims(n, in));
  if (op == "Concat") return one(ConcatDims(g, n, in));
  if (op == "Gather") {
    RequiredInput(n, 1);
    return one(GatherDims(g, n, in));
  }
  if (op == "Slice") {
    Dims out;
    for (const SliceRange& r : SliceRanges(g, n, in)) out.push_back(r.count);
    return one(out);
  }
  if (op == "Split") return SplitDims(g, n, in);
  if (op == "Transpose") return one(TransposedDims(n, in));
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze") {
    if (op == "Reshape") RequiredConstant(g, n, 1);
    return one(ReshapedDims(g, n, in));
  }
  return std::nullopt;
}

}  // namespace nibble::compiler
