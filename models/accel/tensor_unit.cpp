#include "models/accel/tensor_unit.h"

#include <algorithm>

#include "models/accel/command_checks.h"
#include "models/accel/weight_layout.h"

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

// The columns read a step's channels of neighbouring output pixels: as many as a dot-product unit
// has lanes or, depthwise, as the array has rows.
memory::BankConflict TensorUnit::ActConflict(const sim::Geometry& g) const {
  const uint64_t pixel = InputLayoutOf(g).code_bytes_per_pixel();
  const uint64_t channels = std::max<uint64_t>(1, g.in_channels);
  const uint64_t step = std::min<uint64_t>(g.depthwise ? config_.rows : config_.lanes, channels);
  return memory::ConflictOf(scratchpads_.act.config(), pixel * g.stride_w,
                            (pixel * step + channels - 1) / channels, config_.cols, g.out_width);
}

uint64_t TensorUnit::Account(const sim::Command& command, SramRun& sram) {
  const sim::Geometry& g = compute_.geometry();
  const sim::Convolve& run = command.convolve;
  const size_t layer = command.layer;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  const TensorCost cost = TensorCostOf(config_, g, pixels, run.channels);
  memory::Sram &act = scratchpads_.act, &weight = scratchpads_.weight, &acc = scratchpads_.acc;
  sram.Needs(act, act.Read(layer, cost.act_read_bytes, cost.act_scale_bytes, act_conflict_), 0);
  sram.Needs(weight, weight.Read(layer, cost.weight_read_bytes, cost.weight_scale_bytes), 0);
  const uint64_t acc_reads = acc.Read(layer, cost.acc_read_bytes);
  sram.Needs(acc, acc_reads, acc.Write(layer, cost.acc_write_bytes));
  const auto bytes = static_cast<uint32_t>(AccumulatorBytes(pixels, run.channels));
  acc.Wrote(layer, static_cast<uint64_t>(engine()), memory::SramContent::kData,
            run.acc * sim::kSramUnit, 1, bytes, bytes);
  const uint64_t cycles = std::max(cost.cycles, sram.cycles());
  compute_.rows()[layer].stall_sram_cycles += cycles - cost.cycles;
  return cycles + std::max(act.config().latency, weight.config().latency) - 1;
}

sim::Fault TensorUnit::Check(const sim::Command& command) const {
  if (command.opcode == sim::Opcode::kTensorConfig) return CheckGeometry(command.geometry);
  if (!configured_) return {sim::FaultCode::kNotConfigured};
  const sim::Geometry& g = compute_.geometry();
  if (const sim::Fault fault = CheckConvolve(g, command.convolve, scratchpads_)) return fault;
  return CheckWeights(g, command.convolve, scratchpads_);
}

void TensorUnit::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kTensorConfig) {
    compute_.Configure(command.geometry);
    configured_ = true;
    act_conflict_ = ActConflict(command.geometry);
    Spend(1);
    return;
  }
  const sim::Convolve& run = command.convolve;
  SramRun sram(memory::SramPort::kTensor, command.layer);
  if (!compute_.timing_only()) {
    compute_.LoadWeights(scratchpads_.at(sim::Buffer::kWeight, run.weight),
                         scratchpads_.at(sim::Buffer::kWeight, run.weight_scales), run.channels);
  }
  compute_.Run(command, scratchpads_);
  const uint64_t cycles = Account(command, sram);
  sram.Begin(clock().Now(), cycles);
  Spend(cycles);
  while (const uint64_t behind = sram.Behind(clock().Now())) {
    compute_.rows()[command.layer].stall_sram_cycles += behind;
    Spend(behind);
  }
}

}  // namespace nibble::accel
