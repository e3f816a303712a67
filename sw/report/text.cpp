#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

#include "sw/report/report.h"
#include "sw/report/table.h"

namespace nibble::report {

namespace {

constexpr size_t kWidth = 120;
constexpr double kPjPerUj = 1e6;

uint64_t Sum(const std::vector<uint64_t>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

std::string Heading(const std::string& text, const TextStyle& style) {
  return style.colour ? "\x1b[1m" + text + "\x1b[0m\n" : text + '\n';
}

// "  label     text", broken at spaces where it is longer than a line may be.
std::string HeaderLine(const std::string& label, std::string text) {
  std::string out;
  std::string start = fmt::format("  {:<8}  ", label);
  while (start.size() + text.size() > kWidth) {
    const size_t space = text.rfind(' ', kWidth - start.size());
    if (space == std::string::npos) break;
    out += start + text.substr(0, space) + '\n';
    text.erase(0, space + 1);
    start.assign(start.size(), ' ');
  }
  return out + start + text + '\n';
}

std::string Header(const Report& r, const TextStyle& style) {
  std::string text =
      Heading(fmt::format("Nibble {}: {} on {}", r.version, r.trace_name, r.platform), style);
  text += HeaderLine("design", r.design_line);
  text += HeaderLine("datapath", r.datapath);
  if (r.imported_weights) {
    const auto& [layers, as_they_are] = *r.imported_weights;
    text += HeaderLine("weights", fmt::format("imported codes of {} layers: {} as they are, {} "
                                              "requantised for this datapath",
                                              layers, as_they_are, layers - as_they_are));
  }
  text += HeaderLine("trace", fmt::format("{} (hash {})", r.trace_file, r.trace_hash));
  if (r.zeros == "expected") {
    text += HeaderLine("zeros",
                       "expected from the shares that the trace records under nvfp4 in blocks of "
                       "16, not counted: energy saved on them is an estimate");
  }
  if (r.timing_only) text += HeaderLine("timing", "only: no tensor data moved, no quality");
  return text;
}

// "41 load, vector": share of the layer's cycles, then the causes that make up a fifth of it or
// more.
std::string StallText(const LayerRow& row) {
  const uint64_t stalled = row.stall_cycles();
  const double share =
      row.cycles == 0 ? 0 : 100.0 * static_cast<double>(stalled) / static_cast<double>(row.cycles);
  if (share < 0.5) return "-";
  std::vector<std::pair<std::string, uint64_t>> causes(row.stalls.begin(), row.stalls.end());
  std::stable_sort(causes.begin(), causes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text = fmt::format("{:3.0f} {}", share, causes[0].first);
  if (causes.size() > 1 && causes[1].second * 5 >= stalled) text += "," + causes[1].first;
  return text;
}

std::string CompactCount(uint64_t value) {
  return value == 0 ? "-" : Compact(static_cast<double>(value));
}

Table NarrowTable(const Report& r) {
  Table table;
  table.AddColumn("layer", "", Table::Align::kLeft);
  table.AddColumn("operator", "", Table::Align::kLeft);
  table.AddColumn("shape", "", Table::Align::kLeft);
  table.AddColumn("MACs", "");
  table.AddColumn("cycles", "");
  table.AddColumn("util", "%");
  table.AddColumn("stalled", "  % on", Table::Align::kLeft);
  table.AddColumn("DRAM", "rd B");
  table.AddColumn("DRAM", "wr B");
  table.AddColumn("SRAM", "rd B");
  table.AddColumn("SRAM", "wr B");
  table.AddColumn("energy", "uJ");
  uint64_t sram_read = 0, sram_write = 0;
  for (const LayerRow& row : r.layers) {
    sram_read += Sum(row.sram_read_bytes);
    sram_write += Sum(row.sram_write_bytes);
    table.AddRow({row.name, row.op, row.shape, CompactCount(row.macs), CompactCount(row.cycles),
                  row.macs == 0 ? "-" : fmt::format("{:.1f}", 100 * row.utilisation),
                  StallText(row), CompactCount(row.dram_read_bytes),
                  CompactCount(row.dram_write_bytes), CompactCount(Sum(row.sram_read_bytes)),
                  CompactCount(Sum(row.sram_write_bytes)),
                  Significant(row.total_energy_pj() / kPjPerUj)});
  }
  const Totals& t = r.totals;
  table.AddRule();
  table.AddRow({"total", "", "", CompactCount(t.macs), CompactCount(t.cycles),
                fmt::format("{:.1f}", 100 * t.utilisation), "", CompactCount(t.dram_read_bytes),
                CompactCount(t.dram_write_bytes), CompactCount(sram_read), CompactCount(sram_write),
                Significant(t.energy_pj / kPjPerUj)});
  return table;
}

// Stall causes of any layer, in alphabetical order.
std::vector<std::string> Causes(const Report& r) {
  std::set<std::string> causes;
  for (const LayerRow& row : r.layers) {
    for (const auto& [cause, cycles] : row.stalls) causes.insert(cause);
  }
  return {causes.begin(), causes.end()};
}

Table WideTable(const Report& r) {
  Table table;
  const std::vector<std::string> causes = Causes(r);
  table.AddColumn("layer", "", Table::Align::kLeft);
  table.AddColumn("operator", "", Table::Align::kLeft);
  table.AddColumn("shape", "", Table::Align::kLeft);
  table.AddColumn("engine", "", Table::Align::kLeft);
  for (const char* name : {"MACs", "cycles"}) table.AddColumn(name, "");
  table.AddColumn("util", "%");
  table.AddColumn("busy", "cycles");
  for (const std::string& cause : causes) table.AddColumn("stall " + cause, "cycles");
  table.AddColumn("DRAM", "rd B");
  table.AddColumn("DRAM", "wr B");
  table.AddColumn("DRAM", "least B");
  for (const std::string& buffer : r.sram_buffers) {
    table.AddColumn("SRAM " + buffer, "rd B");
    table.AddColumn("SRAM " + buffer, "wr B");
  }
  for (const std::string& component : r.energy_components) table.AddColumn(component, "uJ");
  table.AddColumn("energy", "uJ");
  table.AddColumn("source node", "", Table::Align::kLeft);
  for (const LayerRow& row : r.layers) {
    std::vector<std::string> cells = {
        row.name,
        row.op,
        row.shape,
        row.engine,
        CompactCount(row.macs),
        CompactCount(row.cycles),
        row.macs == 0 ? "-" : fmt::format("{:.1f}", 100 * row.utilisation),
        CompactCount(row.busy_cycles)};
    for (const std::string& cause : causes) {
      const auto found = row.stalls.find(cause);
      cells.push_back(found == row.stalls.end() ? "-" : CompactCount(found->second));
    }
    cells.push_back(CompactCount(row.dram_read_bytes));
    cells.push_back(CompactCount(row.dram_write_bytes));
    cells.push_back(CompactCount(row.compulsory_bytes));
    for (size_t b = 0; b < r.sram_buffers.size(); ++b) {
      cells.push_back(CompactCount(row.sram_read_bytes[b]));
      cells.push_back(CompactCount(row.sram_write_bytes[b]));
    }
    for (double pj : row.energy_pj) cells.push_back(Significant(pj / kPjPerUj));
    cells.push_back(Significant(row.total_energy_pj() / kPjPerUj));
    cells.push_back(row.source);
    table.AddRow(std::move(cells));
  }
  return table;
}

// "tensor 0.21, vector 0.07, ...; unknown: dma, ..."
std::string AreaLine(const platforms::Area& area) {
  std::vector<std::pair<std::string, double>> groups;  // by the name before the dot
  std::string unknown;
  for (const platforms::AreaBlock& block : area.blocks) {
    if (!block.mm2) {
      unknown += (unknown.empty() ? "" : ", ") + block.name;
      continue;
    }
    const std::string group = block.name.substr(0, block.name.find('.'));
    if (groups.empty() || groups.back().first != group) groups.emplace_back(group, 0);
    groups.back().second += *block.mm2;
  }
  std::string text = fmt::format(
      "  area        {} mm2 ({} to {}) at {} nm, of what is known:", Significant(area.mm2()),
      Significant(area.low_mm2()), Significant(area.high_mm2()), area.node);
  for (size_t i = 0; i < groups.size(); ++i) {
    text +=
        fmt::format("{} {} {}", i == 0 ? "" : ",", groups[i].first, Significant(groups[i].second));
  }
  return text + "\n  unknown     " + unknown + '\n';
}

std::string TotalsText(const Report& r, const TextStyle& style) {
  const Totals& t = r.totals;
  std::string text = '\n' + Heading("Totals", style);
  text += fmt::format("  latency     {} ({} cycles at {} MHz), {} inferences/s\n",
                      WithUnit(t.latency_ns * 1e-9, "s"), Compact(static_cast<double>(t.cycles)),
                      r.clock_mhz, Significant(t.inferences_per_s));
  text += fmt::format(
      "  throughput  {} effective TOPS (2 operations a MAC), {:.1f} % of the engines' peak\n",
      Significant(t.tops), 100 * t.utilisation);
  text += fmt::format("  energy      {} mJ per inference, {} TOPS/W\n",
                      Significant(t.energy_pj * 1e-9), Significant(t.tops_per_w));
  text += fmt::format("  storage     {:.4f} bits per stored activation, {:.4f} bits per weight\n",
                      t.bits_per_activation, t.bits_per_weight);
  text += fmt::format("  DRAM        {} read, {} written ({} unavoidable), {} in use\n",
                      WithUnit(static_cast<double>(t.dram_read_bytes), "B"),
                      WithUnit(static_cast<double>(t.dram_write_bytes), "B"),
                      WithUnit(static_cast<double>(t.compulsory_bytes), "B"),
                      BinarySize(t.dram_used_bytes));
  text += "  SRAM peak  ";
  for (size_t b = 0; b < r.sram_buffers.size(); ++b) {
    text += fmt::format("{} {} {} of {}", b == 0 ? "" : ",", r.sram_buffers[b],
                        BinarySize(t.sram_used_bytes[b]), BinarySize(t.sram_size_bytes[b]));
  }
  text += '\n';
  if (!r.zeros.empty()) {
    text += fmt::format(
        "  zeros       {} % of the products and {} % of the block terms, {}\n",
        Percent(static_cast<double>(t.zero_products), static_cast<double>(t.macs)),
        Percent(static_cast<double>(t.zero_blocks), static_cast<double>(t.block_terms)), r.zeros);
  }
  text += fmt::format("  SRAM area   {} mm2:", Significant(t.sram_area_mm2));
  for (size_t i = 0; i < r.srams.size(); ++i) {
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", r.srams[i].buffer,
                        Significant(r.srams[i].area_mm2));
  }
  text += '\n';
  text += AreaLine(r.area);
  if (t.fault_bits > 0) {
    text += fmt::format(
        "  bit errors  {} bits written did not hold; words corrected {}, detected {}, silent {}\n",
        t.fault_bits, t.corrected_words, t.detected_words, t.silent_words);
  }
  if (t.overflows > 0) {
    text +=
        fmt::format("  overflows   {} accumulations did not fit the accumulator\n", t.overflows);
  }
  return text;
}

std::string TimeText(const Report& r, const TextStyle& style) {
  std::set<std::string> causes;
  for (const EngineTime& e : r.engines) {
    for (const auto& [cause, cycles] : e.stalls) causes.insert(cause);
  }
  Table table;
  table.AddColumn("  engine", "", Table::Align::kLeft);
  table.AddColumn("busy", "");
  for (const std::string& cause : causes) table.AddColumn("stall", cause);
  table.AddColumn("idle", "");
  const double cycles = static_cast<double>(r.totals.cycles);
  for (const EngineTime& e : r.engines) {
    std::vector<std::string> cells = {"  " + e.engine,
                                      Percent(static_cast<double>(e.busy_cycles), cycles)};
    for (const std::string& cause : causes) {
      const auto found = e.stalls.find(cause);
      cells.push_back(
          found == e.stalls.end() ? "" : Percent(static_cast<double>(found->second), cycles));
    }
    cells.push_back(Percent(static_cast<double>(e.idle_cycles), cycles));
    table.AddRow(std::move(cells));
  }
  return '\n' + Heading("Where the time goes (% of all cycles)", style) + table.Render(kWidth);
}

std::string EnergyText(const Report& r, const TextStyle& style) {
  std::vector<std::pair<std::string, double>> shares;
  for (size_t c = 0; c < r.energy_components.size(); ++c) {
    double pj = 0;
    for (const LayerRow& row : r.layers) pj += row.energy_pj[c];
    if (pj > 0) shares.emplace_back(r.energy_components[c], pj);
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Table table;
  table.AddColumn("  component", "", Table::Align::kLeft);
  table.AddColumn("energy", "uJ");
  table.AddColumn("share", "%");
  table.AddColumn("", "", Table::Align::kLeft);
  constexpr double kBarOfWhole = 50;  // characters of a bar that stands for all energy
  for (const auto& [component, pj] : shares) {
    const double part = r.totals.energy_pj > 0 ? pj / r.totals.energy_pj : 0;
    table.AddRow({"  " + component, Significant(pj / kPjPerUj), Percent(pj, r.totals.energy_pj),
                  std::string(static_cast<size_t>(std::lround(part * kBarOfWhole)), '#')});
  }
  return '\n' + Heading("Where the energy goes", style) + table.Render(kWidth);
}

std::string SizeText(const Report& r, const TextStyle& style) {
  const bool tables = !r.datapath_sizes.empty() && r.datapath_sizes.front().size.table_bits > 0;
  Table table;
  table.AddColumn("  engine", "", Table::Align::kLeft);
  table.AddColumn("units", "");
  table.AddColumn("multipliers", "");
  if (tables) {
    table.AddColumn("tables", "bit");
    table.AddColumn("multiplexers", "");
    table.AddColumn("exponent adders", "bit");
  } else {
    table.AddColumn("arrays", "bit^2");
  }
  table.AddColumn("adder trees", "bit");
  table.AddColumn("accumulators", "bit");
  for (const EngineSize& e : r.datapath_sizes) {
    std::vector<std::string> cells = {"  " + e.engine, std::to_string(e.size.units),
                                      std::to_string(e.size.multipliers)};
    if (tables) {
      cells.push_back(std::to_string(e.size.table_bits));
      cells.push_back(std::to_string(e.size.multiplexers));
      cells.push_back(std::to_string(e.size.exponent_adder_bits));
    } else {
      cells.push_back(std::to_string(e.size.multiplier_bits2));
    }
    cells.push_back(std::to_string(e.size.tree_bits));
    cells.push_back(std::to_string(e.size.accumulator_bits));
    table.AddRow(std::move(cells));
  }
  return '\n' + Heading("Datapath size", style) + table.Render(kWidth);
}

std::string QualityText(const Quality& q, const TextStyle& style) {
  const std::string heading = fmt::format("Quality against the FP32 golden run ({} image{})",
                                          q.images, q.images == 1 ? "" : "s");
  std::string text = '\n' + Heading(heading, style);
  if (q.exact) {
    text += "  output      equal\n";
  } else if (!std::isfinite(q.sqnr_db)) {
    text += "  output      holds NaN or infinity: no SQNR\n";
  } else {
    text += fmt::format("  output      SQNR {:.2f} dB\n", q.sqnr_db);
  }
  text +=
      fmt::format("  agreement   FP32's class is first on {} of {}, among the first five on {}\n",
                  q.top1_agree, q.images, q.top5_agree);
  if (q.accuracy) {
    text += fmt::format("  accuracy    top-1 {} %, top-5 {} % (FP32: {} %, {} %)\n",
                        Percent(q.accuracy->top1, q.images), Percent(q.accuracy->top5, q.images),
                        Percent(q.accuracy->fp32_top1, q.images),
                        Percent(q.accuracy->fp32_top5, q.images));
  }
  return text;
}

// Apart from the totals, which are the engines'.
std::string CoreText(const FirmwareRun& f) {
  const auto count = [&f](const char* name) {
    for (size_t i = 0; i < f.core->counters.size(); ++i) {
      if (f.core->counters[i].name == name) return f.core->values[i];
    }
    throw std::out_of_range(std::string("no counter of the core is called ") + name);
  };
  const uint64_t awake = count("busy_cycles"), asleep = count("sleep_cycles");
  return fmt::format(
      "  core        {} instructions; {} cycles awake ({} waiting for devices), {} asleep, at {} "
      "MHz\n  core energy {}, not in the totals above (docs/cpu.md has the prices)\n",
      count("instructions"), awake, count("stall_cycles"), asleep, f.core_mhz,
      WithUnit(f.core->energy_pj * 1e-12, "J"));
}

}  // namespace

std::string ToText(const Report& report, const TextStyle& style) {
  std::string text = Header(report, style) + '\n';
  text += style.wide ? WideTable(report).Render(0) : NarrowTable(report).Render(kWidth);
  text += TotalsText(report, style);
  text += TimeText(report, style);
  text += EnergyText(report, style);
  text += SizeText(report, style);
  if (report.quality) text += QualityText(*report.quality, style);
  if (report.verified_tensors) {
    text += fmt::format("\nVerified: {} stored tensors equal the golden executor's bit for bit\n",
                        *report.verified_tensors);
  }
  if (report.firmware) text += FirmwareText(*report.firmware);
  return text;
}

std::string FirmwareText(const FirmwareRun& f) {
  std::string text = fmt::format(
      "\nFirmware: {}, {} inference{}, by {}: {} register accesses, {} machine cycles from "
      "power-on\n",
      f.firmware, f.inferences, f.inferences == 1 ? "" : "s", f.wait, f.register_accesses,
      f.machine_cycles);
  if (f.core) text += CoreText(f);
  return text;
}

}  // namespace nibble::report
