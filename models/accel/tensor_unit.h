// The tensor unit: rows x cols dot-product units of `lanes` multipliers, activations and weights
// from SRAM, sums to the accumulator SRAM.
#pragma once

#include "models/accel/compute.h"
#include "models/accel/config.h"
#include "models/accel/scratchpads.h"
#include "models/accel/sram_run.h"
#include "models/accel/tensor_cost.h"
#include "models/sim_core/engine.h"

namespace nibble::accel {

class TensorUnit : public sim::EngineModule {
 public:
  TensorUnit(const sc_core::sc_module_name& name, const Context& context,
             const TensorConfig& config, const ComputeSetup& compute, Scratchpads& scratchpads);

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;
  // As ComputeUnit's.
  void ExpectZerosOf(const sim::Program& program) { compute_.ExpectZerosOf(program); }
  void BreakDatapath() { compute_.BreakNext(); }  // test hook

 private:
  void BeginJob() override { configured_ = false; }
  sim::Fault Check(const sim::Command& command) const override;
  void Execute(const sim::Command& command) override;
  memory::BankConflict ActConflict(const sim::Geometry& geometry) const;
  // Cycles of the word; `sram` gets what it needs of the scratchpads.
  uint64_t Account(const sim::Command& command, SramRun& sram);

  TensorConfig config_;
  Scratchpads& scratchpads_;
  ComputeUnit compute_;
  bool configured_ = false;            // by this job
  memory::BankConflict act_conflict_;  // of the pixels that the array's columns read together
};

}  // namespace nibble::accel
