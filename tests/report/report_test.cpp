// A report of a small run made by hand: two layers on the tensor unit and a pooling layer on the
// vector unit.
#include "sw/report/report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace nibble::report {
namespace {

sim::RunStats Stats() {
  sim::RunStats stats;
  const auto add = [&](const char* component, const char* name, std::vector<uint64_t> per_layer) {
    stats.counters.push_back({component, name, "1", "a test", false});
    stats.values.resize(per_layer.size());
    for (size_t i = 0; i < per_layer.size(); ++i) stats.values[i].push_back(per_layer[i]);
  };
  add("tensor", "busy_cycles", {600, 450, 0});
  add("tensor", "stall_load_cycles", {300, 0, 0});
  add("tensor", "stall_sram_cycles", {100, 0, 0});  // part of busy
  add("vector", "busy_cycles", {50, 50, 100});
  add("vector", "stall_tensor_cycles", {10, 20, 30});
  add("dram", "read_bytes", {4096, 64, 0});
  add("dram", "write_bytes", {128, 32, 16});
  for (const char* buffer : {"sram.act", "sram.weight", "sram.acc", "sram.out"}) {
    add(buffer, "read_bytes", {10, 20, 30});
    add(buffer, "write_bytes", {1, 2, 3});
  }
  stats.layer_cycles = {1000, 400, 100};
  stats.cycles = 1500;
  return stats;
}

sim::Program Program() {
  sim::Program program;
  program.layers = {{"stem", "conv", "Conv_0", "8x8x3 -> 8x8x16", 512000, 1, false, 4000},
                    {"a,\"b\"", "conv", "", "8x8x16 -> 8x8x16", 102400, 2, false, 90},
                    {"pool", "avgpool", "", "8x8x16 -> 1x1x16", 0, 3, false, 16}};
  sim::TensorPlacement tensor;
  tensor.layout.format = numerics::Format::kNvfp4;
  tensor.layout.block = 16;
  tensor.layout.pixels = 16;
  tensor.layout.channels = 256;
  tensor.elements = 4096;
  program.tensors.push_back(tensor);
  tensor.layout.format = numerics::Format::kFp32;  // the output, which is no stored activation
  program.tensors.push_back(tensor);
  program.weight_elements = 1000;
  program.weight_bits = 4500;
  program.dram_bytes_used = 12345;
  program.sram_bytes_used[0] = 2048;
  return program;
}

struct Made {
  platforms::DesignPoint design = platforms::Resolve(platforms::Platform::kAccel, "", {});
  platforms::EnergyModel energy{design};
  trace::Network net;
  sim::RunStats stats = Stats();
  Report report;
  Made() {
    net.name = "tiny";
    // The machine's energy terms name counters that this hand-made run lacks; it counts zero of
    // them.
    for (const platforms::EnergyTerm& term : energy.terms()) {
      if (stats.Has(term.counter)) continue;
      const size_t dot = term.counter.rfind('.');
      stats.counters.push_back(
          {term.counter.substr(0, dot), term.counter.substr(dot + 1), "1", "", true});
      for (size_t i = 0; i < stats.values.size(); ++i) stats.values[i].push_back(i + 1);
    }
    report =
        BuildReport({"1.2.3", "tiny.trc", "0123", false}, net, design, Program(), stats, energy);
  }
};

TEST_CASE("totals are the sums of the rows, and follow from each other") {
  const Report r = Made().report;
  const Totals& t = r.totals;
  CHECK(t.macs == 614400);
  CHECK(t.cycles == 1500);
  CHECK(t.dram_read_bytes == 4160);
  CHECK(t.dram_write_bytes == 176);
  CHECK(t.compulsory_bytes == 4106);
  CHECK(t.latency_ns == Approx(1500 * 1000.0 / r.clock_mhz));
  CHECK(t.inferences_per_s * t.latency_ns == Approx(1e9));
  CHECK(t.tops == Approx(2 * 614400 / (t.latency_ns * 1e-9) / 1e12));
  double energy = 0;
  for (const LayerRow& row : r.layers) energy += row.total_energy_pj();
  CHECK(energy > 0);
  CHECK(t.energy_pj == Approx(energy));
  CHECK(t.tops_per_w == Approx(2 * 614400 / (energy * 1e-12) / 1e12));
  CHECK(t.bits_per_weight == 4.5);
}

TEST_CASE("stored bits per activation are 4 + 8/B + 32/N, the FP32 output left out") {
  CHECK(Made().report.totals.bits_per_activation == Approx(4 + 8.0 / 16 + 32.0 / 4096));
}

TEST_CASE("utilisation is MACs over cycles times the array") {
  Made made;
  const double peak = made.design.tensor.rows * made.design.tensor.cols * made.design.tensor.lanes;
  CHECK(PeakMacsPerCycle(made.design, "tensor") == peak);
  CHECK(made.report.layers[0].utilisation == Approx(512000 / (1000 * peak)));
  CHECK(made.report.layers[1].utilisation ==
        Approx(102400 / (450 * peak)));  // ran ahead: 450 busy in 400 cycles
  CHECK(made.report.layers[2].utilisation == 0);
  CHECK(made.report.totals.utilisation == Approx(614400 / (1500 * peak)));
}

TEST_CASE("peak of the banks is one column of every bank per column cadence") {
  Made made;
  made.design.dram_channels = 2;
  made.design.dram.bank_groups = 4;
  made.design.dram.banks_per_group = 4;
  made.design.nearmem.lanes = 64;
  made.design.dram.ccd_l = 4;
  made.design.dram.tck_ps = 1250;  // a column every 5 ns
  made.design.clock_mhz = 1000;
  CHECK(PeakMacsPerCycle(made.design, "bank") == Approx(2 * 16 * 64 / 5.0));
}

TEST_CASE("an engine's time adds up: busy, stalls by cause, idle") {
  const Report r = Made().report;
  REQUIRE(r.engines.size() == 2);
  const EngineTime& tensor = r.engines[0];
  CHECK(tensor.engine == "tensor");
  CHECK(tensor.busy_cycles == 950);  // 1050 of which 100 wait for the SRAM
  CHECK(tensor.stalls == Stalls{{"load", 300}, {"sram", 100}});
  CHECK(tensor.idle_cycles == 150);
  CHECK(r.layers[2].engine == "vector");
  CHECK(r.layers[2].stalls == Stalls{{"tensor", 30}});
}

TEST_CASE("the table fits 120 columns and has a row for every layer") {
  Report r = Made().report;
  r.layers[0].name = std::string(200, 'x') + "/expand";
  std::istringstream text(ToText(r, {}));
  size_t rows = 0;
  bool layers = false;
  for (std::string line; std::getline(text, line);) {
    if (line.rfind("layer", 0) == 0) layers = true;
    if (layers) CHECK(line.size() <= 120);
    rows +=
        line.find("-> 8x8x16") != std::string::npos || line.find("-> 1x1x16") != std::string::npos;
    CHECK(line.find('\x1b') == std::string::npos);
  }
  CHECK(rows == 3);
  CHECK(ToText(r, {false, true}).find('\x1b') != std::string::npos);
}

TEST_CASE("JSON holds every counter of every layer, and totals that its rows sum to") {
  const Report r = Made().report;
  const nlohmann::json json = nlohmann::json::parse(ToJson(r));
  CHECK(json["schema"] == "nibble.run/1");
  REQUIRE(json["layers"].size() == 3);
  CHECK(json["layers"][0]["counters"]["dram.read_bytes"] == 4096);
  CHECK(json["layers"][1]["name"] == "a,\"b\"");
  CHECK(json["design_point"]["datapath.block"]["value"] == "16");
  uint64_t cycles = 0;
  double energy = 0;
  for (const auto& layer : json["layers"]) {
    cycles += layer["cycles"].get<uint64_t>();
    energy += layer["energy_pj"].get<double>();
    for (const auto& [key, value] : json["counters"].items())
      CHECK(layer["counters"].contains(key));
  }
  CHECK(json["totals"]["cycles"] == cycles);
  CHECK(json["totals"]["energy_pj"].get<double>() == Approx(energy));
  double area = 0;
  REQUIRE(json["srams"].size() == 4);
  for (const auto& sram : json["srams"]) {
    area += sram["area_mm2"].get<double>();
    CHECK(sram["area_source"].get<std::string>().size() > 20);
    CHECK(sram["error_source"].get<std::string>().find("MICRO 2018") != std::string::npos);
  }
  CHECK(json["totals"]["sram_area_mm2"].get<double>() == Approx(area));
  CHECK(area > 0.1);
  CHECK_THAT(ToText(r, {}), Catch::Contains("SRAM area"));
}

TEST_CASE("bits that scratchpads do not hold are reported, and an output without SQNR") {
  Made made;
  made.stats.counters.push_back({"sram.act", "fault_bits", "bits", ""});
  made.stats.counters.push_back({"sram.out", "silent_words", "words", ""});
  for (auto& row : made.stats.values) row.insert(row.end(), {10, 3});
  Report r = BuildReport({"1.2.3", "tiny.trc", "0123", false}, made.net, made.design, Program(),
                         made.stats, made.energy);
  CHECK(r.totals.fault_bits == 10 * made.stats.values.size());
  CHECK(r.totals.silent_words == 3 * made.stats.values.size());
  CHECK_THAT(ToText(r, {}), Catch::Contains("bit errors  30 bits"));
  CHECK(ToText(Made().report, {}).find("bit errors") == std::string::npos);
  r.quality.emplace();
  r.quality->sqnr_db = std::nan("");
  CHECK_THAT(ToText(r, {}), Catch::Contains("NaN or infinity"));
  CHECK(nlohmann::json::parse(ToJson(r))["quality"]["sqnr_db"].is_null());
}

TEST_CASE("a report says how large the datapath is, and where zeros come from") {
  Made made;
  nlohmann::json json = nlohmann::json::parse(ToJson(made.report));
  CHECK_FALSE(json.contains("zeros"));
  REQUIRE(json["datapath_size"].size() == 1);
  const nlohmann::json& size = json["datapath_size"][0];
  CHECK(size["engine"] == "tensor");
  CHECK(size["multipliers"] == 1024);
  CHECK(size["multiplier_bits2"] == 16384);
  CHECK(size["table_bits"] == 0);
  CHECK_THAT(ToText(made.report, {}), Catch::Contains("Datapath size"));

  made.design = platforms::Resolve(platforms::Platform::kNearmem, "",
                                   {"datapath.multiplier=lut", "datapath.gating=operand"});
  const auto report = [&](bool timing_only) {
    return BuildReport({"1.2.3", "tiny.trc", "0123", timing_only}, made.net, made.design, Program(),
                       made.stats, made.energy);
  };
  json = nlohmann::json::parse(ToJson(report(false)));
  CHECK(json["zeros"]["source"] == "counted");
  REQUIRE(json["datapath_size"].size() == 2);
  CHECK(json["datapath_size"][1]["engine"] == "bank");
  CHECK(json["datapath_size"][1]["units"] == 32);
  CHECK(json["datapath_size"][1]["table_bits"] == 32 * 256 * 64);
  CHECK(json["datapath_size"][1]["accumulator_bits"] == 32 * 64 * 32);
  CHECK(nlohmann::json::parse(ToJson(report(true)))["zeros"]["source"] == "expected");
  CHECK_THAT(ToText(report(true), {}), Catch::Contains("expected from the shares"));
  CHECK_THAT(report(true).datapath, Catch::Contains("lut multipliers, operand gating"));
  CHECK_THAT(ToText(report(false), {}), !Catch::Contains("expected from the shares"));
}

TEST_CASE("a run says what became of imported weights") {
  Made made;
  CHECK_FALSE(made.report.imported_weights);
  CHECK_FALSE(nlohmann::json::parse(ToJson(made.report)).contains("imported_weights"));
  made.net.tensors.resize(2);
  made.net.output = 1;
  made.net.layers.resize(3);
  made.net.layers[0].quantized.emplace();
  made.net.layers[0].quantized->block = 16;
  made.net.layers[2].quantized.emplace();
  made.net.layers[2].quantized->block = 8;
  const Report r = BuildReport({"1.2.3", "tiny.trc", "0123", false}, made.net, made.design,
                               Program(), made.stats, made.energy);
  const nlohmann::json json = nlohmann::json::parse(ToJson(r));
  CHECK(json["imported_weights"] ==
        nlohmann::json{{"layers", 2}, {"as_they_are_layers", 1}, {"requantised_layers", 1}});
  CHECK_THAT(ToText(r, {}), Catch::Contains("codes of 2 layers: 1 as they are, 1 requantised"));
}

TEST_CASE("CSV has a line per layer, each with as many fields as the heading") {
  std::istringstream csv(ToCsv(Made().report));
  std::vector<size_t> fields;
  for (std::string line; std::getline(csv, line);) {
    bool quoted = false;
    size_t commas = 0;
    for (char c : line) {
      quoted ^= c == '"';
      commas += c == ',' && !quoted;
    }
    fields.push_back(commas + 1);
  }
  REQUIRE(fields.size() == 4);
  CHECK(std::all_of(fields.begin(), fields.end(), [&](size_t n) { return n == fields[0]; }));
}

}  // namespace
}  // namespace nibble::report
