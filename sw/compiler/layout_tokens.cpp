// Pass "layout" of tokens, [1][tokens][channels] and what attention makes of them: a token is a
// pixel, a head is a range of channels.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sw/compiler/layout_pass.h"
#include "sw/compiler/onnx_node.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;
using Loops = ElementOrder::Loops;
using AxisLoops = std::vector<Loops>;

ElementOrder OrderOf(const AxisLoops& axes) {
  Loops loops;
  for (const Loops& axis : axes) loops.insert(loops.end(), axis.begin(), axis.end());
  return ElementOrder(loops);
}

// Whether an axis is `turns` places at distance `stride`.
bool Runs(const Loops& axis, int64_t turns, int64_t stride) {
  return ElementOrder(axis) == ElementOrder(Loops{{turns, stride}});
}

[[noreturn]] void FailOrder(const Operator& op, size_t i, const Dims& d) {
  Fail(op.onnx_op, op.name,
       fmt::format("input \"{}\", [{}], is in an order in which no tensor lies", op.inputs[i],
                   fmt::join(d, ", ")));
}

[[noreturn]] void FailAxis(const Operator& op, const Dims& d) {
  Fail(op.onnx_op, op.name,
       fmt::format("axis is {} of [{}], must be that of the channels or of tokens", op.axis,
                   fmt::join(d, ", ")));
}

}  // namespace

Operator LayoutPass::ForHead(const Operator& op, const char* part, int64_t head) const {
  Operator out = op;
  out.name = fmt::format("{}.{}{}", op.name, part, head);
  out.output = fmt::format("{}.{}{}", op.output, part, head);
  while (graph_.dims.count(out.output) != 0 || graph_.shapes.count(out.output) != 0 ||
         IsConstant(out.output)) {
    out.output += "'";
  }
  return out;
}

std::string LayoutPass::Channels(const std::string& base, int64_t first, int64_t count,
                                 Operator op) {
  const trace::Shape shape = graph_.shapes.at(base);
  if (count == shape.channels) return base;
  const auto slice = slices_.find(base);
  if (slice != slices_.end()) {
    const Part part = slice->second;
    return Channels(part.base, part.first + first, count, std::move(op));
  }
  const auto concat = concats_.find(base);
  if (concat != concats_.end()) {
    int64_t at = 0;
    for (const std::string& operand : concat->second) {
      const int64_t channels = graph_.shapes.at(operand).channels;
      if (at == first && channels == count) return operand;
      at += channels;
    }
  }
  Operator taken;
  taken.kind = Kind::kSlice;
  taken.onnx_op = op.onnx_op;
  taken.name = std::move(op.name);
  taken.inputs = {base};
  taken.output = std::move(op.output);
  taken.layer.op = trace::Op::kSlice;
  taken.layer.first_channel = static_cast<int>(first);
  taken.channels = static_cast<int>(count);
  slices_[taken.output] = {base, first};
  Place(taken.output, {shape.height, shape.width, taken.channels});
  graph_.operators.push_back(taken);
  return taken.output;
}

std::string LayoutPass::Transposed(const std::string& base, Operator op) {
  const trace::Shape shape = graph_.shapes.at(base);
  Operator transpose;
  transpose.kind = Kind::kTranspose;
  transpose.onnx_op = op.onnx_op;
  transpose.name = std::move(op.name);
  transpose.inputs = {base};
  transpose.output = std::move(op.output);
  transpose.layer.op = trace::Op::kTranspose;
  Place(transpose.output, {shape.channels, 1, shape.pixels()});
  graph_.operators.push_back(transpose);
  return transpose.output;
}

void LayoutPass::Join(const Operator& op, const std::vector<std::string>& operands,
                      const ElementOrder& order) {
  trace::Shape shape = graph_.shapes.at(operands[0]);
  shape.channels *= static_cast<int>(operands.size());
  Operator concat;
  concat.kind = Kind::kConcat;
  concat.onnx_op = op.onnx_op;
  concat.name = op.name + ".heads";
  concat.inputs = operands;
  concat.output = op.output;
  concat.layer.op = trace::Op::kConcat;
  concats_[op.output] = operands;
  Emit(std::move(concat), shape, order);
}

// A fully connected layer, or a factor and a summand for each channel, of every token.
void LayoutPass::LayerOfTokens(Operator op) {
  const Value in = ValueOf(op, 0);
  const Dims& d = DimsOf(op, 0);
  trace::Shape shape = ShapeOf(in);
  auto axes = in.order.Axes(d);
  if (d.back() != op.input_channels) {
    Fail(
        op.onnx_op, op.name,
        fmt::format("takes {} channels, its input is [{}]", op.input_channels, fmt::join(d, ", ")));
  }
  if (!axes || d.back() != shape.channels || !Runs(axes->back(), d.back(), shape.pixels())) {
    FailOrder(op, 0, d);
  }
  if (op.kind == Kind::kFullyConnected) op.layer.op = trace::Op::kConv;
  op.kind = Kind::kConv;
  shape.channels = op.channels;
  axes->back() = {{op.channels, shape.pixels()}};
  const ElementOrder order = OrderOf(*axes);
  for (size_t i = 1; i < op.inputs.size(); ++i) {
    const Value& residual = ValueOf(op, i);
    if (residual.order == order && ShapeOf(residual) == shape) continue;
    Fail(op.onnx_op, op.name, "the added operand is in another order");
  }
  Emit(std::move(op), shape, order);
}

void LayoutPass::MeanOfTokens(Operator op) {
  const trace::Shape shape = ShapeOf(ValueOf(op, 0));
  const Dims& d = DimsOf(op, 0);
  if (!IsTokens(ValueOf(op, 0)) || d != Dims{1, shape.pixels(), shape.channels}) {
    FailOrder(op, 0, d);
  }
  Emit(std::move(op), {1, 1, shape.channels});
}

// Softmax or layer normalization along the last axis: of each head, where there are several.
void LayoutPass::RowFunction(const Operator& op) {
  const Value in = ValueOf(op, 0);
  const Dims& d = DimsOf(op, 0);
  const trace::Shape shape = ShapeOf(in);
  const auto axes = in.order.Axes(d);
  const int64_t channels = d.back();
  if (!axes || shape.channels % channels != 0 || !Runs(axes->back(), channels, shape.pixels())) {
    FailOrder(op, 0, d);
  }
  if (channels == shape.channels) return Emit(op, shape, in.order);
  std::vector<std::string> results;
  for (int64_t h = 0; h < shape.channels / channels; ++h) {
    Operator one = ForHead(op, "head", h);
    one.inputs = {Channels(in.base, h * channels, channels, ForHead(op, "in", h))};
    results.push_back(one.output);
    Emit(std::move(one), {shape.height, shape.width, static_cast<int>(channels)});
  }
  Join(op, results, in.order);
}

std::optional<LayoutPass::Matrices> LayoutPass::MatricesOf(const Value& value,
                                                           const Dims& dims) const {
  const trace::Shape& shape = ShapeOf(value);
  const int64_t pixels = shape.pixels();
  auto axes = value.order.Axes(dims);
  if (!axes) return std::nullopt;
  const Loops columns = axes->back(), rows = (*axes)[axes->size() - 2];
  axes->resize(axes->size() - 2);
  const int64_t heads = Elements({dims.begin(), dims.end() - 2});
  if (shape.channels % heads != 0) return std::nullopt;
  const int64_t channels = shape.channels / heads;
  if (!(OrderOf(*axes) == ElementOrder(Loops{{heads, channels * pixels}}))) return std::nullopt;
  const auto lies = [&](const Loops& of_pixels, const Loops& of_channels, int64_t pixel_count) {
    return pixel_count == pixels && Runs(of_pixels, pixels, 1) &&
           Runs(of_channels, channels, pixels);
  };
  if (lies(rows, columns, dims[dims.size() - 2])) return Matrices{heads, channels, false};
  if (lies(columns, rows, dims.back())) return Matrices{heads, channels, true};
  return std::nullopt;
}

// A layer takes the pixels of its second operand as columns.
void LayoutPass::MatMul(const Operator& op) {
  const Value a = ValueOf(op, 0), b = ValueOf(op, 1);
  const auto left = MatricesOf(a, DimsOf(op, 0)), right = MatricesOf(b, DimsOf(op, 1));
  if (!left) FailOrder(op, 0, DimsOf(op, 0));
  if (!right) FailOrder(op, 1, DimsOf(op, 1));
  if (left->heads != right->heads) {
    Fail(op.onnx_op, op.name,
         fmt::format("multiplies {} matrices by {}", left->heads, right->heads));
  }
  const Dims& d = graph_.dims.at(op.output);
  const int64_t rows = d[d.size() - 2], columns = d.back();
  const ElementOrder order(Loops{{left->heads, columns * rows}, {rows, 1}, {columns, rows}});
  std::vector<std::string> results;
  for (int64_t h = 0; h < left->heads; ++h) {
    Operator one = left->heads == 1 ? op : ForHead(op, "head", h);
    std::string x = Channels(a.base, h * left->channels, left->channels, ForHead(op, "left", h));
    std::string y = Channels(b.base, h * right->channels, right->channels, ForHead(op, "right", h));
    if (left->transposed) x = Transposed(x, ForHead(op, "left_transposed", h));
    if (!right->transposed) y = Transposed(y, ForHead(op, "right_transposed", h));
    one.inputs = {x, y};
    trace::Shape shape = graph_.shapes.at(x);
    shape.channels = static_cast<int>(columns);
    results.push_back(one.output);
    Emit(std::move(one), shape, ElementOrder::ChannelsLast(shape));
  }
  if (left->heads > 1) Join(op, results, order);
}

void LayoutPass::Concat(Operator op) {
  const size_t at = FirstValue(op);
  const trace::Shape shape = ShapeOf(ValueOf(op, at));
  std::optional<AxisLoops> common;  // of all operands, but for `op.axis`
  int64_t channels = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (IsConstant(op.inputs[i])) return Stack(std::move(op), at);
    const trace::Shape& s = ShapeOf(ValueOf(op, i));
    auto axes = ValueOf(op, i).order.Axes(DimsOf(op, i));
    const bool whole = axes && DimsOf(op, i)[op.axis] == s.channels &&
                       Runs((*axes)[op.axis], s.channels, s.pixels());
    if (!whole || s.height != shape.height || s.width != shape.width) {
      return Stack(std::move(op), at);
    }
    (*axes)[op.axis].clear();
    if (common && *common != *axes) return Stack(std::move(op), at);
    common = std::move(axes);
    channels += s.channels;
  }
  (*common)[op.axis] = {{channels, shape.pixels()}};
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    concats_[op.output].push_back(ValueOf(op, i).base);
  }
  op.layer.op = trace::Op::kConcat;
  Emit(std::move(op), {shape.height, shape.width, static_cast<int>(channels)}, OrderOf(*common));
}

// Of tokens, constants (class tokens) among them; `first` is none.
void LayoutPass::Stack(Operator op, size_t first) {
  const Dims d = DimsOf(op, first);
  const trace::Shape shape = ShapeOf(ValueOf(op, first));
  if (op.axis + 2 != d.size()) FailAxis(op, d);
  int64_t pixels = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (IsConstant(op.inputs[i])) {
      const Dims& own = graph_.constants.at(op.inputs[i]).dims;
      const int64_t count = own[op.axis];
      if (Elements(own) != count * shape.channels) FailAxis(op, d);
      const trace::Shape tokens{static_cast<int>(count), 1, shape.channels};
      op.inputs[i] = PlaceConstant(op.inputs[i], tokens, ElementOrder::ChannelsLast(tokens));
      pixels += count;
      continue;
    }
    const trace::Shape& s = ShapeOf(ValueOf(op, i));
    const Dims& own = DimsOf(op, i);
    if (!IsTokens(ValueOf(op, i)) || own.back() != s.channels || own[op.axis] != s.pixels()) {
      FailAxis(op, d);
    }
    pixels += s.pixels();
  }
  op.layer.op = trace::Op::kStack;
  const trace::Shape all{static_cast<int>(pixels), 1, shape.channels};
  Emit(std::move(op), all, ElementOrder::ChannelsLast(all));
}

void LayoutPass::Slice(Operator op) {
  const Value in = ValueOf(op, 0);
  const Dims d = DimsOf(op, 0);
  const trace::Shape shape = ShapeOf(in);
  const int64_t pixels = shape.pixels(), length = d[op.axis];
  if (op.count == length) return Reorder(op, in);
  auto axes = in.order.Axes(d);
  if (!axes || (*axes)[op.axis].size() != 1) FailAxis(op, d);
  ElementOrder::Loop& loop = (*axes)[op.axis][0];
  const int64_t block = loop.stride / pixels;  // channels of one place
  if (loop.stride % pixels == 0 && length * block == shape.channels) {
    loop.turns = op.count;
    const int64_t first = op.first * block, count = op.count * block;
    const std::string output = op.output;
    const std::string base = Channels(in.base, first, count, std::move(op));
    values_.insert_or_assign(output, Value{base, OrderOf(*axes)});
    return;
  }
  if (!Runs((*axes)[op.axis], pixels, 1) || !IsTokens(in)) FailAxis(op, d);
  op.layer.op = trace::Op::kPick;
  op.layer.first_pixel = static_cast<int>(op.first);
  const trace::Shape picked{static_cast<int>(op.count), 1, shape.channels};
  Emit(std::move(op), picked, ElementOrder::ChannelsLast(picked));
}

}  // namespace nibble::compiler
