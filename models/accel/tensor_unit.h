// The tensor unit: rows x cols dot-product units of `lanes` multipliers, activations and weights
// from SRAM, sums to the accumulator SRAM.
#pragma once

#include "models/accel/compute.h"
#include "models/accel/config.h"
#include "models/accel/scratchpads.h"
#include "models/accel/tensor_cost.h"
#include "models/sim_core/engine.h"

namespace nibble::accel {

class TensorUnit : public sim::EngineModule {
 public:
  TensorUnit(const sc_core::sc_module_name& name, const Context& context,
             const TensorConfig& config, const ComputeSetup& compute, Scratchpads& scratchpads);

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;
  void BreakDatapath() { compute_.BreakNext(); }  // test hook

 private:
  void Execute(const sim::Command& command) override;
  uint64_t Account(const sim::Command& command);

  TensorConfig config_;
  Scratchpads& scratchpads_;
  ComputeUnit compute_;
};

}  // namespace nibble::accel
