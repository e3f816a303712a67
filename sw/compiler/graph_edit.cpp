#include "sw/compiler/graph_edit.h"

#include <algorithm>

namespace nibble::compiler {

size_t ProducerOf(const Graph& graph, const std::string& value) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (graph.operators[i].output == value) return i;
  }
  return kNone;
}

int Readers(const Graph& graph, const std::string& value) {
  int readers = value == graph.output ? 1 : 0;
  for (const Operator& op : graph.operators) {
    readers += static_cast<int>(std::count(op.inputs.begin(), op.inputs.end(), value));
  }
  return readers;
}

size_t SoleProducer(const Graph& graph, const std::string& value) {
  return Readers(graph, value) == 1 ? ProducerOf(graph, value) : kNone;
}

void Erase(Graph& graph, size_t i) {
  graph.operators.erase(graph.operators.begin() + static_cast<std::ptrdiff_t>(i));
}

void EraseUnread(Graph& graph) {
  for (size_t i = graph.operators.size(); i-- > 0;) {
    if (Readers(graph, graph.operators[i].output) == 0) Erase(graph, i);
  }
}

}  // namespace nibble::compiler
