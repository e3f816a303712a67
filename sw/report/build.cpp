#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "models/numerics/profiles.h"
#include "platforms/sram_model.h"
#include "sw/golden/datapaths.h"
#include "sw/golden/weights.h"
#include "sw/report/report.h"

namespace nibble::report {

namespace {

constexpr char kStallPrefix[] = "stall_";
constexpr char kStallSuffix[] = "_cycles";

// The cause in "stall_CAUSE_cycles", or empty.
std::string StallCause(const std::string& counter) {
  const size_t prefix = sizeof kStallPrefix - 1, suffix = sizeof kStallSuffix - 1;
  if (counter.size() <= prefix + suffix || counter.compare(0, prefix, kStallPrefix) != 0 ||
      counter.compare(counter.size() - suffix, suffix, kStallSuffix) != 0) {
    return "";
  }
  return counter.substr(prefix, counter.size() - prefix - suffix);
}

Stalls StallsOf(const std::string& engine, const sim::RunStats& stats,
                const std::vector<uint64_t>& row) {
  Stalls stalls;
  for (size_t i = 0; i < stats.counters.size(); ++i) {
    const std::string cause = StallCause(stats.counters[i].name);
    if (stats.counters[i].component == engine && !cause.empty()) stalls[cause] = row[i];
  }
  return stalls;
}

// Engines count the cycles that SRAM bandwidth costs among the busy ones; here they are a stall
// like the others, so that the parts of an engine's time add up.
uint64_t WithoutSramStalls(uint64_t busy_cycles, const Stalls& stalls) {
  const auto sram = stalls.find("sram");
  return sram == stalls.end() ? busy_cycles : busy_cycles - sram->second;
}

uint64_t SumOf(const Stalls& stalls) {
  return std::accumulate(stalls.begin(), stalls.end(), uint64_t{0},
                         [](uint64_t sum, const auto& stall) { return sum + stall.second; });
}

const char* EngineOf(const sim::LayerEntry& layer) {
  if (layer.macs == 0) return "vector";
  return layer.near_memory ? "bank" : "tensor";
}

const char* RoundingName(const numerics::Rounding& rounding) {
  static const char* const kNames[] = {"nearest", "zero", "stochastic"};  // by RoundingMode
  return kNames[static_cast<int>(rounding.mode)];
}

std::string DatapathLine(const platforms::DesignPoint& design) {
  const numerics::Datapath& d = design.datapath;
  std::string line = fmt::format("activations {}, weights {}", numerics::FormatName(d.activations),
                                 numerics::FormatName(d.weights));
  line += d.activation_block == d.weight_block
              ? fmt::format(", block {}", d.activation_block)
              : fmt::format(", blocks {} and {}", d.activation_block, d.weight_block);
  if (numerics::HasTensorScale(d.activations)) {
    static const char* const kSources[] = {"static", "dynamic", "no"};  // by ScaleSource
    line += fmt::format(", {} tensor scale", kSources[static_cast<int>(d.tensor_scale)]);
  } else {
    line += ", no tensor scale";
  }
  if (d.weight_profile != numerics::Profile::kNv) {
    line += fmt::format(", weights by {}", numerics::ProfileName(d.weight_profile));
  }
  if (d.weight_scale == numerics::WeightScale::kChannel) line += ", weight scales per channel";
  if (d.depthwise_blocks == numerics::DepthwiseBlocks::kStrips) line += ", depthwise by strips";
  using numerics::RoundingMode;
  if (d.activation_rounding.mode != RoundingMode::kNearestEven ||
      d.weight_rounding.mode != RoundingMode::kNearestEven) {
    line += fmt::format(", rounding {} and {}", RoundingName(d.activation_rounding),
                        RoundingName(d.weight_rounding));
  }
  line += fmt::format(", {} accumulator", numerics::AccumulatorName(d.accumulator.kind));
  line += fmt::format(", {} multipliers", numerics::MultiplierName(design.compute.multiplier));
  if (design.compute.gating != accel::Gating::kNone) {
    line += fmt::format(", {} gating", accel::GatingName(design.compute.gating));
  }
  for (const numerics::LayerOverride& o : design.layer_overrides) {
    line += fmt::format(", layers {}:", o.pattern);
    if (o.activations) line += fmt::format(" activations {}", numerics::FormatName(*o.activations));
    if (o.weights) line += fmt::format(" weights {}", numerics::FormatName(*o.weights));
    if (o.activation_block) line += fmt::format(" activation block {}", *o.activation_block);
    if (o.weight_block) line += fmt::format(" weight block {}", *o.weight_block);
    if (o.weight_scale) {
      line += *o.weight_scale == numerics::WeightScale::kChannel ? " weight scales per channel"
                                                                 : " weight scale per tensor";
    }
    if (o.depthwise_blocks) {
      line +=
          *o.depthwise_blocks == numerics::DepthwiseBlocks::kStrips ? " by strips" : " by channels";
    }
  }
  return line;
}

LayerRow BuildRow(const sim::LayerEntry& layer, size_t index, const sim::RunStats& stats,
                  const std::vector<std::string>& buffers, const platforms::DesignPoint& design) {
  LayerRow row;
  row.name = layer.name;
  row.op = layer.op;
  row.source = layer.source;
  row.shape = layer.shape;
  row.engine = EngineOf(layer);
  row.macs = layer.macs;
  row.cycles = stats.layer_cycles[index];
  row.counters = stats.values[index];
  row.stalls = StallsOf(row.engine, stats, row.counters);
  row.busy_cycles = WithoutSramStalls(stats.Value(index, row.engine + ".busy_cycles"), row.stalls);
  const uint64_t cycles = std::max(row.cycles, row.busy_cycles);
  if (cycles != 0) {
    row.utilisation = static_cast<double>(row.macs) /
                      (static_cast<double>(cycles) * PeakMacsPerCycle(design, row.engine));
  }
  row.dram_read_bytes = stats.Value(index, "dram.read_bytes");
  row.dram_write_bytes = stats.Value(index, "dram.write_bytes");
  row.compulsory_bytes = layer.compulsory_bytes;
  for (const std::string& buffer : buffers) {
    row.sram_read_bytes.push_back(stats.Value(index, "sram." + buffer + ".read_bytes"));
    row.sram_write_bytes.push_back(stats.Value(index, "sram." + buffer + ".write_bytes"));
  }
  return row;
}

// Every component that counts busy cycles is an engine.
std::vector<EngineTime> BuildEngines(const sim::RunStats& stats) {
  std::vector<uint64_t> sums(stats.counters.size(), 0);
  for (const auto& row : stats.values) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i];
  }
  std::vector<EngineTime> engines;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (stats.counters[i].name != "busy_cycles") continue;
    EngineTime e;
    e.engine = stats.counters[i].component;
    e.stalls = StallsOf(e.engine, stats, sums);
    e.busy_cycles = WithoutSramStalls(sums[i], e.stalls);
    const uint64_t used = e.busy_cycles + SumOf(e.stalls);
    e.idle_cycles = stats.cycles > used ? stats.cycles - used : 0;
    engines.push_back(std::move(e));
  }
  return engines;
}

double BitsPerActivation(const sim::Program& program, const numerics::Datapath& datapath) {
  double bits = 0, elements = 0;
  for (const sim::TensorPlacement& tensor : program.tensors) {
    if (tensor.layout.format == numerics::Format::kFp32) continue;
    const double count = static_cast<double>(tensor.elements);
    bits += tensor.layout.bits_per_element() * count;
    if (numerics::HasTensorScale(tensor.layout.format) &&
        datapath.tensor_scale == numerics::ScaleSource::kNone) {
      bits -= 32;  // the layout counts a tensor scale
    }
    elements += count;
  }
  return elements == 0 ? 0 : bits / elements;
}

Totals BuildTotals(const Report& report, const platforms::DesignPoint& design,
                   const sim::Program& program, const sim::RunStats& stats) {
  Totals t;
  t.cycles = stats.cycles;
  const auto both = [&stats](const std::string& counter) {
    uint64_t sum = 0;
    for (const char* engine : {"tensor.", "bank."}) {
      if (stats.Has(engine + counter)) sum += stats.Total(engine + counter);
    }
    return sum;
  };
  if (!report.zeros.empty()) {
    t.zero_products = both("zero_products");
    t.zero_blocks = both("zero_blocks");
    t.block_terms = both("block_terms");
  }
  t.overflows = both("overflows");
  double peak_macs = 0;
  for (const LayerRow& row : report.layers) {
    t.macs += row.macs;
    t.energy_pj += row.total_energy_pj();
    t.dram_read_bytes += row.dram_read_bytes;
    t.dram_write_bytes += row.dram_write_bytes;
    t.compulsory_bytes += row.compulsory_bytes;
    const std::string engine = row.engine == "bank" ? "bank" : "tensor";
    peak_macs += static_cast<double>(row.cycles) * PeakMacsPerCycle(design, engine);
  }
  const double operations = 2.0 * static_cast<double>(t.macs);
  t.latency_ns = static_cast<double>(t.cycles) * 1000.0 / design.clock_mhz;
  if (t.latency_ns > 0) {
    t.inferences_per_s = 1e9 / t.latency_ns;
    t.tops = operations / t.latency_ns / 1000.0;  // operations per ns are 10^9 / s
  }
  if (t.energy_pj > 0) t.tops_per_w = operations / t.energy_pj;  // 1 op per pJ is 10^12 op per J
  if (peak_macs > 0) t.utilisation = static_cast<double>(t.macs) / peak_macs;
  t.bits_per_activation = BitsPerActivation(program, design.datapath);
  if (program.weight_elements != 0) {
    t.bits_per_weight =
        static_cast<double>(program.weight_bits) / static_cast<double>(program.weight_elements);
  }
  t.dram_used_bytes = program.dram_bytes_used;
  t.sram_used_bytes.assign(program.sram_bytes_used, program.sram_bytes_used + sim::kBuffers);
  t.sram_size_bytes = {design.sram_act.size, design.sram_weight.size, design.sram_acc.size,
                       design.sram_out.size};
  for (const SramRow& sram : report.srams) t.sram_area_mm2 += sram.area_mm2;
  const auto sum = [&](const char* name) {
    uint64_t total = 0;
    for (const SramRow& sram : report.srams) {
      const std::string key = "sram." + sram.buffer + "." + name;
      if (stats.Has(key)) total += stats.Total(key);
    }
    return total;
  };
  t.fault_bits = sum("fault_bits");
  t.corrected_words = sum("corrected_words");
  t.detected_words = sum("detected_words");
  t.silent_words = sum("silent_words");
  return t;
}

std::vector<SramRow> BuildSrams(const platforms::DesignPoint& design,
                                const platforms::EnergyModel& energy) {
  std::vector<SramRow> rows;
  for (const auto& [name, sram] : platforms::SramsOf(design)) {
    const platforms::SramFigures& figures = energy.srams()[rows.size()];
    rows.push_back({name, sram->vdd, sram->error_rate, sram->latency, figures.area_mm2,
                    figures.leakage_mw, figures.area_source, figures.error_source});
  }
  return rows;
}

std::optional<ImportedWeights> ImportedWeightsOf(const trace::Network& net,
                                                 const platforms::DesignPoint& design) {
  const golden::Datapaths datapaths(net, design.datapath, design.layer_overrides);
  ImportedWeights imported;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& layer = net.layers[i];
    imported.layers += layer.quantized ? 1 : 0;
    imported.as_they_are += golden::TakesImportedCodes(layer, datapaths.layers[i]) ? 1 : 0;
  }
  return imported.layers == 0 ? std::nullopt : std::optional(imported);
}

Peaks BuildPeaks(const platforms::DesignPoint& d) {
  Peaks peaks;
  peaks.tensor_macs = PeakMacsPerCycle(d, "tensor");
  peaks.dram_burst_bytes = d.dram.burst_bytes;
  const double cycle_ps = 1e6 / d.clock_mhz;
  const double burst = d.dram_channels * static_cast<double>(d.dram.burst_bytes) * cycle_ps;
  // Back to back, bursts follow each other every tCCD_S, and not sooner than the data bus is free.
  peaks.dram_bytes =
      burst / static_cast<double>(std::max(d.dram.ccd_s, d.dram.burst) * d.dram.tck_ps);
  if (d.platform == platforms::Platform::kNearmem) {
    peaks.bank_macs = PeakMacsPerCycle(d, "bank");
    peaks.near_bytes = burst * d.dram.banks() / d.nearmem.unit_banks /
                       static_cast<double>(d.dram.ccd_l * d.dram.tck_ps);
  }
  return peaks;
}

std::vector<EngineSize> BuildSizes(const platforms::DesignPoint& d) {
  const accel::UnitShape tensor{uint64_t{d.tensor.rows} * d.tensor.cols, d.tensor.lanes, 1};
  std::vector<EngineSize> sizes = {
      {"tensor", accel::SizeOf(tensor, d.datapath, d.compute.multiplier)}};
  if (d.platform == platforms::Platform::kNearmem) {
    const accel::UnitShape bank{uint64_t{d.dram_channels} * d.dram.banks(), d.nearmem.lanes,
                                d.nearmem.accumulators};
    sizes.push_back({"bank", accel::SizeOf(bank, d.datapath, d.compute.multiplier)});
  }
  return sizes;
}

}  // namespace

uint64_t LayerRow::stall_cycles() const { return SumOf(stalls); }

double LayerRow::total_energy_pj() const {
  return std::accumulate(energy_pj.begin(), energy_pj.end(), 0.0);
}

double PeakMacsPerCycle(const platforms::DesignPoint& design, const std::string& engine) {
  if (engine == "bank") {
    // Every unit multiplies once per column cadence tCCD_L, given in DRAM clocks.
    const double per_column = static_cast<double>(design.dram_channels) * design.dram.banks() /
                              design.nearmem.unit_banks * design.nearmem.lanes;
    const double column_ps = static_cast<double>(design.dram.ccd_l * design.dram.tck_ps);
    const double cycle_ps = 1e6 / design.clock_mhz;
    return per_column * cycle_ps / column_ps;
  }
  return static_cast<double>(design.tensor.rows) * design.tensor.cols * design.tensor.lanes;
}

Report BuildReport(const RunIdentity& identity, const trace::Network& net,
                   const platforms::DesignPoint& design, const sim::Program& program,
                   const sim::RunStats& stats, const platforms::EnergyModel& energy) {
  Report report;
  report.version = identity.version;
  report.trace_file = identity.trace_file;
  report.trace_name = net.name;
  report.trace_hash = identity.trace_hash;
  report.producer = net.producer;
  report.calibration = net.calibration;
  report.platform = platforms::PlatformName(design.platform);
  report.design_line = design.OneLine();
  report.datapath = DatapathLine(design);
  report.timing_only = identity.timing_only;
  if (design.compute.counts_data()) report.zeros = identity.timing_only ? "expected" : "counted";
  report.clock_mhz = design.clock_mhz;
  report.imported_weights = ImportedWeightsOf(net, design);
  report.parameters = design.parameters;
  report.counters = stats.counters;
  for (int b = 0; b < sim::kBuffers; ++b) {
    report.sram_buffers.emplace_back(sim::BufferName(static_cast<sim::Buffer>(b)));
  }
  report.energy_components = energy.components();
  report.energy_terms = energy.terms();
  const auto picojoules = energy.PerLayer(stats);
  for (size_t i = 0; i < program.layers.size(); ++i) {
    LayerRow row = BuildRow(program.layers[i], i, stats, report.sram_buffers, design);
    row.energy_pj = picojoules[i];
    report.layers.push_back(std::move(row));
  }
  report.engines = BuildEngines(stats);
  report.datapath_sizes = BuildSizes(design);
  report.srams = BuildSrams(design, energy);
  report.peaks = BuildPeaks(design);
  report.area = platforms::EstimateArea(design, report.datapath_sizes.front().size, energy.srams());
  report.totals = BuildTotals(report, design, program, stats);
  return report;
}

}  // namespace nibble::report
