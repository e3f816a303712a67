// Scratchpads of a design: area, voltage, error rates and check bits, against the tables and laws
// that they come from.
#include "platforms/sram_model.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "platforms/energy_model.h"
#include "platforms/sram_voltage.h"
#include "tests/platforms/support.h"

using namespace nibble;
using namespace nibble::platforms;
using Catch::Contains;

namespace {

SramFigures Act(const std::vector<std::string>& sets) {
  const DesignPoint d = Resolve(Platform::kAccel, "", sets);
  return SramModel().FiguresOf(d, "act", d.sram_act);
}

}  // namespace

TEST_CASE("area and leakage are those of all banks") {
  const SramTable table;
  const SramPrice bank = table.Price("22", "itrs-lstp", 128, 32768, "test");
  const SramFigures act = Act({"sram.act.size=256KiB", "sram.act.banks=8"});
  CHECK(act.area_mm2 == Approx(8 * bank.area_mm2));
  CHECK(act.leakage_mw == Approx(8 * bank.leakage_mw));
  CHECK(act.read_pj == bank.read_pj);
  CHECK(act.area_source.size() > 20);
}

TEST_CASE("the measured error rates are hit at their voltages, and rise between them") {
  const SramVoltage voltage;
  CHECK(voltage.ErrorRate(1.0) == 0);
  CHECK(voltage.ErrorRate(0.61) == 0);
  CHECK(voltage.ErrorRate(0.601) == 0);
  CHECK(voltage.ErrorRate(0.60) == Approx(4 / 37969920.0));
  CHECK(voltage.ErrorRate(0.57) == Approx(772 / 37969920.0));
  CHECK(voltage.ErrorRate(0.54) == Approx(6.243e-4).epsilon(1e-3));  // "0.06 %", as published
  CHECK(voltage.ErrorRate(0.555) == Approx(std::sqrt(2732.0 * 7520) / 37969920).epsilon(1e-9));
  double last = 1;
  for (double ratio = 0.54; ratio <= 0.6; ratio += 0.0007) {
    CHECK(voltage.ErrorRate(ratio) < last);
    last = voltage.ErrorRate(ratio);
  }
}

TEST_CASE("every node and cell of the energy table has a nominal voltage") {
  const SramVoltage voltage;
  for (const char* node : {"22", "32", "45"}) {
    for (const char* cell : {"itrs-hp", "itrs-lop", "itrs-lstp"}) {
      CHECK(voltage.Nominal(node, cell) >= 0.6);
      CHECK(voltage.Nominal(node, cell) <= 1.1);
    }
  }
  CHECK_THAT(Refusal([&] { voltage.Nominal("7", "itrs-hp"); }), Contains("7 nm itrs-hp"));
}

TEST_CASE("energy goes with the square of the voltage, leakage with the voltage") {
  const SramFigures full = Act({}), half = Act({"sram.act.vdd=0.6"});
  CHECK(half.read_pj == Approx(full.read_pj * 0.5625));
  CHECK(half.write_pj == Approx(full.write_pj * 0.5625));
  CHECK(half.leakage_mw == Approx(full.leakage_mw * 0.75));
  CHECK(half.area_mm2 == full.area_mm2);
  CHECK_THAT(half.source, Contains("0.6 V of 0.8 V"));
  const DesignPoint d = Resolve(Platform::kAccel, "", {"sram.act.vdd=0.44"});
  CHECK(d.sram_act.error_rate == Approx(7520 / 37969920.0));
  CHECK(d.sram_out.error_rate == 0);
  CHECK(d.sram_out.vdd == Approx(0.8));
  CHECK(Resolve(Platform::kAccel, "", {"sram.act.vdd=0.44", "sram.act.error_rate=0"})
            .sram_act.error_rate == 0);
  CHECK(Resolve(Platform::kAccel, "", {"sram.act.vdd=0.432"}).sram_act.error_rate ==
        Approx(23706 / 37969920.0));
  // Another node has another nominal voltage.
  CHECK(Resolve(Platform::kAccel, "", {"sram.node=45", "sram.act.vdd=1.1"}).sram_act.vdd == 1.1);
}

TEST_CASE("check bits cost an eighth more area and leakage, and energy where they are moved") {
  const SramFigures none = Act({}), all = Act({"sram.act.ecc=all"});
  CHECK(all.area_mm2 == Approx(none.area_mm2 * 72 / 64));
  CHECK(all.leakage_mw == Approx(none.leakage_mw * 72 / 64));
  CHECK(all.read_pj == none.read_pj);
  CHECK(all.check_read_pj > none.read_pj / 128);
  const auto terms = [](const std::vector<std::string>& sets) {
    int checks = 0;
    const EnergyModel model(Resolve(Platform::kAccel, "", sets));
    for (const EnergyTerm& t : model.terms()) {
      checks += t.counter.find("check_") != std::string::npos;
    }
    return checks;
  };
  CHECK(terms({}) == 0);
  CHECK(terms({"sram.act.ecc=scales", "sram.acc.ecc=all"}) == 4);
}

TEST_CASE("a second port costs area, energy and leakage") {
  const SramFigures one = Act({}), two = Act({"sram.act.ports=2"});
  CHECK(two.area_mm2 == Approx(one.area_mm2 * 294 / 146));
  CHECK(two.read_pj > one.read_pj);
  CHECK(two.leakage_mw > one.leakage_mw);
  CHECK_THAT(two.source, Contains("derived"));
}

TEST_CASE("latency is the access time in cycles unless given") {
  const auto latency = [](const std::vector<std::string>& sets) {
    return Resolve(Platform::kAccel, "", sets).sram_act.latency;
  };
  CHECK(latency({}) == 1);  // 0.78 ns at 1 GHz
  CHECK(latency({"sram.node=45"}) == 2);
  CHECK(latency({"sram.node=45", "clock.mhz=200"}) == 1);
  CHECK(latency({"clock.mhz=3000"}) == 3);
  CHECK(latency({"sram.act.latency=7"}) == 7);
}

TEST_CASE("banks beyond the table are refused, or extrapolated where asked for") {
  const std::vector<std::string> tiny = {"sram.out.size=8KiB", "sram.out.banks=8"};
  CHECK_THAT(Refusal([&] { Resolve(Platform::kAccel, "", tiny); }),
             Contains("sram.out.size") && Contains("8KiB..2MiB"));
  std::vector<std::string> asked = tiny;
  asked.emplace_back("sram.extrapolate=on");
  CHECK(Refusal([&] { Resolve(Platform::kAccel, "", asked); }) == "accepted");
  const SramTable table;
  const auto at = [&table](uint32_t bytes) {
    return table.Price("22", "itrs-lstp", 128, bytes, "test", true);
  };
  // The power law of the last two rows: equal ratios of size, equal ratios of value.
  CHECK(at(4096).read_pj == Approx(at(8192).read_pj * at(8192).read_pj / at(16384).read_pj));
  CHECK(at(4u << 20).area_mm2 ==
        Approx(at(2u << 20).area_mm2 * at(2u << 20).area_mm2 / at(1u << 20).area_mm2));
  CHECK(at(1024).leakage_mw > 0);
  CHECK(at(8192).read_pj == table.Price("22", "itrs-lstp", 128, 8192, "test").read_pj);
}

TEST_CASE("wrong voltages, rates and codes are refused by name") {
  CHECK_THAT(SetRefusal("sram.act.vdd=0.4"), Contains("sram.act.vdd") && Contains("0.432..0.8 V"));
  CHECK_THAT(SetRefusal("sram.weight.vdd=0.9"), Contains("sram.weight.vdd"));
  CHECK_THAT(SetRefusal("sram.act.vdd=low"), Contains("sram.act.vdd") && Contains("nominal"));
  CHECK_THAT(SetRefusal("sram.act.vdd=0.5V"), Contains("wrong unit"));
  CHECK_THAT(SetRefusal("sram.act.error_rate=0.6"), Contains("0..0.5"));
  CHECK_THAT(SetRefusal("sram.act.error_rate=nan"), Contains("out of range"));
  CHECK_THAT(SetRefusal("sram.acc.ecc=scales"), Contains("none | all"));
  CHECK_THAT(SetRefusal("sram.act.ports=3"), Contains("1 | 2"));
  CHECK_THAT(SetRefusal("sram.act.latency=0"), Contains("auto"));
  CHECK_THAT(SetRefusal("bus.arbitration=fair"), Contains("round-robin | priority"));
}
