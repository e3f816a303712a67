#include "sw/compiler/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sw/compiler/element_order.h"
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

class LayoutPass {
 public:
  explicit LayoutPass(Graph& graph) : graph_(graph) {
    const Dims& d = graph.dims.at(graph.input);
    Place(graph.input, {static_cast<int>(d[2]), static_cast<int>(d[3]), static_cast<int>(d[1])});
  }

  void Run() {
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
        default:
          OfMaps(std::move(op));
      }
    }
    FinishOutput();
  }

 private:
  // A value: the elements of tensor `base` in some order.
  struct Value {
    std::string base;
    ElementOrder order;
  };

  const trace::Shape& ShapeOf(const Value& v) const { return graph_.shapes.at(v.base); }
  bool InOrder(const Value& v) const { return v.order == ElementOrder::Identity(ShapeOf(v)); }

  const Value& ValueOf(const Operator& op, size_t i) const {
    const auto it = values_.find(op.inputs[i]);
    if (it == values_.end()) {
      Fail(op.onnx_op, op.name, fmt::format("input \"{}\" is written by no node", op.inputs[i]));
    }
    return it->second;
  }

  void Place(const std::string& value, const trace::Shape& shape) {
    graph_.shapes[value] = shape;
    values_.insert_or_assign(value, Value{value, ElementOrder::Identity(shape)});
  }

  // Whether value `i` is the whole map in its own shape: also as a vector, where it is one pixel.
  bool IsMap(const Operator& op, size_t i) const {
    const Value& v = ValueOf(op, i);
    const trace::Shape& s = ShapeOf(v);
    const Dims& d = graph_.dims.at(op.inputs[i]);
    const bool vector = s.pixels() == 1 && (d == Dims{1, s.channels} || d == Dims{s.channels});
    return InOrder(v) && (vector || d == Dims{1, s.channels, s.height, s.width});
  }

  // Its inputs by the names of their tensors.
  void Emit(Operator op, const trace::Shape& shape) {
    for (size_t i = 0; i < op.inputs.size(); ++i) op.inputs[i] = ValueOf(op, i).base;
    Place(op.output, shape);
    graph_.operators.push_back(std::move(op));
  }

  void OfMaps(Operator op) {
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
  void Reorder(const Operator& op, Value value) {
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

  void Transpose(const Operator& op) {
    Value value = ValueOf(op, 0);
    if (!value.order.Transpose(graph_.dims.at(op.inputs[0]), op.permutation)) {
      Fail(op.onnx_op, op.name, "moves elements across the dimensions of its input");
    }
    Reorder(op, std::move(value));
  }

  // Of operands in the same order, which the result keeps; or of a map and a factor of one pixel.
  void Elementwise(Operator op) {
    if (op.inputs.size() == 2 && graph_.dims.at(op.inputs[0]) != graph_.dims.at(op.inputs[1])) {
      return Broadcast(std::move(op));
    }
    const Value first = ValueOf(op, 0);
    const trace::Shape shape = ShapeOf(first);
    for (size_t i = 1; i < op.inputs.size(); ++i) {
      const Value& other = ValueOf(op, i);
      if (other.order == first.order && ShapeOf(other) == shape) continue;
      Fail(op.onnx_op, op.name, "its operands are in different orders");
    }
    const std::string output = op.output;
    Emit(std::move(op), shape);
    values_.insert_or_assign(output, Value{output, first.order});
  }

  void Broadcast(Operator op) {
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

  // Over a map of more than one pixel it becomes a convolution whose kernel covers the map.
  void FullyConnected(Operator op) {
    const Value in = ValueOf(op, 0);
    const trace::Shape shape = ShapeOf(in);
    const Dims& d = graph_.dims.at(op.inputs[0]);
    const bool last = in.order == ElementOrder::ChannelsLast(shape);
    if (d.back() != op.input_channels || Elements(d) != d.back() || !(InOrder(in) || last)) {
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

  // [out][channel][pixel] -> [out][pixel][channel].
  static void ReorderWeights(const trace::Shape& shape, std::vector<float>& weights) {
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

  void FinishOutput() {
    const auto it = values_.find(graph_.output);
    if (it == values_.end()) {
      throw trace::FileError(fmt::format("output \"{}\" is written by no node", graph_.output));
    }
    const trace::Shape& s = ShapeOf(it->second);
    const Dims& d = graph_.dims.at(graph_.output);
    if (!InOrder(it->second) || (s.pixels() > 1 && d != Dims{1, s.channels, s.height, s.width})) {
      throw trace::FileError(
          fmt::format("output \"{}\" is a flattened map, which nothing can write", graph_.output));
    }
    graph_.output = it->second.base;
  }

  Graph& graph_;
  std::map<std::string, Value> values_;
};

}  // namespace

void Layout(Graph& graph) { LayoutPass(graph).Run(); }

}  // namespace nibble::compiler
