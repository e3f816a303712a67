#include "sw/compiler/liveness.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace nibble::compiler {

void DropDead(Graph& graph) {
  std::set<std::string> needed = {graph.output};
  std::vector<Operator> live;
  for (auto op = graph.operators.rbegin(); op != graph.operators.rend(); ++op) {
    if (needed.count(op->output) == 0) continue;
    needed.insert(op->inputs.begin(), op->inputs.end());
    live.push_back(std::move(*op));
  }
  graph.operators.assign(std::make_move_iterator(live.rbegin()),
                         std::make_move_iterator(live.rend()));
}

std::vector<int64_t> LiveElements(const Graph& graph) {
  std::map<std::string, size_t> last;  // reader of each value
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    for (const std::string& input : graph.operators[i].inputs) last[input] = i;
  }
  int64_t live = graph.shapes.at(graph.input).elements();
  std::vector<int64_t> elements;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const Operator& op = graph.operators[i];
    live += graph.shapes.at(op.output).elements();
    elements.push_back(live);
    const std::set<std::string> read(op.inputs.begin(), op.inputs.end());
    for (const std::string& input : read) {
      if (graph.tensors.count(input) != 0) continue;  // constants are like weights
      if (last[input] == i) live -= graph.shapes.at(input).elements();
    }
  }
  return elements;
}

}  // namespace nibble::compiler
