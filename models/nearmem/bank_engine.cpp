#include "models/nearmem/bank_engine.h"

#include <algorithm>
#include <stdexcept>

#include "models/accel/command_checks.h"

namespace nibble::nearmem {

namespace {

// The units of all banks are the rows of an array: each multiplies weights of its own with
// activations that the buffer of its channel broadcasts. More multipliers than a column has 4-bit
// codes take other pixels; a column of weights stays for the pixels that it serves.
accel::OperandArray ArrayOf(const NearmemConfig& config, const memory::Dram& dram) {
  const uint32_t codes = 2 * dram.device().burst_bytes;
  accel::OperandArray array;
  array.rows = dram.channels() * dram.device().banks() / config.unit_banks;
  array.cols = std::max<uint32_t>(1, config.lanes / codes);
  array.lanes = std::min(config.lanes, codes);
  array.activation_sets = dram.channels();
  if (config.pixels > 1) array.dataflow = accel::Dataflow::kWeightStationary;
  return array;
}

}  // namespace

BankEngine::BankEngine(const sc_core::sc_module_name& name, const Context& context,
                       const NearmemConfig& config, const accel::ComputeSetup& compute,
                       memory::DramTarget& memory, accel::Scratchpads& scratchpads)
    : EngineModule(name, sim::Engine::kBank, context),
      config_(config),
      memory_(memory),
      scratchpads_(scratchpads),
      compute_(compute, ArrayOf(config, memory.dram()), context.layers),
      rows_(context.layers) {}

void BankEngine::RegisterCounters(sim::CounterRegistry& registry,
                                  const std::vector<sim::Engine>& peers) const {
  EngineModule::RegisterCounters(registry, peers);
  compute_.Register(registry, "bank");
  using C = Counters;
  registry.Register<C>(
      "bank", rows_,
      {{"slots", "1", "column commands with products, per channel", &C::slots},
       {"buffer_read_bytes", "bytes", "from the broadcast buffers to the units",
        &C::buffer_read_bytes, true},
       {"buffer_writes", "1", "writes of a broadcast buffer, one burst", &C::buffer_writes, true},
       {"io_reads", "1", "bursts of sums over the data bus to the host", &C::io_reads, true},
       {"io_writes", "1", "bursts of activations over the data bus to the buffers", &C::io_writes,
        true},
       {"batches", "1", "fillings of the broadcast buffers, or pixels that come in parts",
        &C::batches},
       {"mode_switches", "1", "from host mode to all-bank mode, each with one back",
        &C::mode_switches},
       {"wait_memory_cycles", "cycles", "busy cycles before the banks were free, or for refresh",
        &C::wait_memory_cycles}});
}

BankLayout BankEngine::Layout() const {
  const memory::Dram& dram = memory_.dram();
  return {compute_.geometry(), config_, dram.device(), dram.channels()};
}

void BankEngine::LoadWeights(const sim::Convolve& run) {
  if (held_.valid && held_.bank_row == run.bank_row && held_.channel == run.channel &&
      held_.channels == run.channels) {
    return;
  }
  const memory::Dram& dram = memory_.dram();
  const BankLayout layout = Layout();
  const uint32_t burst = dram.device().burst_bytes;
  const accel::WeightLayout& weights = layout.weights();
  compute_.ResetWeights(run.channels);
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
      compute_.SetWeights(n, s, codes.data(), scales.data());
    }
  }
  held_ = {true, run.bank_row, run.channel, run.channels};
}

// Occupies the channels for one batch, and lets it pass.
void BankEngine::RunBatch(const BankCost& batch, size_t layer) {
  memory::Dram& dram = memory_.dram();
  Counters& row = rows_[layer];
  uint64_t clocks = batch.clocks;
  const uint64_t switching = ModeSwitchClocks(config_, dram.device());
  if (switching > 0 && host_transactions_ != memory_.transactions()) {
    host_transactions_ = memory_.transactions();
    clocks += switching;
    ++row.mode_switches;
  }
  ++row.batches;
  row.slots += batch.slots;
  row.buffer_read_bytes += batch.buffer_read_bytes;
  row.buffer_writes += batch.buffer_writes;
  row.io_reads += batch.readback_bursts;
  row.io_writes += batch.broadcast_bursts;
  memory::DramCounters& dram_row = dram.rows()[layer];
  dram_row.activates += batch.activates;
  dram_row.precharges += batch.activates;
  dram_row.near_reads += batch.near_reads;
  dram_row.read_bytes += batch.readback_bursts * dram.device().burst_bytes;
  dram_row.write_bytes += batch.broadcast_bursts * dram.device().burst_bytes;
  const numerics::ActivationLayout input = accel::InputLayoutOf(compute_.geometry());
  const uint64_t scale_bytes = batch.act_read_bytes * input.scale_row_bytes() /
                               (input.code_bytes_per_pixel() + input.scale_row_bytes());
  scratchpads_.act.Read(layer, batch.act_read_bytes, scale_bytes);
  scratchpads_.acc.Write(layer, batch.acc_write_bytes);

  const uint64_t start = memory_.NowClock();
  const uint64_t end = dram.OccupyAllBanks(clocks, start, layer);
  row.wait_memory_cycles += clock().CyclesUp(memory_.Picoseconds(end - start - clocks));
  SpendUntil(clock().CyclesUp(memory_.TimeOf(end)));
}

void BankEngine::BeginJob() {
  configured_ = false;
  held_.valid = false;  // the host may have written other weights into the rows
}

sim::Fault BankEngine::CheckConfig(const sim::Geometry& g) const {
  if (const sim::Fault fault = accel::CheckGeometry(g)) return fault;
  if (g.groups > 1 || g.depthwise) return {sim::FaultCode::kGeometry};
  try {  // the layout knows what it cannot lay out
    const BankLayout layout(g, config_, memory_.dram().device(), memory_.dram().channels());
  } catch (const std::invalid_argument&) {
    return {sim::FaultCode::kFormat};
  }
  return {};
}

sim::Fault BankEngine::Check(const sim::Command& command) const {
  using sim::FaultCode;
  if (command.opcode == sim::Opcode::kBankConfig) return CheckConfig(command.geometry);
  if (!configured_) return {FaultCode::kNotConfigured};
  const sim::Convolve& run = command.convolve;
  if (const sim::Fault fault = accel::CheckConvolve(compute_.geometry(), run, scratchpads_)) {
    return fault;
  }
  const BankLayout layout = Layout();
  if (run.channel % layout.channel_unit() != 0) return {FaultCode::kOperands};
  const uint64_t rows = run.bank_row + uint64_t{layout.Rows(run.channel + uint32_t{run.channels})};
  if (rows > memory_.dram().device().rows) return {FaultCode::kDramAddress, 0, run.bank_row};
  return {};
}

void BankEngine::Execute(const sim::Command& command) {
  if (command.opcode == sim::Opcode::kBankConfig) {
    compute_.Configure(command.geometry);
    configured_ = true;
    held_.valid = false;
    Spend(1);
    return;
  }
  const sim::Convolve& run = command.convolve;
  const sim::Geometry& g = compute_.geometry();
  const size_t layer = command.layer;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  if (!compute_.timing_only()) LoadWeights(run);
  compute_.Run(command, scratchpads_);

  const BankLayout layout = Layout();
  const memory::Dram& dram = memory_.dram();
  const auto cost = [&](uint64_t size) {
    return BatchCostOf(config_, dram.device(), layout, size, {run.channel, run.channels});
  };
  const uint64_t batch = BatchPixels(config_, layout, pixels);
  const BankCost full = cost(batch);
  for (uint64_t done = 0; done + batch <= pixels; done += batch) RunBatch(full, layer);
  if (pixels % batch != 0) RunBatch(cost(pixels % batch), layer);
  const auto acc_bytes = static_cast<uint32_t>(accel::AccumulatorBytes(pixels, run.channels));
  scratchpads_.acc.Wrote(layer, static_cast<uint64_t>(engine()), memory::SramContent::kData,
                         run.acc * sim::kSramUnit, 1, acc_bytes, acc_bytes);
}

}  // namespace nibble::nearmem
