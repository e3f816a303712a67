// The tensor unit: rows x cols dot-product units of `lanes` multipliers, activations and weights
// from SRAM, sums to the accumulator SRAM.
#pragma once

#include "models/accel/config.h"
#include "models/accel/convolver.h"
#include "models/accel/scratchpads.h"
#include "models/accel/sram_run.h"
#include "models/accel/tensor_cost.h"
#include "models/sim_core/engine.h"

namespace nibble::accel {

// Operations of a compute engine (tensor unit or banks), a row per layer.
struct ComputeCounters {
  uint64_t macs = 0;
  uint64_t product_bits2 = 0, block_terms = 0;
  uint64_t scale_bits2 = 0, scale_apply_bits2 = 0, exponent_bits = 0, tree_bits = 0;
  uint64_t fp32_adds = 0, fp16_adds = 0, bf16_adds = 0, fixed_add_bits = 0;
  uint64_t overflows = 0;
  uint64_t stall_sram_cycles = 0;

  void Add(const ConvolveOperations& operations);
};
// Registers the counters that an engine with this accumulator has.
void RegisterCompute(sim::CounterRegistry& registry, const std::string& component,
                     const numerics::AccumulatorSpec& accumulator,
                     const std::vector<ComputeCounters>& rows);

class TensorUnit : public sim::EngineModule {
 public:
  TensorUnit(const sc_core::sc_module_name& name, const Context& context,
             const TensorConfig& config, const numerics::AccumulatorSpec& accumulator,
             Scratchpads& scratchpads, bool timing_only);

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;
  void BreakDatapath() { convolvers_.BreakNext(); }  // test hook

 private:
  void Execute(const sim::Command& command) override;
  memory::BankConflict ActConflict(const sim::Geometry& geometry) const;
  // Cycles of the word; `sram` gets what it needs of the scratchpads.
  uint64_t Account(const sim::Command& command, SramRun& sram);

  TensorConfig config_;
  Scratchpads& scratchpads_;
  bool timing_only_;
  numerics::AccumulatorSpec accumulator_;
  Convolvers convolvers_;
  memory::BankConflict act_conflict_;  // of the pixels that the array's columns read together
  std::vector<ComputeCounters> rows_;
};

}  // namespace nibble::accel
