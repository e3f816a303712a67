#include "models/accel/tensor_unit.h"

#include <algorithm>

#include "models/accel/weight_layout.h"
#include "models/numerics/datapath.h"

namespace nibble::accel {

void ComputeCounters::Add(const ConvolveOperations& ops) {
  macs += ops.macs;
  product_bits2 += ops.product_bits2;
  block_terms += ops.block_terms;
  scale_bits2 += ops.scale_bits2;
  scale_apply_bits2 += ops.scale_apply_bits2;
  exponent_bits += ops.exponent_bits;
  tree_bits += ops.tree_bits;
  fp32_adds += ops.fp32_adds;
  fp16_adds += ops.fp16_adds;
  bf16_adds += ops.bf16_adds;
  fixed_add_bits += ops.fixed_add_bits;
}

void RegisterCompute(sim::CounterRegistry& registry, const std::string& component,
                     const numerics::AccumulatorSpec& accumulator,
                     const std::vector<ComputeCounters>& rows) {
  using C = ComputeCounters;
  using numerics::Accumulation;
  registry.Register<C>(
      component, rows,
      {{"macs", "1", "multiply-accumulates, padding taps included", &C::macs},
       {"product_bits2", "bit^2", "multiplier bits of element times element", &C::product_bits2,
        true},
       {"block_terms", "1", "terms scaled and accumulated", &C::block_terms},
       {"scale_bits2", "bit^2", "multiplier bits of block scale times block scale", &C::scale_bits2,
        true},
       {"scale_apply_bits2", "bit^2", "multiplier bits of block sum times scale",
        &C::scale_apply_bits2, true},
       {"exponent_bits", "bit", "adder bits of E8M0 block scales", &C::exponent_bits, true},
       {"tree_bits", "bit", "adder bits of the block sums", &C::tree_bits, true},
       {"stall_sram_cycles", "cycles", "busy cycles beyond the array's own, for SRAM bandwidth",
        &C::stall_sram_cycles}});
  switch (accumulator.kind) {
    case Accumulation::kFp32:
    case Accumulation::kFp32Rz:
    case Accumulation::kLanes:
      registry.Register<C>(component, rows,
                           {{"fp32_adds", "1", "accumulations in FP32", &C::fp32_adds, true}});
      break;
    case Accumulation::kFp16:
      registry.Register<C>(component, rows,
                           {{"fp16_adds", "1", "accumulations in FP16", &C::fp16_adds, true}});
      break;
    case Accumulation::kBf16:
      registry.Register<C>(component, rows,
                           {{"bf16_adds", "1", "accumulations in BF16", &C::bf16_adds, true}});
      break;
    case Accumulation::kExact:
    case Accumulation::kFused:
    case Accumulation::kFixed:
      registry.Register<C>(component, rows,
                           {{"fixed_add_bits", "bit", "integer adder bits of the accumulations",
                             &C::fixed_add_bits, true}});
      break;
  }
  if (accumulator.kind != Accumulation::kFp32) {
    registry.Register<C>(
        component, rows,
        {{"overflows", "1", "accumulations that did not fit; 0 without bits", &C::overflows}});
  }
}

TensorUnit::TensorUnit(const sc_core::sc_module_name& name, const Context& context,
                       const TensorConfig& config, const numerics::AccumulatorSpec& accumulator,
                       Scratchpads& scratchpads, bool timing_only)
    : EngineModule(name, sim::Engine::kTensor, context),
      config_(config),
      scratchpads_(scratchpads),
      timing_only_(timing_only),
      accumulator_(accumulator),
      convolvers_(accumulator),
      rows_(context.layers) {}

void TensorUnit::RegisterCounters(sim::CounterRegistry& registry,
                                  const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  RegisterCompute(registry, "tensor", accumulator_, rows_);
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
  const sim::Geometry& g = convolvers_.current().geometry();
  const sim::Convolve& run = command.convolve;
  const size_t layer = command.layer;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  rows_[layer].Add(OperationsOf(g, pixels, run.channels, accumulator_));

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
  rows_[layer].stall_sram_cycles += cycles - cost.cycles;
  return cycles + std::max(act.config().latency, weight.config().latency) - 1;
}

void TensorUnit::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kTensorConfig) {
    convolvers_.Configure(command.geometry);
    act_conflict_ = ActConflict(command.geometry);
    Spend(1);
    return;
  }
  SramRun sram(memory::SramPort::kTensor, command.layer);
  if (!timing_only_) {
    const sim::Convolve& run = command.convolve;
    const uint64_t overflows = convolvers_.current().overflows();
    convolvers_.current().LoadWeights(scratchpads_.at(sim::Buffer::kWeight, run.weight),
                                      scratchpads_.at(sim::Buffer::kWeight, run.weight_scales),
                                      run.channels);
    convolvers_.current().Run(run, scratchpads_.at(sim::Buffer::kAct, run.act),
                              scratchpads_.at(sim::Buffer::kAct, run.act_scales),
                              scratchpads_.at(sim::Buffer::kAcc, run.acc));
    rows_[command.layer].overflows += convolvers_.current().overflows() - overflows;
  }
  const uint64_t cycles = Account(command, sram);
  sram.Begin(clock().Now(), cycles);
  Spend(cycles);
  while (const uint64_t behind = sram.Behind(clock().Now())) {
    rows_[command.layer].stall_sram_cycles += behind;
    Spend(behind);
  }
}

}  // namespace nibble::accel
