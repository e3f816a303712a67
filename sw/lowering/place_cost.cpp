#include "sw/lowering/place_cost.h"

#include "models/accel/tensor_cost.h"
#include "models/accel/weight_layout.h"
#include "models/nearmem/bank_cost.h"
#include "platforms/energy_model.h"

namespace nibble::lowering {

PlaceCost::PlaceCost(const platforms::DesignPoint& design) : d_(design) {
  if (design.nearmem_auto != platforms::NearmemAuto::kEnergy) return;
  const platforms::EnergyModel model(design);
  for (const platforms::EnergyTerm& term : model.terms()) pj_[term.counter] += term.pj_per_count;
}

// What the tensor unit and the loads of its weights take, as one tile that passes once.
void PlaceCost::AddHost(const LayerPlan& layer, Counts& counts) const {
  const sim::Geometry& g = layer.problem.geometry;
  const uint64_t pixels = uint64_t{g.out_height} * g.out_width;
  const accel::TensorCost cost = accel::TensorCostOf(d_.tensor, g, pixels, layer.problem.channels);
  const accel::WeightLayout weights = accel::WeightLayoutOf(g);
  const uint64_t weight_bytes = layer.problem.channels * (weights.code_bytes_per_channel() +
                                                          weights.scale_bytes_per_channel());
  counts["sram.act.reads"] += static_cast<double>(cost.act_read_bytes) / d_.sram_act.width;
  counts["sram.weight.reads"] += static_cast<double>(cost.weight_read_bytes) / d_.sram_weight.width;
  counts["sram.weight.writes"] += static_cast<double>(weight_bytes) / d_.sram_weight.width;
  counts["sram.acc.reads"] += static_cast<double>(cost.acc_read_bytes) / d_.sram_acc.width;
  counts["sram.acc.writes"] += static_cast<double>(cost.acc_write_bytes) / d_.sram_acc.width;
}

void PlaceCost::AddNear(const LayerPlan& layer, Counts& counts) const {
  const sim::Geometry& g = layer.problem.geometry;
  const uint64_t pixels = uint64_t{g.out_height} * g.out_width;
  const nearmem::BankCost cost = nearmem::BankCostOf(d_.nearmem, d_.dram, d_.dram_channels, g,
                                                     pixels, {0, layer.problem.channels});
  counts["dram.near_reads"] += static_cast<double>(cost.near_reads);
  counts["dram.activates"] += static_cast<double>(cost.activates);
  counts["bank.buffer_read_bytes"] += static_cast<double>(cost.buffer_read_bytes);
  counts["bank.buffer_writes"] += static_cast<double>(cost.buffer_writes);
  counts["bank.io_reads"] += static_cast<double>(cost.readback_bursts);
  counts["bank.io_writes"] += static_cast<double>(cost.broadcast_bursts);
  counts["sram.act.reads"] += static_cast<double>(cost.act_read_bytes) / d_.sram_act.width;
  counts["sram.acc.writes"] += static_cast<double>(cost.acc_write_bytes) / d_.sram_acc.width;
}

double PlaceCost::Of(const LayerPlan& layer) const {
  const auto cycles = static_cast<double>(layer.tiling.cycles);
  if (pj_.empty()) return cycles;
  Counts counts;
  if (layer.problem.near_memory) {
    AddNear(layer, counts);
  } else {
    AddHost(layer, counts);
  }
  // Rows of more than a page each are opened for the host's streams.
  const auto bytes = static_cast<double>(layer.tiling.dram_bytes);
  counts["dram.reads"] += bytes / d_.dram.burst_bytes;
  counts["dram.activates"] += bytes / d_.dram.row_bytes;
  counts["machine.cycles"] += cycles;
  counts["dram.active_standby_ps"] += cycles * 1e6 / d_.clock_mhz * d_.dram_channels;
  double pj = 0;
  for (const auto& [counter, count] : counts) {
    const auto price = pj_.find(counter);
    if (price != pj_.end()) pj += count * price->second;
  }
  return pj;
}

}  // namespace nibble::lowering
