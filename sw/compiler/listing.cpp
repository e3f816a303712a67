#include "sw/compiler/listing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sw/compiler/liveness.h"
#include "sw/trace/print.h"

namespace nibble::compiler {
namespace {

std::string DimsText(const std::map<std::string, Dims>& dims, const std::string& value) {
  const auto it = dims.find(value);
  return it == dims.end() ? "?" : fmt::format("{}", fmt::join(it->second, "x"));
}

// As the passes have it: [1][channels][height][width] before "layout", the map after.
std::string ShapeText(const Graph& graph, const std::string& value) {
  const auto it = graph.shapes.find(value);
  return it == graph.shapes.end() ? DimsText(graph.dims, value) : trace::ShapeText(it->second);
}

std::string Line(const Graph& graph, const Operator& op) {
  std::string what = KindName(op.kind);
  if (op.kind == Operator::Kind::kConv || op.kind == Operator::Kind::kPool) {
    const trace::Layer& l = op.layer;
    what = fmt::format("{} {}x{}", trace::OpName(l.op), l.kernel_h, l.kernel_w);
  }
  const bool moves = op.layer.op == trace::Op::kStack || op.layer.op == trace::Op::kPick;
  if (moves) what = trace::OpName(op.layer.op);
  if (op.kind == Operator::Kind::kPart) what = op.onnx_op;
  if (op.layer.groups != 1) what += fmt::format(" in {} groups", op.layer.groups);
  if (op.layer.activation.kind != trace::Activation::Kind::kNone) {
    what += ", " + trace::ActivationText(op.layer.activation);
  }
  return fmt::format("{}: {}  {} -> {} {}", op.name, what, fmt::join(op.inputs, ", "), op.output,
                     ShapeText(graph, op.output));
}

}  // namespace

std::string Listing(const OnnxGraph& graph) {
  std::string out;
  for (const OnnxNode& n : graph.nodes) {
    std::vector<std::string> inputs;
    for (const std::string& input : n.inputs) {
      if (!input.empty() && graph.Find(input) == nullptr) inputs.push_back(input);
    }
    out += fmt::format("{}: {}  {} -> {} {}\n", n.name, n.op, fmt::join(inputs, ", "),
                       fmt::join(n.outputs, ", "), DimsText(graph.dims, n.outputs[0]));
  }
  return out;
}

std::string Listing(const Graph& graph) {
  std::string out;
  for (const Operator& op : graph.operators) out += Line(graph, op) + "\n";
  return out;
}

std::string LivenessListing(const Graph& graph) {
  const std::vector<int64_t> live = LiveElements(graph);
  std::string out;
  for (size_t i = 0; i < live.size(); ++i) {
    out += fmt::format("{}  live {}\n", Line(graph, graph.operators[i]), live[i]);
  }
  const int64_t peak = live.empty() ? 0 : *std::max_element(live.begin(), live.end());
  return out + fmt::format("at most {} elements live\n", peak);
}

std::string CalibrationListing(const trace::Network& net) {
  std::string out;
  for (const trace::Layer& l : net.layers) {
    const trace::Tensor& t = net.tensors[static_cast<size_t>(l.output)];
    out += fmt::format("{}: {}  {} {} amax {}\n", l.name, trace::OpName(l.op), t.name,
                       trace::ShapeText(t.shape), t.amax);
  }
  return out;
}

}  // namespace nibble::compiler
