#include "models/accel/tensor_unit.h"

#include <algorithm>

namespace nibble::accel {

TensorUnit::TensorUnit(const sc_core::sc_module_name& name, const Context& context,
                       const TensorConfig& config, const ComputeSetup& compute,
                       Scratchpads& scratchpads)
    : EngineModule(name, sim::Engine::kTensor, context),
      config_(config),
      scratchpads_(scratchpads),
      compute_(compute, {config.rows, config.cols, config.lanes, config.dataflow, 1},
               context.layers) {}

void TensorUnit::RegisterCounters(sim::CounterRegistry& registry,
                                  const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  compute_.Register(registry, "tensor");
}

uint64_t TensorUnit::Account(const sim::Command& command) {
  const sim::Geometry& g = compute_.geometry();
  const sim::Convolve& run = command.convolve;
  const size_t layer = command.layer;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  const TensorCost cost = TensorCostOf(config_, g, pixels, run.channels);
  const uint64_t acc_cycles = scratchpads_.acc.Read(layer, cost.acc_read_bytes) +
                              scratchpads_.acc.Write(layer, cost.acc_write_bytes);
  const uint64_t cycles =
      std::max({cost.cycles, scratchpads_.act.Read(layer, cost.act_read_bytes),
                scratchpads_.weight.Read(layer, cost.weight_read_bytes), acc_cycles});
  compute_.rows()[layer].stall_sram_cycles += cycles - cost.cycles;
  return cycles;
}

void TensorUnit::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kTensorConfig) {
    compute_.Configure(command.geometry);
    Spend(1);
    return;
  }
  const sim::Convolve& run = command.convolve;
  if (!compute_.timing_only()) {
    compute_.LoadWeights(scratchpads_.at(sim::Buffer::kWeight, run.weight),
                         scratchpads_.at(sim::Buffer::kWeight, run.weight_scales), run.channels);
  }
  compute_.Run(command, scratchpads_);
  Spend(Account(command));
}

}  // namespace nibble::accel
