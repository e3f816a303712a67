#include "sw/report/run_file.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace nibble::report {

namespace {

using Json = nlohmann::ordered_json;

constexpr char kSchema[] = "nibble.run/1";

Figures FiguresOf(const Json& json) {
  Figures figures;
  for (const auto& [name, value] : json.items()) figures.emplace_back(name, value.get<double>());
  return figures;
}

// Numbers only; those of objects within as NAME.PART.
void Flatten(const Json& json, const std::string& prefix, Figures& figures) {
  for (const auto& [name, value] : json.items()) {
    if (value.is_object()) Flatten(value, prefix + name + '.', figures);
    if (value.is_number()) figures.emplace_back(prefix + name, value.get<double>());
  }
}

RunLayer LayerOf(const Json& json, double burst_bytes) {
  RunLayer layer;
  layer.name = json.at("name");
  layer.op = json.at("op");
  layer.shape = json.at("shape");
  layer.engine = json.at("engine");
  layer.macs = json.at("macs");
  layer.cycles = json.at("cycles");
  layer.busy_cycles = json.at("busy_cycles");
  layer.stall_cycles = FiguresOf(json.at("stall_cycles"));
  layer.energy_pj = FiguresOf(json.at("energy_by_component_pj"));
  layer.dram_read_bytes = json.at("dram_read_bytes");
  layer.dram_write_bytes = json.at("dram_write_bytes");
  layer.compulsory_bytes = json.at("dram_compulsory_bytes");
  layer.sram_read_bytes = FiguresOf(json.at("sram_read_bytes"));
  layer.sram_write_bytes = FiguresOf(json.at("sram_write_bytes"));
  layer.near_bytes = burst_bytes * json.at("counters").value("dram.near_reads", 0.0);
  return layer;
}

RunFile RunOf(const Json& json) {
  RunFile run;
  run.version = json.at("version");
  run.platform = json.at("platform");
  run.design = json.at("design");
  run.datapath = json.at("datapath");
  run.trace_file = json.at("trace").at("file");
  run.trace_name = json.at("trace").at("name");
  run.trace_hash = json.at("trace").at("hash");
  run.timing_only = json.at("timing_only");
  run.clock_mhz = json.at("clock_mhz");
  double burst_bytes = 0;
  if (json.contains("peaks")) {  // written since version 0.2
    const Json& peaks = json["peaks"];
    run.peaks.tensor_macs = peaks.at("tensor_macs_per_cycle");
    run.peaks.bank_macs = peaks.value("bank_macs_per_cycle", 0.0);
    run.peaks.dram_bytes = peaks.at("dram_bytes_per_cycle");
    run.peaks.near_bytes = peaks.value("nearmem_bytes_per_cycle", 0.0);
    burst_bytes = peaks.at("dram_burst_bytes");
  }
  if (json.contains("area")) {
    run.node_nm = json["area"].at("node_nm");
    for (const Json& b : json["area"].at("blocks")) {
      RunArea area{b.at("block"), std::nullopt, 0, 0, b.at("source")};
      if (!b.at("mm2").is_null()) {
        area.mm2 = b["mm2"].get<double>();
        area.low_mm2 = b.at("low_mm2");
        area.high_mm2 = b.at("high_mm2");
      }
      run.area.push_back(std::move(area));
    }
  }
  for (const auto& [name, p] : json.at("design_point").items()) {
    run.parameters.push_back({name, p.at("value"), p.at("unit"), p.at("default")});
  }
  Flatten(json.at("totals"), "", run.totals);
  if (json.contains("quality")) Flatten(json["quality"], "quality.", run.totals);
  for (const Json& layer : json.at("layers")) run.layers.push_back(LayerOf(layer, burst_bytes));
  return run;
}

}  // namespace

double FigureOf(const Figures& figures, const std::string& name) {
  for (const auto& [n, value] : figures) {
    if (n == name) return value;
  }
  return 0;
}

double RunLayer::total_energy_pj() const {
  double pj = 0;
  for (const auto& [component, value] : energy_pj) pj += value;
  return pj;
}

RunFile ParseRun(const std::string& text, const std::string& path) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    throw RunFileError(path + ": no JSON object; expected a run that sim --json wrote");
  }
  const std::string schema =
      json.contains("schema") && json["schema"].is_string() ? json["schema"] : Json("none");
  if (schema != kSchema) {
    throw RunFileError(path + ": schema " + schema + "; expected " + kSchema +
                       ", which sim --json writes");
  }
  try {
    RunFile run = RunOf(json);
    run.path = path;
    return run;
  } catch (const Json::exception& error) {
    throw RunFileError(path + ": not what schema " + kSchema + " holds: " + error.what());
  }
}

RunFile ReadRun(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw RunFileError(path + ": cannot be read; expected a run that sim --json wrote");
  return ParseRun({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}, path);
}

}  // namespace nibble::report
