#include "sw/report/compare.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

namespace nibble::report {
namespace {

using Json = nlohmann::ordered_json;

Json LayerJson(const std::string& name, double cycles, double busy, double load, double tensor_pj,
               double dram_pj) {
  return {{"name", name},
          {"op", "conv"},
          {"shape", "1x1x8 -> 1x1x8"},
          {"engine", "tensor"},
          {"macs", 64},
          {"cycles", cycles},
          {"busy_cycles", busy},
          {"stall_cycles", {{"load", load}}},
          {"dram_read_bytes", 10},
          {"dram_write_bytes", 5},
          {"dram_compulsory_bytes", 12},
          {"sram_read_bytes", {{"act", 1}}},
          {"sram_write_bytes", {{"act", 1}}},
          {"energy_by_component_pj", {{"tensor", tensor_pj}, {"dram.core", dram_pj}}},
          {"counters", Json::object()}};
}

Json RunJson(const std::string& lanes, std::vector<Json> layers) {
  return {{"schema", "nibble.run/1"},
          {"version", "1"},
          {"platform", "accel"},
          {"design", ""},
          {"datapath", ""},
          {"clock_mhz", 1000},
          {"timing_only", true},
          {"trace", {{"file", "n.trc"}, {"name", "n"}, {"hash", "h"}}},
          {"totals", {{"cycles", 100}, {"energy_by_component_pj", {{"tensor", 1.5}}}}},
          {"layers", std::move(layers)},
          {"design_point",
           {{"tensor.lanes", {{"value", lanes}, {"unit", ""}, {"default", true}}},
            {"datapath.block", {{"value", "16"}, {"unit", ""}, {"default", true}}}}}};
}

RunFile Parsed(const Json& json) { return ParseRun(json.dump(), "test.json"); }

// Matched layers: what a layer's parts add up to is the layer's own change, and both lists are
// ordered by size.
void CheckLayers(const std::vector<LayerChange>& layers) {
  double before = HUGE_VAL;
  for (const LayerChange& layer : layers) {
    double sum = 0, part_before = HUGE_VAL;
    for (const Change& part : layer.parts) {
      CHECK(std::abs(part.delta()) > 0);
      CHECK(std::abs(part.delta()) <= part_before);
      part_before = std::abs(part.delta());
      sum += part.delta();
    }
    CHECK(sum == Approx(layer.whole.delta()));
    CHECK(std::abs(layer.whole.delta()) <= before);
    before = std::abs(layer.whole.delta());
  }
}

TEST_CASE("a comparison attributes each layer's change to its parts, largest first") {
  const RunFile a = Parsed(
      RunJson("16", {LayerJson("small", 50, 40, 5, 10, 20), LayerJson("large", 100, 90, 10, 30, 40),
                     LayerJson("same", 7, 7, 0, 1, 1)}));
  const RunFile b = Parsed(
      RunJson("8", {LayerJson("small", 52, 41, 6, 9, 22), LayerJson("large", 190, 180, 4, 25, 90),
                    LayerJson("same", 7, 7, 0, 1, 1)}));
  const Comparison c = Compare(a, b);
  REQUIRE(c.parameters.size() == 1);
  CHECK(c.parameters[0].name == "tensor.lanes");
  CHECK((c.parameters[0].a == "16" && c.parameters[0].b == "8"));
  REQUIRE(c.layer_energy.size() == 2);
  CHECK(c.layer_energy[0].whole.name == "large");
  CHECK(c.layer_energy[0].parts[0].name == "dram.core");
  CHECK(c.layer_cycles[0].parts[0].name == "busy");
  CheckLayers(c.layer_energy);
  CheckLayers(c.layer_cycles);
  REQUIRE(c.energy.size() == 2);
  CHECK(c.energy[0].name == "dram.core");
  CHECK(c.energy[0].delta() == Approx(52));
  CHECK(c.energy[1].delta() == Approx(-6));
}

TEST_CASE("layers of one run alone are named, and their energy counts in the sums") {
  const RunFile a = Parsed(RunJson("16", {LayerJson("x", 5, 5, 0, 1, 2)}));
  const RunFile b = Parsed(RunJson("16", {LayerJson("y", 5, 5, 0, 1, 3)}));
  const Comparison c = Compare(a, b);
  CHECK(c.only_a == std::vector<std::string>{"x"});
  CHECK(c.only_b == std::vector<std::string>{"y"});
  CHECK(c.layer_energy.empty());
  REQUIRE(c.energy.size() == 1);
  CHECK(c.energy[0].delta() == Approx(1));
}

TEST_CASE("a run does not differ from itself") {
  const RunFile a = Parsed(RunJson("16", {LayerJson("x", 5, 4, 1, 1, 2)}));
  const Comparison c = Compare(a, a);
  CHECK((c.parameters.empty() && c.energy.empty() && c.cycles.empty()));
  CHECK((c.layer_energy.empty() && c.layer_cycles.empty()));
}

TEST_CASE("files of other schemas are refused by the schema's name") {
  Json other = RunJson("16", {});
  other["schema"] = "nibble.quantize/1";
  CHECK_THROWS_WITH(Parsed(other), Catch::Contains("test.json: schema nibble.quantize/1") &&
                                       Catch::Contains("expected nibble.run/1"));
  CHECK_THROWS_WITH(ParseRun("{", "x.json"), Catch::Contains("x.json"));
  CHECK_THROWS_WITH(ParseRun("{}", "x.json"), Catch::Contains("schema none"));
  Json torn = RunJson("16", {});
  torn.erase("layers");
  CHECK_THROWS_AS(Parsed(torn), RunFileError);
}

TEST_CASE("totals within others are named NAME.PART") {
  const RunFile a = Parsed(RunJson("16", {}));
  CHECK(FigureOf(a.totals, "energy_by_component_pj.tensor") == 1.5);
  CHECK(FigureOf(a.totals, "nothing") == 0);
}

}  // namespace
}  // namespace nibble::report
