#include "models/nearmem/bank_engine.h"

#include <algorithm>

namespace nibble::nearmem {

BankEngine::BankEngine(const sc_core::sc_module_name& name, const Context& context,
                       const NearmemConfig& config, const numerics::AccumulatorSpec& accumulator,
                       memory::DramTarget& memory, accel::Scratchpads& scratchpads,
                       bool timing_only)
    : EngineModule(name, sim::Engine::kBank, context),
      config_(config),
      memory_(memory),
      scratchpads_(scratchpads),
      timing_only_(timing_only),
      accumulator_(accumulator),
      convolvers_(accumulator),
      compute_rows_(context.layers),
      rows_(context.layers) {}

void BankEngine::RegisterCounters(sim::CounterRegistry& registry,
                                  const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  accel::RegisterCompute(registry, "bank", accumulator_, compute_rows_);
  using C = Counters;
  registry.Register<C>(
      "bank", rows_,
      {{"slots", "1", "all-bank column commands with products, per channel", &C::slots},
       {"buffer_reads", "1", "reads of a broadcast buffer, one column's width", &C::buffer_reads,
        true},
       {"buffer_writes", "1", "writes of a broadcast buffer, one burst", &C::buffer_writes, true},
       {"io_reads", "1", "bursts of sums over the data bus to the host", &C::io_reads, true},
       {"io_writes", "1", "bursts of activations over the data bus to the buffers", &C::io_writes,
        true},
       {"wait_memory_cycles", "cycles", "busy cycles before the banks were free, or for refresh",
        &C::wait_memory_cycles}});
}

void BankEngine::LoadWeights(const sim::Convolve& run) {
  if (held_.valid && held_.bank_row == run.bank_row && held_.channel == run.channel &&
      held_.channels == run.channels) {
    return;
  }
  const memory::Dram& dram = memory_.dram();
  const BankLayout layout(accel::WeightLayoutOf(convolvers_.current().geometry()), dram.device(),
                          dram.channels());
  const uint32_t burst = dram.device().burst_bytes;
  const accel::WeightLayout& weights = layout.weights();
  convolvers_.current().ResetWeights(run.channels);
  std::vector<uint8_t> codes(size_t{layout.columns_per_run()} * burst);
  std::vector<uint8_t> scales(std::max<uint32_t>(1, weights.scale_bytes()));
  for (uint32_t n = 0; n < run.channels; ++n) {
    for (uint32_t s = 0; s < weights.segments; ++s) {
      for (uint32_t c = 0; c < layout.columns_per_run(); ++c) {
        const uint32_t index = s * layout.columns_per_run() + c;
        memory::DramLocation at = layout.DataColumn(run.channel + n, index);
        at.row += run.bank_row;
        memory_.storage().Read(dram.mapping().Address(at), &codes[size_t{c} * burst], burst);
        const BankLayout::ScaleRange range = layout.ScalesOfColumn(c);
        if (range.bytes == 0) continue;
        uint32_t byte = 0;
        at = layout.ScaleColumn(run.channel + n, index, &byte);
        at.row += run.bank_row;
        memory_.storage().Read(dram.mapping().Address(at) + byte, &scales[range.first],
                               range.bytes);
      }
      convolvers_.current().SetWeights(n, s, codes.data(), scales.data());
    }
  }
  held_ = {true, run.bank_row, run.channel, run.channels};
}

void BankEngine::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kBankConfig) {
    convolvers_.Configure(command.geometry);
    held_.valid = false;
    Spend(1);
    return;
  }
  const sim::Convolve& run = command.convolve;
  const sim::Geometry& g = convolvers_.current().geometry();
  const size_t layer = command.layer;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  memory::Dram& dram = memory_.dram();
  const memory::DramDevice& device = dram.device();

  compute_rows_[layer].Add(accel::OperationsOf(g, pixels, run.channels, accumulator_));
  const BankCost cost = BankCostOf(config_, device, dram.channels(), g, pixels, run.channels);
  rows_[layer].slots += cost.slots;
  rows_[layer].buffer_reads += cost.buffer_reads;
  rows_[layer].buffer_writes += cost.buffer_writes;
  rows_[layer].io_reads += cost.readback_bursts;
  rows_[layer].io_writes += cost.broadcast_bursts;
  memory::DramCounters& dram_row = dram.rows()[layer];
  dram_row.activates += cost.activates;
  dram_row.precharges += cost.activates;
  dram_row.near_reads += cost.near_reads;
  dram_row.read_bytes += cost.readback_bursts * device.burst_bytes;
  dram_row.write_bytes += cost.broadcast_bursts * device.burst_bytes;
  const numerics::ActivationLayout input = accel::InputLayoutOf(g);
  const uint64_t scale_bytes = cost.act_read_bytes * input.scale_bytes_per_pixel() /
                               (input.code_bytes_per_pixel() + input.scale_bytes_per_pixel());
  scratchpads_.act.Read(layer, cost.act_read_bytes, scale_bytes);
  scratchpads_.acc.Write(layer, cost.acc_write_bytes);

  const uint64_t start = memory_.NowClock();
  const uint64_t end = dram.OccupyAllBanks(cost.clocks, start, layer);
  rows_[layer].wait_memory_cycles +=
      clock().CyclesUp(memory_.Picoseconds(end - start - cost.clocks));
  if (!timing_only_) {
    const uint64_t overflows = convolvers_.current().overflows();
    LoadWeights(run);
    convolvers_.current().Run(run, scratchpads_.at(sim::Buffer::kAct, run.act),
                              scratchpads_.at(sim::Buffer::kAct, run.act_scales),
                              scratchpads_.at(sim::Buffer::kAcc, run.acc));
    compute_rows_[layer].overflows += convolvers_.current().overflows() - overflows;
  }
  const auto acc_bytes = static_cast<uint32_t>(accel::AccumulatorBytes(pixels, run.channels));
  scratchpads_.acc.Wrote(layer, static_cast<uint64_t>(engine()), memory::SramContent::kData,
                         run.acc * sim::kSramUnit, 1, acc_bytes, acc_bytes);
  SpendUntil(clock().CyclesUp(memory_.Picoseconds(end)));
}

}  // namespace nibble::nearmem
