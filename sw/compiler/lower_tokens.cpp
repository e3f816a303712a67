// Operators of transformers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sw/compiler/onnx_node.h"
#include "sw/compiler/operators.h"

namespace nibble::compiler {

using Kind = Operator::Kind;

namespace {

// Of softmax and layer normalization.
void RequireLastAxis(const OnnxGraph& g, const OnnxNode& n) {
  const Dims& x = InputDims(g, n);
  const int64_t axis = Axis(n, n.Int("axis", -1), x.size());
  if (axis + 1 != static_cast<int64_t>(x.size())) {
    Fail(n, fmt::format("axis is {} of [{}], must be the last", axis, fmt::join(x, ", ")));
  }
}

}  // namespace

void LowerSoftmax(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  RequireLastAxis(g, n);
  op.kind = Kind::kSoftmax;
  op.layer.op = trace::Op::kSoftmax;
}

void LowerLayerNorm(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  RequireLastAxis(g, n);
  for (size_t i = 1; i < n.outputs.size(); ++i) {
    if (!n.outputs[i].empty()) Fail(n, "only the first output is supported");
  }
  op.kind = Kind::kLayerNorm;
  op.layer.op = trace::Op::kLayerNorm;
  op.layer.epsilon = n.Float("epsilon", 1e-5f);
  op.axis = InputDims(g, n).size() - 1;
  op.channels = Bounded(n, "channels", InputDims(g, n).back(), 1, trace::kMaxChannels);
  const auto channels = static_cast<size_t>(op.channels);
  op.weights = Floats(g, n, 1, channels);
  op.bias = n.HasInput(2) ? Floats(g, n, 2, channels) : std::vector<float>(channels);
}

void LowerGather(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  const Constant& at = RequiredConstant(g, n, 1);
  const Dims& x = InputDims(g, n);
  if (at.is_float || at.ints.size() != 1) Fail(n, "indices must be one integer");
  op.kind = Kind::kSlice;
  op.axis = static_cast<size_t>(Axis(n, n.Int("axis", 0), x.size()));
  const int64_t length = x[op.axis], index = at.ints[0];
  if (index < -length || index >= length) {
    Fail(n, fmt::format("index {} is not in {}", index, length));
  }
  op.first = index < 0 ? index + length : index;
  op.count = 1;
}

void LowerPart(const OnnxGraph& g, const OnnxNode& n, Operator& op) {
  op.kind = Kind::kPart;
  if (n.op == "Pow" && Floats(g, n, 1, 1)[0] != 2) Fail(n, "the exponent must be 2");
}

}  // namespace nibble::compiler
