#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "sw/compiler/compiler.h"
#include "sw/compiler/network_builder.h"
#include "sw/compiler/passes.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

using Kind = Operator::Kind;

// Printable and short, as trace::Validate demands of names.
std::string Printable(std::string text, size_t limit) {
  text.resize(std::min(text.size(), limit));
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '_';
  }
  return text;
}

// Padding of one axis so that the output has ceil(input / stride) elements; the odd one goes to the
// end (upper) or to the beginning.
std::pair<int, int> SamePads(int input, int kernel, int stride, int dilation, bool upper) {
  const int output = (input + stride - 1) / stride;
  const int total = std::max(0, (output - 1) * stride + dilation * (kernel - 1) + 1 - input);
  const int less = total / 2, more = total - less;
  return upper ? std::pair{less, more} : std::pair{more, less};
}

// Appends the operators to a network; shapes are known from here on.
class Emitter {
 public:
  explicit Emitter(const OnnxGraph& graph, const std::string& name) : builder_(name) {
    const std::string input = Printable(graph.input, kNameLimit);
    names_.insert(input);
    values_[graph.input] = {builder_.AddInput(input, graph.input_shape), false};
  }

  void Emit(Operator op) {
    const Value in = ValueOf(op, op.input);
    Value out = in;
    trace::Layer& l = op.layer;
    l.input = in.tensor;
    l.source = Printable(op.name, trace::kMaxNameBytes);
    switch (op.kind) {
      case Kind::kFlatten:
        Flatten(op, in);
        return;
      case Kind::kConv:
        PrepareConv(op, in);
        break;
      case Kind::kFullyConnected:
        PrepareFullyConnected(op, in);
        out.flat = true;
        break;
      case Kind::kAdd:
        l.op = trace::Op::kAdd;
        break;
      case Kind::kGlobalAveragePool:
        l.op = trace::Op::kGlobalAveragePool;
        break;
      case Kind::kScaleShift:
      case Kind::kActivation:
        Fail(op.onnx_op, op.name, "was not fused");
    }
    if (!op.second.empty()) l.residual = ValueOf(op, op.second).tensor;
    l.name = UniqueName(op.name);
    l.weights = std::move(op.weights);
    l.bias = std::move(op.bias);
    out.tensor = builder_.AddLayer(std::move(l), op.channels);
    values_[op.output] = out;
  }

  trace::Network Finish(const std::string& output, const std::string& producer) && {
    const auto it = values_.find(output);
    if (it == values_.end()) {
      throw trace::FileError(fmt::format("output \"{}\" is written by no node", output));
    }
    if (it->second.flat && builder_.ShapeOf(it->second.tensor).pixels() != 1) {
      throw trace::FileError(
          fmt::format("output \"{}\" is a flattened map, which nothing can write", output));
    }
    return std::move(builder_).Finish(producer);
  }

 private:
  static constexpr size_t kNameLimit = trace::kMaxNameBytes - 16;  // leaves room to make it unique

  struct Value {
    int tensor = 0;
    bool flat = false;  // was flattened: a vector in the order channel, row, column
  };

  const Value& ValueOf(const Operator& op, const std::string& name) const {
    const auto it = values_.find(name);
    if (it == values_.end()) {
      Fail(op.onnx_op, op.name, fmt::format("input \"{}\" is written by no node", name));
    }
    return it->second;
  }

  std::string UniqueName(const std::string& text) {
    const std::string base = Printable(text, kNameLimit);
    std::string name = base;
    for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}#{}", base, i);
    return name;
  }

  void Flatten(const Operator& op, const Value& in) {
    const trace::Shape& shape = builder_.ShapeOf(in.tensor);
    if (op.input_channels != 0 && op.input_channels != shape.elements()) {
      Fail(op.onnx_op, op.name,
           fmt::format("makes a vector of {}, its input has {} elements", op.input_channels,
                       shape.elements()));
    }
    if (op.onnx_op == "Squeeze" && shape.pixels() != 1) {
      Fail(op.onnx_op, op.name, "height and width of its input must be 1");
    }
    values_[op.output] = {in.tensor, true};
  }

  void PrepareConv(Operator& op, const Value& in) const {
    const trace::Shape& shape = builder_.ShapeOf(in.tensor);
    if (shape.channels != op.input_channels) {
      Fail(op.onnx_op, op.name,
           fmt::format("takes {} channels, its input has {}", op.input_channels, shape.channels));
    }
    if (op.auto_pad == Operator::AutoPad::kNone) return;
    trace::Layer& l = op.layer;
    const bool upper = op.auto_pad == Operator::AutoPad::kSameUpper;
    std::tie(l.pad_top, l.pad_bottom) =
        SamePads(shape.height, l.kernel_h, l.stride_h, l.dilation_h, upper);
    std::tie(l.pad_left, l.pad_right) =
        SamePads(shape.width, l.kernel_w, l.stride_w, l.dilation_w, upper);
  }

  // Over a map of more than one pixel it becomes a convolution whose kernel covers the map.
  void PrepareFullyConnected(Operator& op, const Value& in) const {
    const trace::Shape& shape = builder_.ShapeOf(in.tensor);
    if (shape.elements() != op.input_channels || !(in.flat || shape.pixels() == 1)) {
      Fail(
          op.onnx_op, op.name,
          fmt::format("takes a vector of {}, its input is {} x {} x {}{}", op.input_channels,
                      shape.height, shape.width, shape.channels, in.flat ? "" : ", not flattened"));
    }
    if (shape.pixels() == 1) return;
    op.layer.op = trace::Op::kConv;
    op.layer.kernel_h = shape.height;
    op.layer.kernel_w = shape.width;
    const auto pixels = static_cast<size_t>(shape.pixels());
    const auto channels = static_cast<size_t>(shape.channels);
    const std::vector<float> from = op.weights;
    for (size_t row = 0; row < from.size(); row += pixels * channels) {
      for (size_t c = 0; c < channels; ++c) {
        for (size_t p = 0; p < pixels; ++p) {
          op.weights[row + p * channels + c] = from[row + c * pixels + p];
        }
      }
    }
  }

  NetworkBuilder builder_;
  std::map<std::string, Value> values_;
  std::set<std::string> names_;
};

trace::Network Import(const std::string& path) {
  const OnnxGraph graph = ReadOnnx(path);
  std::vector<Operator> operators = LowerNodes(graph);
  FoldScaleShift(operators, graph.output);
  FuseActivations(operators, graph.output);
  FuseResiduals(operators, graph.output);
  const std::filesystem::path file(path);
  Emitter emitter(graph, Printable(file.stem().string(), trace::kMaxNameBytes));
  for (Operator& op : operators) emitter.Emit(std::move(op));
  return std::move(emitter).Finish(graph.output,
                                   Printable(file.filename().string(), trace::kMaxNameBytes));
}

}  // namespace

trace::Network ImportOnnx(const std::string& path) {
  try {
    return Import(path);
  } catch (const trace::FileError& e) {
    throw trace::FileError(fmt::format("{}: {}", path, e.what()));
  }
}

}  // namespace nibble::compiler
