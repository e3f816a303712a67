// Energy: counts times a table. Every value carries unit, node and source; a count without one is
// an error.
#pragma once

#include <string>
#include <vector>

#include "models/sim_core/counters.h"
#include "platforms/design_point.h"
#include "platforms/sram_model.h"

namespace nibble::platforms {

// One price: energy of one count of `counter`, booked to `component`.
struct EnergyTerm {
  std::string component;  // as printed: "tensor", "vector", "sram.act", "dram.io", ...
  std::string counter;    // key of a CounterInfo
  double pj_per_count = 0;
  std::string source;  // where the value comes from, derivation included
};

class EnergyModel {
 public:
  // Throws ParameterError when the preset is unknown or lacks a value, or the table lacks a
  // scratchpad of the design.
  explicit EnergyModel(const DesignPoint& design) : EnergyModel(design, SramModel()) {}
  EnergyModel(const DesignPoint& design, const SramModel& srams);
  const std::vector<EnergyTerm>& terms() const { return terms_; }
  // Distinct components in order of first appearance.
  std::vector<std::string> components() const;
  // pJ by [layer][component], in the order of components(). Terms whose counter the machine lacks
  // add nothing. Throws ParameterError naming any counter that costs energy and has no term.
  std::vector<std::vector<double>> PerLayer(const sim::RunStats& stats) const;
  // The scratchpads, in the order of SramsOf(design).
  const std::vector<SramFigures>& srams() const { return srams_; }

 private:
  std::vector<EnergyTerm> terms_;
  std::vector<SramFigures> srams_;
};

}  // namespace nibble::platforms
