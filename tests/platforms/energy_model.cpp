// Energy: unit prices against published derivations, and counts that no price covers.
#include "platforms/energy_model.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "models/accel/datapath_cost.h"
#include "models/accel/datapath_size.h"
#include "models/memory/sram.h"
#include "models/numerics/accumulate.h"
#include "platforms/energy_files.h"
#include "tests/platforms/support.h"

using namespace nibble;
using namespace nibble::platforms;
using Catch::Contains;

namespace {

double Price(const EnergyModel& model, const std::string& component, const std::string& counter) {
  double pj = 0;
  int found = 0;
  for (const EnergyTerm& t : model.terms()) {
    if (t.component == component && t.counter == counter) {
      pj = t.pj_per_count;
      ++found;
    }
  }
  INFO(component << " " << counter);
  CHECK(found == 1);
  return pj;
}

size_t IndexOf(const EnergyModel& model, const std::string& component) {
  const auto names = model.components();
  const auto at = std::find(names.begin(), names.end(), component);
  REQUIRE(at != names.end());
  return static_cast<size_t>(at - names.begin());
}

}  // namespace

// The table of derived 45 nm energies: int8 multiply 0.2 pJ x (a b)/64, integer add 0.1/32 pJ a
// bit, FP32 add 0.9 pJ.
TEST_CASE("an accumulator whose adder the preset has no figure for is refused by name") {
  for (const char* accumulator :
       {"fp32", "fp32-rz", "exact", "fused", "lanes", "fp16", "bf16", "fixed"}) {
    const std::string set = std::string("datapath.accumulator=") + accumulator;
    CHECK_NOTHROW(EnergyModel(Resolve(Platform::kAccel, "", {set})));
  }
  CHECK_THROWS_WITH(
      EnergyModel(Resolve(Platform::kAccel, "",
                          {"datapath.accumulator=bf16", "energy.preset=horowitz-45nm"})),
      Catch::Matchers::Contains("horowitz-45nm") && Catch::Matchers::Contains("bf16"));
}

TEST_CASE("one NVFP4 block at 45 nm costs what the published unit energies make of it") {
  struct Block {
    int size;
    double products, tree, scale, apply, total;
  };
  const EnergyModel model(Resolve(Platform::kNearmem, "", {"energy.preset=horowitz-45nm"}));
  for (const char* unit : {"tensor", "bank"}) {
    const auto price = [&](const char* counter) {
      return Price(model, unit, std::string(unit) + "." + counter);
    };
    for (const Block& b :
         {Block{8, 0.4, 0.2313, 0.05, 0.3, 1.8813}, Block{16, 0.8, 0.5031, 0.05, 0.325, 2.5781},
          Block{32, 1.6, 1.05, 0.05, 0.35, 3.95}, Block{64, 3.2, 2.1469, 0.05, 0.375, 6.6719}}) {
      const int product = numerics::ProductBits(numerics::Format::kNvfp4, numerics::Format::kNvfp4);
      const double products = b.size * 16 * price("product_bits2");
      const double tree = accel::TreeBits(b.size, product) * price("tree_bits");
      const double scale = 16 * price("scale_bits2");
      const double apply = accel::ScaleApplyBits2(b.size, 8, 8) * price("scale_apply_bits2");
      INFO("block " << b.size);
      CHECK(products == Approx(b.products));
      CHECK(tree == Approx(b.tree).margin(5e-5));
      CHECK(scale == Approx(b.scale));
      CHECK(apply == Approx(b.apply));
      CHECK(products + tree + scale + apply + price("fp32_adds") == Approx(b.total).margin(5e-5));
    }
  }
}

TEST_CASE("a table multiplier is priced by its gates, as shares of an adder bit") {
  const DesignPoint d =
      Resolve(Platform::kNearmem, "", {"energy.preset=horowitz-45nm", "datapath.multiplier=lut"});
  const EnergyModel model(d);
  const double bit = 0.1 / 32;  // int32 add, 45 nm
  for (const std::string unit : {"tensor", "bank"}) {
    CHECK(Price(model, unit, unit + ".product_exponent_bits") == Approx(bit));
    CHECK(Price(model, unit, unit + ".product_muxes") == Approx(bit * 6 / 28));
    CHECK(Price(model, unit, unit + ".product_signs") == Approx(bit * 12 / 28));
    for (const EnergyTerm& t : model.terms()) CHECK(t.counter != unit + ".product_bits2");
  }
  const EnergyModel arrays(Resolve(Platform::kNearmem, "", {}));
  for (const EnergyTerm& t : arrays.terms()) {
    CHECK(t.counter.find("product_muxes") == std::string::npos);
  }
}

TEST_CASE("sizes of datapaths") {
  const accel::UnitShape shape{64, 16, 1};
  numerics::Datapath d;
  const accel::DatapathSize array = accel::SizeOf(shape, d, numerics::Multiplier::kArray);
  CHECK(array.units == 64);
  CHECK(array.multipliers == 1024);
  CHECK(array.multiplier_bits2 == 1024 * 16);
  CHECK(array.tree_bits == 64u * (8 * 10 + 4 * 11 + 2 * 12 + 13));
  CHECK(array.accumulator_bits == 64 * 32);
  CHECK(array.table_bits == 0);
  const accel::DatapathSize table = accel::SizeOf(shape, d, numerics::Multiplier::kTable);
  CHECK(table.multiplier_bits2 == 0);
  CHECK(table.table_bits == 1024 * 64);
  CHECK(table.exponent_adder_bits == 1024 * 2);
  CHECK(table.multiplexers == 1024 * 84);
  CHECK(table.tree_bits == array.tree_bits);
  const auto size = [&] { return accel::SizeOf(shape, d, numerics::Multiplier::kArray); };
  d.SetBlock(8);  // two trees of eight products each
  CHECK(size().tree_bits == 64u * 2 * (4 * 10 + 2 * 11 + 12));
  d.SetBlock(32);  // one of sixteen, and an adder of the two halves
  CHECK(size().tree_bits == array.tree_bits + 64u * (8 + 1 + 5));
  d.SetBlock(16);
  d.accumulator.kind = numerics::Accumulation::kLanes;
  CHECK(size().tree_bits == 0);
  CHECK(size().accumulator_bits == 1024 * 32);
  d.accumulator.kind = numerics::Accumulation::kBf16;
  CHECK(size().accumulator_bits == 64 * 16);
  d.accumulator.kind = numerics::Accumulation::kExact;
  // 56 bits for 2^12 NVFP4 products (models/numerics/accumulate.h).
  CHECK(size().accumulator_bits == 64 * (56 + 3));
}

TEST_CASE("bits of trees and scale multipliers") {
  CHECK(accel::TreeBits(1, 8) == 0);
  CHECK(accel::TreeBits(2, 8) == 10);
  CHECK(accel::TreeBits(3, 8) == 10 + 11);
  CHECK(accel::TreeBits(16, 8) == 15 * 10 + 11);
  for (int n = 1; n < 130;
       ++n) {  // a tree of n terms has n - 1 adders, each at least as wide as the first
    CHECK(accel::TreeBits(n, 8) - accel::TreeBits(n, 7) == n - 1);
  }
  CHECK(accel::ScaleApplyBits2(16, 8, 8) == 13 * 8);
  CHECK(accel::ScaleApplyBits2(1, 8, 8) == 9 * 8);
  CHECK(accel::ScaleApplyBits2(9, 8, 2) == accel::ScaleApplyBits2(16, 8, 2));
}

TEST_CASE("memory prices follow from the device, the table and the clock") {
  const DesignPoint d = Resolve(Platform::kNearmem, "", {"clock.mhz=500"});
  const EnergyModel model(d);
  CHECK(Price(model, "dram.core", "dram.reads") == Approx(3.8 * 256));
  CHECK(Price(model, "dram.io", "dram.reads") == Approx(0.9 * 256));
  CHECK(Price(model, "dram.core", "dram.writes") == Approx(2.8 * 256));
  CHECK(Price(model, "dram.io", "dram.writes") == Approx(0.5 * 256));
  CHECK(Price(model, "dram.near", "dram.near_reads") == Approx(0.8 * 256));
  CHECK(Price(model, "dram.activate", "dram.activates") == 1000);
  // 37.9 mW for a millisecond is 37.9 uJ.
  CHECK(Price(model, "dram.background", "dram.active_standby_ps") * 1e9 == Approx(37.9e6));
  CHECK(Price(model, "dram.background", "dram.precharge_standby_ps") * 1e9 == Approx(34.1e6));
  // 8 KiB banks, 128-bit ports, 22 nm itrs-lstp: the first row of the table.
  CHECK(Price(model, "sram.weight", "sram.weight.reads") == 2.0094);
  CHECK(Price(model, "sram.weight", "sram.weight.writes") == 3.2352);
  CHECK(Price(model, "bank", "bank.buffer_read_bytes") == Approx(2.0094 / 16));
  // LPDDR5: 3.8 pJ/bit at the pins side of the core, of which 0.8 are in the bank.
  CHECK(Price(model, "dram.broadcast", "bank.buffer_read_bytes") == Approx(8 * (3.8 - 0.8)));
  CHECK(Price(model, "dram.core", "bank.io_reads") == Approx(256 * (3.8 - 0.8)));
  CHECK(Price(model, "dram.io", "bank.io_reads") == Price(model, "dram.io", "dram.reads"));
  int leaking = 0;
  for (const EnergyTerm& t : model.terms()) {
    if (t.component != "sram.leakage") continue;
    CHECK(t.counter == "machine.cycles");
    // 16 banks x (0.00473961 + 0.00144833) mW x 2 ns
    if (t.source.find("sram.weight") != std::string::npos) {
      CHECK(t.pj_per_count == Approx(16 * (0.00473961 + 0.00144833) * 2));
    }
    ++leaking;
  }
  CHECK(leaking == 4);
}

TEST_CASE("energy is counts times prices, by layer and component") {
  const EnergyModel model(Resolve(Platform::kAccel, "", {}));
  sim::RunStats stats;
  stats.counters = {{"dram", "reads", "bursts", "", true},
                    {"vector", "fp32_adds", "1", "", true},
                    {"vector", "busy_cycles", "cycles", "", false}};
  stats.values = {{10, 3, 99}, {0, 5, 99}};
  const auto energy = model.PerLayer(stats);
  REQUIRE(energy.size() == 2);
  const size_t core = IndexOf(model, "dram.core"), io = IndexOf(model, "dram.io");
  const size_t vector = IndexOf(model, "vector");
  double total = 0;
  for (const auto& layer : energy) {
    REQUIRE(layer.size() == model.components().size());
    for (const double pj : layer) total += pj;
  }
  CHECK(energy[0][core] == Approx(10 * 3.8 * 256));
  CHECK(energy[0][io] == Approx(10 * 0.9 * 256));
  CHECK(energy[0][vector] == Approx(3 * 0.38));
  CHECK(energy[1][vector] == Approx(5 * 0.38));
  CHECK(energy[1][core] == 0);
  CHECK(total == Approx(10 * 4.7 * 256 + 8 * 0.38));
}

TEST_CASE("a counter that costs energy and has no price is refused by name") {
  const EnergyModel model(Resolve(Platform::kAccel, "", {}));
  sim::RunStats stats;
  stats.counters = {{"tensor", "magic", "1", "", true}};
  stats.values = {{0}};
  CHECK_THAT(Refusal([&] { model.PerLayer(stats); }), Contains("tensor.magic"));
  stats.counters = {
      {"bank", "fp32_adds", "1", "", true}};  // near-memory units are not part of this platform
  CHECK_THAT(Refusal([&] { model.PerLayer(stats); }), Contains("bank.fp32_adds"));
}

TEST_CASE("every memory counter that costs energy has a price, and every price a source") {
  for (const Platform platform : kBothPlatforms) {
    const DesignPoint d = Resolve(platform, "", {});
    const EnergyModel model(d);
    sim::CounterRegistry registry;
    const memory::Dram dram(d.dram, 1, d.dram_mapping, 1);
    memory::RegisterDram(registry, "dram", dram);
    const memory::Sram sram("act", d.sram_act, 1, false);
    sram.RegisterCounters(registry);
    sim::RunStats stats;
    stats.values.emplace_back();
    for (const auto& column : registry.columns()) {
      stats.counters.push_back(column.info);
      stats.values[0].push_back(column.read(0));
    }
    CHECK_NOTHROW(model.PerLayer(stats));
    for (const EnergyTerm& t : model.terms()) {
      INFO(t.component << " " << t.counter);
      CHECK(t.pj_per_count > 0);
      CHECK(t.source.size() > 20);
    }
  }
}

TEST_CASE("an unknown preset and a missing value are refused") {
  DesignPoint d = Resolve(Platform::kAccel, "", {});
  d.energy_preset = "guess";
  CHECK_THAT(Refusal([&] { EnergyModel{d}; }),
             Contains("\"guess\"") && Contains("horowitz-45nm | jouppi-7nm"));

  // A copy of the data in which one value is missing, then wrong.
  namespace fs = std::filesystem;
  char name[] = "/tmp/nibble-data-XXXXXX";
  const fs::path data = mkdtemp(name);
  fs::create_directories(data / "platforms");
  for (const char* folder : {"energy", "sram"}) {
    fs::copy(fs::path(NIBBLE_SOURCE_DIR) / "platforms" / folder, data / "platforms" / folder);
  }
  const auto preset = data / "platforms" / "energy" / "broken.json";
  const std::string value = R"({"value": 1, "unit": "pJ", "source": "none, for a test"})";
  const auto refusal = [&](const std::string& fp32_mul) {
    std::ofstream(preset) << R"({"int8_add": )" << value << R"(, "int32_add": )" << value
                          << R"(, "fp32_add": )" << value << R"(, "int8_mul": )" << value
                          << fp32_mul << "}";
    d.energy_preset = "broken";
    setenv("NIBBLE_DATA", data.c_str(), 1);
    const std::string message = Refusal([&] { EnergyModel{d}; });
    unsetenv("NIBBLE_DATA");
    return message;
  };
  CHECK(refusal(R"(, "fp32_mul": )" + value) == "accepted");
  CHECK_THAT(refusal(""), Contains("\"broken\" lacks a value") && Contains("fp32_mul: missing"));
  CHECK_THAT(refusal(R"(, "fp32_mul": 3)"), Contains("fp32_mul: expected {value, unit \"pJ\""));
  CHECK_THAT(refusal(R"(, "fp32_mul": {"value": 1, "unit": "nJ", "source": ""})"),
             Contains("unit \"pJ\""));
  CHECK_THAT(refusal(","), Contains("not JSON"));
  fs::remove_all(data);
}
