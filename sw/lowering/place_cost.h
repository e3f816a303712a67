// Whether a layer is better computed near the memory or beside it: both estimated with the cost
// functions that tiling uses and the machine spends.
#pragma once

#include <map>
#include <string>

#include "sw/lowering/plan.h"

namespace nibble::lowering {

class PlaceCost {
 public:
  explicit PlaceCost(const platforms::DesignPoint& design);
  // Estimated machine cycles (nearmem.auto = time), or pJ (energy) of what depends on the place:
  // DRAM, scratchpads, broadcast, and leakage and standby power for the layer's time. Products and
  // sums cost the same in both.
  double Of(const LayerPlan& layer) const;

 private:
  using Counts = std::map<std::string, double>;  // by counter
  void AddHost(const LayerPlan& layer, Counts& counts) const;
  void AddNear(const LayerPlan& layer, Counts& counts) const;

  const platforms::DesignPoint& d_;
  std::map<std::string, double> pj_;  // by counter; only for energy
};

}  // namespace nibble::lowering
