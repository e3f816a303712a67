// Pass "liveness": which operators the output depends on, and how long each value is needed.
#pragma once

#include <vector>

#include "sw/compiler/operators.h"

namespace nibble::compiler {

// Drops operators that the output does not depend on.
void DropDead(Graph& graph);

// For each operator, the elements of all values that exist while it runs: those that it reads and
// writes, and those that a later one reads. `graph` is laid out.
std::vector<int64_t> LiveElements(const Graph& graph);

}  // namespace nibble::compiler
