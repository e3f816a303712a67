#include <nlohmann/json.hpp>

#include "sw/report/report.h"

namespace nibble::report {

namespace {

using Json = nlohmann::ordered_json;

Json StallsJson(const Stalls& stalls) {
  Json json = Json::object();
  for (const auto& [cause, cycles] : stalls) json[cause] = cycles;
  return json;
}

Json BuffersJson(const Report& report, const std::vector<uint64_t>& bytes) {
  Json json = Json::object();
  for (size_t b = 0; b < report.sram_buffers.size(); ++b) json[report.sram_buffers[b]] = bytes[b];
  return json;
}

Json LayerJson(const Report& report, const LayerRow& row) {
  Json energy = Json::object(), counters = Json::object();
  for (size_t c = 0; c < report.energy_components.size(); ++c) {
    energy[report.energy_components[c]] = row.energy_pj[c];
  }
  for (size_t i = 0; i < report.counters.size(); ++i)
    counters[report.counters[i].key()] = row.counters[i];
  return {{"name", row.name},
          {"source", row.source},
          {"op", row.op},
          {"shape", row.shape},
          {"engine", row.engine},
          {"macs", row.macs},
          {"cycles", row.cycles},
          {"utilisation", row.utilisation},
          {"busy_cycles", row.busy_cycles},
          {"stall_cycles", StallsJson(row.stalls)},
          {"dram_read_bytes", row.dram_read_bytes},
          {"dram_write_bytes", row.dram_write_bytes},
          {"dram_compulsory_bytes", row.compulsory_bytes},
          {"sram_read_bytes", BuffersJson(report, row.sram_read_bytes)},
          {"sram_write_bytes", BuffersJson(report, row.sram_write_bytes)},
          {"energy_pj", row.total_energy_pj()},
          {"energy_by_component_pj", energy},
          {"counters", counters}};
}

Json TotalsJson(const Report& report) {
  const Totals& t = report.totals;
  Json energy = Json::object();
  for (size_t c = 0; c < report.energy_components.size(); ++c) {
    double pj = 0;
    for (const LayerRow& row : report.layers) pj += row.energy_pj[c];
    energy[report.energy_components[c]] = pj;
  }
  return {{"macs", t.macs},
          {"cycles", t.cycles},
          {"overflows", t.overflows},
          {"latency_ns", t.latency_ns},
          {"inferences_per_s", t.inferences_per_s},
          {"tops", t.tops},
          {"tops_per_w", t.tops_per_w},
          {"utilisation", t.utilisation},
          {"energy_pj", t.energy_pj},
          {"energy_by_component_pj", energy},
          {"dram_read_bytes", t.dram_read_bytes},
          {"dram_write_bytes", t.dram_write_bytes},
          {"dram_compulsory_bytes", t.compulsory_bytes},
          {"dram_used_bytes", t.dram_used_bytes},
          {"sram_used_bytes", BuffersJson(report, t.sram_used_bytes)},
          {"sram_size_bytes", BuffersJson(report, t.sram_size_bytes)},
          {"sram_area_mm2", t.sram_area_mm2},
          {"area_mm2", report.area.mm2()},
          {"area_low_mm2", report.area.low_mm2()},
          {"area_high_mm2", report.area.high_mm2()},
          {"area_unknown_blocks", report.area.unknown()},
          {"sram_fault_bits", t.fault_bits},
          {"sram_corrected_words", t.corrected_words},
          {"sram_detected_words", t.detected_words},
          {"sram_silent_words", t.silent_words},
          {"bits_per_activation", t.bits_per_activation},
          {"bits_per_weight", t.bits_per_weight}};
}

Json SizeJson(const EngineSize& e) {
  return {{"engine", e.engine},
          {"units", e.size.units},
          {"multipliers", e.size.multipliers},
          {"multiplier_bits2", e.size.multiplier_bits2},
          {"table_bits", e.size.table_bits},
          {"exponent_adder_bits", e.size.exponent_adder_bits},
          {"multiplexers", e.size.multiplexers},
          {"tree_bits", e.size.tree_bits},
          {"accumulator_bits", e.size.accumulator_bits}};
}

Json AreaJson(const platforms::Area& area) {
  Json blocks = Json::array();
  for (const platforms::AreaBlock& b : area.blocks) {
    Json json = {{"block", b.name}, {"mm2", b.mm2 ? Json(*b.mm2) : Json(nullptr)}};
    if (b.mm2) {
      json["low_mm2"] = b.low_mm2;
      json["high_mm2"] = b.high_mm2;
    }
    json["source"] = b.source;
    blocks.push_back(std::move(json));
  }
  return {{"node_nm", std::stod(area.node)}, {"blocks", blocks}};
}

Json PeaksJson(const Peaks& p) {
  Json json = {{"tensor_macs_per_cycle", p.tensor_macs},
               {"dram_bytes_per_cycle", p.dram_bytes},
               {"dram_burst_bytes", p.dram_burst_bytes}};
  if (p.bank_macs > 0) {
    json["bank_macs_per_cycle"] = p.bank_macs;
    json["nearmem_bytes_per_cycle"] = p.near_bytes;
  }
  return json;
}

Json QualityJson(const Quality& q) {
  Json json = {{"images", q.images},
               {"sqnr_db", q.exact ? Json(nullptr) : Json(q.sqnr_db)},
               {"output_equal", q.exact},
               {"top1_agree_images", q.top1_agree},
               {"top5_agree_images", q.top5_agree}};
  if (q.accuracy) {
    json["top1_images"] = q.accuracy->top1;
    json["top5_images"] = q.accuracy->top5;
    json["fp32_top1_images"] = q.accuracy->fp32_top1;
    json["fp32_top5_images"] = q.accuracy->fp32_top5;
  }
  return json;
}

Json CoreJson(const FirmwareRun& f) {
  Json json = {{"clock_mhz", f.core_mhz}, {"energy_pj", f.core->energy_pj}};
  for (size_t i = 0; i < f.core->counters.size(); ++i) {
    json["counters"][f.core->counters[i].name] = f.core->values[i];
  }
  for (const riscv::EnergyPrice& price : riscv::EnergyPrices()) {
    json["prices"].push_back(
        {{"counter", price.counter}, {"pj", price.pj}, {"source", price.source}});
  }
  return json;
}

Json FirmwareJson(const FirmwareRun& f) {
  Json json = {{"firmware", f.firmware},
               {"wait", f.wait},
               {"inferences", f.inferences},
               {"register_accesses", f.register_accesses},
               {"machine_cycles", f.machine_cycles}};
  if (f.core) json["core"] = CoreJson(f);
  return json;
}

Json RunJson(const Report& report) {
  Json json = {{"schema", "nibble.run/1"},
               {"version", report.version},
               {"platform", report.platform},
               {"design", report.design_line},
               {"datapath", report.datapath},
               {"clock_mhz", report.clock_mhz},
               {"timing_only", report.timing_only},
               {"trace",
                {{"file", report.trace_file},
                 {"name", report.trace_name},
                 {"hash", report.trace_hash},
                 {"producer", report.producer},
                 {"calibration", report.calibration}}}};
  if (report.imported_weights) {
    const auto& [layers, as_they_are] = *report.imported_weights;
    json["imported_weights"] = {{"layers", layers},
                                {"as_they_are_layers", as_they_are},
                                {"requantised_layers", layers - as_they_are}};
  }
  if (!report.zeros.empty()) {
    const Totals& t = report.totals;
    json["zeros"] = {{"source", report.zeros},
                     {"zero_products", t.zero_products},
                     {"macs", t.macs},
                     {"zero_blocks", t.zero_blocks},
                     {"block_terms", t.block_terms}};
  }
  json["totals"] = TotalsJson(report);
  if (report.quality) json["quality"] = QualityJson(*report.quality);
  if (report.verified_tensors) json["verified_tensors"] = *report.verified_tensors;
  json["area"] = AreaJson(report.area);
  json["peaks"] = PeaksJson(report.peaks);
  if (report.firmware) json["firmware"] = FirmwareJson(*report.firmware);
  json["engines"] = Json::array();
  for (const EngineTime& e : report.engines) {
    json["engines"].push_back({{"engine", e.engine},
                               {"busy_cycles", e.busy_cycles},
                               {"stall_cycles", StallsJson(e.stalls)},
                               {"idle_cycles", e.idle_cycles}});
  }
  json["datapath_size"] = Json::array();
  for (const EngineSize& e : report.datapath_sizes) {
    json["datapath_size"].push_back(SizeJson(e));
  }
  json["srams"] = Json::array();
  for (const SramRow& s : report.srams) {
    json["srams"].push_back({{"buffer", s.buffer},
                             {"vdd_v", s.vdd},
                             {"error_rate", s.error_rate},
                             {"error_source", s.error_source},
                             {"latency_cycles", s.latency_cycles},
                             {"leakage_mw", s.leakage_mw},
                             {"area_mm2", s.area_mm2},
                             {"area_source", s.area_source}});
  }
  json["layers"] = Json::array();
  for (const LayerRow& row : report.layers) json["layers"].push_back(LayerJson(report, row));
  // `value` is text in the form that --set accepts, so that a run can be repeated from its own
  // record.
  json["design_point"] = Json::object();
  for (const platforms::Parameter& p : report.parameters) {
    json["design_point"][p.name] = {
        {"value", p.value}, {"unit", p.unit}, {"default", p.is_default}};
  }
  json["counters"] = Json::object();
  for (const sim::CounterInfo& c : report.counters) {
    json["counters"][c.key()] = {{"unit", c.unit}, {"meaning", c.meaning}};
  }
  json["energy_terms"] = Json::array();
  for (const platforms::EnergyTerm& term : report.energy_terms) {
    json["energy_terms"].push_back({{"component", term.component},
                                    {"counter", term.counter},
                                    {"pj_per_count", term.pj_per_count},
                                    {"source", term.source}});
  }
  return json;
}

}  // namespace

std::string ToJson(const Report& report) { return RunJson(report).dump(1) + '\n'; }

std::string ToJson(const std::vector<Report>& reports, const std::optional<FirmwareRun>& firmware) {
  Json json = {{"schema", "nibble.runs/1"}, {"runs", Json::array()}};
  for (const Report& report : reports) json["runs"].push_back(RunJson(report));
  if (firmware) json["firmware"] = FirmwareJson(*firmware);
  return json.dump(1) + '\n';
}

std::string TotalsToJson(const Report& report) {
  Json json = TotalsJson(report);
  if (report.quality) json["quality"] = QualityJson(*report.quality);
  return json.dump();
}

}  // namespace nibble::report
