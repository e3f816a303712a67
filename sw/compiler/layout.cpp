#include "sw/compiler/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sw/compiler/layout_pass.h"
#include "sw/compiler/onnx_node.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;

// [1][C][H][W] or [1][C] as a map; nothing but an error for other dimensions.
trace::Shape MapOf(const Operator& op, const Dims& d) {
  const bool map = d.size() == 4 || d.size() == 2;
  if (!map || d[0] != 1) {
    Fail(op.onnx_op, op.name,
         fmt::format("its result is [{}], expected [1, channels, height, width] or [1, channels]",
                     fmt::join(d, ", ")));
  }
  return {d.size() == 4 ? static_cast<int>(d[2]) : 1, d.size() == 4 ? static_cast<int>(d[3]) : 1,
          static_cast<int>(d[1])};
}

// [out][channel][pixel] -> [out][pixel][channel].
void ReorderWeights(const trace::Shape& shape, std::vector<float>& weights) {
  const auto pixels = static_cast<size_t>(shape.pixels());
  const auto channels = static_cast<size_t>(shape.channels);
  const std::vector<float> from = weights;
  for (size_t row = 0; row < from.size(); row += pixels * channels) {
    for (size_t c = 0; c < channels; ++c) {
      for (size_t p = 0; p < pixels; ++p) {
        weights[row + p * channels + c] = from[row + c * pixels + p];
      }
    }
  }
}

}  // namespace

LayoutPass::LayoutPass(Graph& graph) : graph_(graph) {
  const Dims& d = graph.dims.at(graph.input);
  Place(graph.input, {static_cast<int>(d[2]), static_cast<int>(d[3]), static_cast<int>(d[1])});
}

void LayoutPass::Run() {
  for (Operator& op : std::exchange(graph_.operators, {})) {
    switch (op.kind) {
      case Kind::kReshape:
        Reorder(op, ValueOf(op, 0));
        break;
      case Kind::kTranspose:
        Transpose(op);
        break;
      case Kind::kFullyConnected:
        FullyConnected(std::move(op));
        break;
      case Kind::kActivation:
      case Kind::kAdd:
      case Kind::kMultiply:
        Elementwise(std::move(op));
        break;
      case Kind::kConcat:
        Concat(std::move(op));
        break;
      case Kind::kSlice:
        Slice(std::move(op));
        break;
      case Kind::kSoftmax:
      case Kind::kLayerNorm:
        RowFunction(op);
        break;
      case Kind::kMatMul:
        MatMul(op);
        break;
      case Kind::kConv:
        op.axis > 1 ? LayerOfTokens(std::move(op)) : OfMaps(std::move(op));
        break;
      case Kind::kGlobalAveragePool:
        DimsOf(op, 0).size() == 3 ? MeanOfTokens(std::move(op)) : OfMaps(std::move(op));
        break;
      default:
        OfMaps(std::move(op));
    }
  }
  FinishOutput();
}

const LayoutPass::Value& LayoutPass::ValueOf(const Operator& op, size_t i) const {
  const auto it = values_.find(op.inputs[i]);
  if (it == values_.end()) {
    Fail(op.onnx_op, op.name,
         fmt::format("input \"{}\" is {}", op.inputs[i],
                     IsConstant(op.inputs[i]) ? "a constant" : "written by no node"));
  }
  return it->second;
}

const Dims& LayoutPass::DimsOf(const Operator& op, size_t i) const {
  ValueOf(op, i);  // or it fails
  return graph_.dims.at(op.inputs[i]);
}

size_t LayoutPass::FirstValue(const Operator& op) const {
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!IsConstant(op.inputs[i])) return i;
  }
  Fail(op.onnx_op, op.name, "all of its inputs are constants");
}

void LayoutPass::Place(const std::string& value, const trace::Shape& shape) {
  Place(value, shape, ElementOrder::Identity(shape));
}

void LayoutPass::Place(const std::string& value, const trace::Shape& shape,
                       const ElementOrder& order) {
  graph_.shapes[value] = shape;
  values_.insert_or_assign(value, Value{value, order});
}

std::string LayoutPass::PlaceConstant(const std::string& value, const trace::Shape& shape,
                                      const ElementOrder& order) {
  const std::vector<float>& floats = graph_.constants.at(value).floats;
  const std::vector<int64_t> places = order.Places();  // [channel][pixel]
  const int64_t pixels = shape.pixels();
  std::vector<float> x(floats.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[static_cast<size_t>(places[i] % pixels * shape.channels + places[i] / pixels)] = floats[i];
  }
  std::string name = value;  // another where the same constant stands in another order
  while (graph_.tensors.count(name) != 0 &&
         (graph_.tensors.at(name) != x || !(graph_.shapes.at(name) == shape))) {
    name += "'";
  }
  Place(name, shape, order);
  graph_.dims[name] = graph_.constants.at(value).dims;
  graph_.tensors[name] = std::move(x);
  return name;
}

bool LayoutPass::IsMap(const Operator& op, size_t i) const {
  const Value& v = ValueOf(op, i);
  const trace::Shape& s = ShapeOf(v);
  const Dims& d = DimsOf(op, i);
  const bool vector = s.pixels() == 1 && d.size() < 4 && !d.empty() && d.back() == s.channels;
  return InOrder(v) && (vector || d == Dims{1, s.channels, s.height, s.width});
}

void LayoutPass::Emit(Operator op, const trace::Shape& shape) {
  Emit(std::move(op), shape, ElementOrder::Identity(shape));
}

void LayoutPass::Emit(Operator op, const trace::Shape& shape, const ElementOrder& order) {
  for (size_t i = 0; i < op.inputs.size(); ++i) op.inputs[i] = ValueOf(op, i).base;
  Place(op.output, shape, order);
  graph_.operators.push_back(std::move(op));
}

void LayoutPass::OfMaps(Operator op) {
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (IsMap(op, i)) continue;
    Fail(op.onnx_op, op.name,
         fmt::format("input \"{}\" is a map whose elements were put in another order",
                     op.inputs[i]));
  }
  const trace::Shape shape = MapOf(op, graph_.dims.at(op.output));
  Emit(std::move(op), shape);
}

// `value` is `op`'s result under other dimensions, in the same order or another.
void LayoutPass::Reorder(const Operator& op, Value value) {
  const trace::Shape& s = ShapeOf(value);
  const int groups = value.order.ShuffleGroups(s);
  if (groups == 0 || graph_.dims.at(op.output) != Dims{1, s.channels, s.height, s.width}) {
    values_.insert_or_assign(op.output, std::move(value));
    return;
  }
  Operator shuffle;
  shuffle.kind = Kind::kShuffle;
  shuffle.onnx_op = op.onnx_op;
  shuffle.name = op.name;
  shuffle.inputs = {value.base};
  shuffle.output = op.output;
  shuffle.layer.op = trace::Op::kShuffle;
  shuffle.layer.groups = groups;
  Place(op.output, s);
  graph_.operators.push_back(std::move(shuffle));
}

void LayoutPass::Transpose(const Operator& op) {
  Value value = ValueOf(op, 0);
  if (!value.order.Transpose(graph_.dims.at(op.inputs[0]), op.permutation)) {
    Fail(op.onnx_op, op.name, "moves elements across the dimensions of its input");
  }
  Reorder(op, std::move(value));
}

// Of operands in the same order, which the result keeps and which constants are brought to; or of a
// map and a factor of one pixel.
void LayoutPass::Elementwise(Operator op) {
  const size_t at = FirstValue(op);
  const Value first = ValueOf(op, at);
  const trace::Shape shape = ShapeOf(first);
  for (std::string& input : op.inputs) {
    if (!IsConstant(input)) continue;
    const std::string placed = PlaceConstant(input, shape, first.order);
    graph_.dims[placed] = DimsOf(op, at);
    input = placed;
  }
  if (op.inputs.size() == 2 && DimsOf(op, 0) != DimsOf(op, 1)) return Broadcast(std::move(op));
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const Value& other = ValueOf(op, i);
    if (other.order == first.order && ShapeOf(other) == shape) continue;
    Fail(op.onnx_op, op.name, "its operands are in different orders");
  }
  Emit(std::move(op), shape, first.order);
}

void LayoutPass::Broadcast(Operator op) {
  const Dims &a = graph_.dims.at(op.inputs[0]), &b = graph_.dims.at(op.inputs[1]);
  const bool swapped = Elements(a) < Elements(b);
  if (swapped) std::swap(op.inputs[0], op.inputs[1]);
  const Dims& factor = swapped ? a : b;
  const bool fits = IsMap(op, 0) && IsMap(op, 1) && factor.size() == 4 &&
                    ShapeOf(ValueOf(op, 1)).pixels() == 1 &&
                    ShapeOf(ValueOf(op, 1)).channels == ShapeOf(ValueOf(op, 0)).channels;
  if (op.kind != Kind::kMultiply || !fits) {
    Fail(op.onnx_op, op.name,
         fmt::format("operands are [{}] and [{}]: must have the same dimensions, or multiply a "
                     "map by [1, channels, 1, 1]",
                     fmt::join(a, ", "), fmt::join(b, ", ")));
  }
  const trace::Shape shape = ShapeOf(ValueOf(op, 0));
  Emit(std::move(op), shape);
}

// Over a map of more than one pixel it becomes a convolution whose kernel covers the map; over
// tokens one of one tap.
void LayoutPass::FullyConnected(Operator op) {
  if (Elements(DimsOf(op, 0)) != DimsOf(op, 0).back()) return LayerOfTokens(std::move(op));
  const Value in = ValueOf(op, 0);
  const trace::Shape shape = ShapeOf(in);
  const Dims& d = graph_.dims.at(op.inputs[0]);
  const bool last = IsTokens(in);
  if (d.back() != op.input_channels || !(InOrder(in) || last)) {
    Fail(op.onnx_op, op.name,
         fmt::format("takes a vector of {}, its input is [{}]{}", op.input_channels,
                     fmt::join(d, ", "), InOrder(in) || last ? "" : " in another order"));
  }
  if (shape.pixels() > 1) {
    op.kind = Kind::kConv;
    op.layer.op = trace::Op::kConv;
    op.layer.kernel_h = shape.height;
    op.layer.kernel_w = shape.width;
    op.input_channels = shape.channels;
    if (!last) ReorderWeights(shape, op.weights);
  }
  for (size_t i = 1; i < op.inputs.size(); ++i) {
    if (!IsMap(op, i)) Fail(op.onnx_op, op.name, "the added operand is no vector");
  }
  const int channels = op.channels;
  Emit(std::move(op), {1, 1, channels});
}

void LayoutPass::FinishOutput() {
  const auto it = values_.find(graph_.output);
  if (it == values_.end()) {
    throw trace::FileError(fmt::format("output \"{}\" is written by no node", graph_.output));
  }
  const trace::Shape& s = ShapeOf(it->second);
  const Dims& d = graph_.dims.at(graph_.output);
  const bool tokens = IsTokens(it->second) && d.back() == s.channels;
  const bool map =
      InOrder(it->second) && (s.pixels() == 1 || d == Dims{1, s.channels, s.height, s.width});
  if (!tokens && !map) {
    throw trace::FileError(
        fmt::format("output \"{}\" is a flattened map, which nothing can write", graph_.output));
  }
  graph_.output = it->second.base;
}

void Layout(Graph& graph) { LayoutPass(graph).Run(); }

}  // namespace nibble::compiler
