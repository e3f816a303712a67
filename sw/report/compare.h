// What changed from one run to another: parameters, totals, and layers with the component and the
// cause that changed most.
#pragma once

#include <string>
#include <vector>

#include "sw/report/run_file.h"

namespace nibble::report {

struct Change {
  std::string name;
  double a = 0, b = 0;
  double delta() const { return b - a; }
};

// One layer, matched by name. `parts` sum to the layer's own change, largest first; none is zero.
struct LayerChange {
  Change whole;
  std::vector<Change> parts;
};

struct Comparison {
  struct Parameter {
    std::string name, a, b;  // empty: the platform has no such parameter
  };
  std::vector<Parameter> parameters;        // that differ, in the order of the runs
  std::vector<std::string> only_a, only_b;  // layers without a partner
  // Largest change first; what did not change is left out.
  std::vector<Change> energy;  // pJ, by component
  // Cycles, by cause: "busy", "stall.load", ..., and "overlap", what a layer's busy and stall
  // cycles lack of (or have beyond) the time from the layer before to its own end.
  std::vector<Change> cycles;
  std::vector<LayerChange> layer_energy, layer_cycles;
};

Comparison Compare(const RunFile& a, const RunFile& b);

// `most` rows of each table; 0: all.
std::string ToText(const Comparison& comparison, const RunFile& a, const RunFile& b, size_t most);

}  // namespace nibble::report
