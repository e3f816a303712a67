// From a laid-out graph to a Network, and the passes one after the other.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "sw/compiler/compiler.h"
#include "sw/compiler/fold.h"
#include "sw/compiler/fuse.h"
#include "sw/compiler/layout.h"
#include "sw/compiler/listing.h"
#include "sw/compiler/liveness.h"
#include "sw/compiler/network_builder.h"
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

// Appends the operators to a network.
class Emitter {
 public:
  Emitter(const Graph& graph, const std::string& name) : graph_(graph), builder_(name) {
    const std::string input = Printable(graph.input, kNameLimit);
    names_.insert(input);
    tensors_[graph.input] = builder_.AddInput(input, graph.shapes.at(graph.input));
  }

  void Emit(Operator op) {
    trace::Layer& l = op.layer;
    l.op = LayerOp(op);
    l.input = TensorOf(op.inputs[0]);
    if (l.op == trace::Op::kConcat || l.op == trace::Op::kStack) {
      for (const std::string& input : op.inputs) l.operands.push_back(TensorOf(input));
    } else if (op.inputs.size() > 1) {
      l.residual = TensorOf(op.inputs[1]);
    }
    l.source = Printable(op.name, trace::kMaxNameBytes);
    l.name = UniqueName(op.name);
    l.weights = std::move(op.weights);
    l.bias = std::move(op.bias);
    const int pixels = graph_.shapes.at(op.output).pixels();
    tensors_[op.output] = builder_.AddLayer(std::move(l), op.channels, pixels);
  }

  trace::Network Finish(const std::string& output, const std::string& producer) && {
    builder_.SetOutput(tensors_.at(output));
    return std::move(builder_).Finish(producer);
  }

 private:
  static constexpr size_t kNameLimit = trace::kMaxNameBytes - 16;  // leaves room to make it unique

  static trace::Op LayerOp(const Operator& op) {
    switch (op.kind) {
      case Kind::kAdd:
        return trace::Op::kAdd;
      case Kind::kMultiply:
        return trace::Op::kMultiply;
      case Kind::kActivation:
        return trace::Op::kActivate;
      default:
        return op.layer.op;
    }
  }

  // Constants become tensors where they are first read.
  int TensorOf(const std::string& value) {
    const auto it = tensors_.find(value);
    if (it != tensors_.end()) return it->second;
    trace::Tensor tensor;
    tensor.name = UniqueName(value);
    tensor.shape = graph_.shapes.at(value);
    tensor.values = graph_.tensors.at(value);
    return tensors_[value] = builder_.AddConstant(std::move(tensor));
  }

  std::string UniqueName(const std::string& text) {
    const std::string base = Printable(text, kNameLimit);
    std::string name = base;
    for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}#{}", base, i);
    return name;
  }

  const Graph& graph_;
  NetworkBuilder builder_;
  std::map<std::string, int> tensors_;
  std::set<std::string> names_;
};

trace::Network Import(const std::string& path, const PassListener& listener) {
  const auto done = [&](const char* pass, const auto& list) {
    if (listener) listener(pass, list());
  };
  OnnxGraph onnx = ReadOnnx(path);
  Fold(onnx);
  done("fold", [&] { return Listing(onnx); });
  Graph graph = LowerNodes(onnx);
  Fuse(graph);
  done("fuse", [&] { return Listing(graph); });
  Layout(graph);
  FuseResiduals(graph);  // again: reshapes stood between some
  done("layout", [&] { return Listing(graph); });
  DropDead(graph);
  done("liveness", [&] { return LivenessListing(graph); });
  const std::filesystem::path file(path);
  Emitter emitter(graph, Printable(file.stem().string(), trace::kMaxNameBytes));
  for (Operator& op : graph.operators) emitter.Emit(std::move(op));
  return std::move(emitter).Finish(graph.output,
                                   Printable(file.filename().string(), trace::kMaxNameBytes));
}

}  // namespace

trace::Network ImportOnnx(const std::string& path, const PassListener& listener) {
  try {
    return Import(path, listener);
  } catch (const trace::FileError& e) {
    throw trace::FileError(fmt::format("{}: {}", path, e.what()));
  }
}

}  // namespace nibble::compiler
