#include "platforms/area_model.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "platforms/energy_model.h"

namespace nibble::platforms {
namespace {

Area AreaOf(Platform platform, const std::vector<std::string>& sets) {
  const DesignPoint d = Resolve(platform, "", sets);
  const accel::UnitShape shape{uint64_t{d.tensor.rows} * d.tensor.cols, d.tensor.lanes, 1};
  return EstimateArea(d, accel::SizeOf(shape, d.datapath, d.compute.multiplier),
                      EnergyModel(d).srams());
}

const AreaBlock& Block(const Area& area, const std::string& name) {
  const auto found = std::find_if(area.blocks.begin(), area.blocks.end(),
                                  [&](const AreaBlock& b) { return b.name == name; });
  INFO(name);
  REQUIRE(found != area.blocks.end());
  return *found;
}

TEST_CASE("area of the default datapath, by hand") {
  // 1,024 multipliers of 16 bit^2, 64 trees of 161 bits, 64 x (16 + 104) bit^2 of scales, 64
  // binary32 adders and registers; 22 nm from 40 nm.
  const Area area = AreaOf(Platform::kAccel, {});
  const double shrink = 22.0 * 22 / (40 * 40) * 1e-6;
  CHECK(*Block(area, "tensor.multipliers").mm2 == Approx(1024 * 16 * 7.63 * shrink));
  CHECK(*Block(area, "tensor.trees").mm2 == Approx(64 * 161 * 8.69 * shrink));
  CHECK(*Block(area, "tensor.scales").mm2 == Approx(64 * 120 * 7.63 * shrink));
  CHECK(*Block(area, "tensor.accumulator_adders").mm2 == Approx(64 * 4360 * shrink));
  CHECK(*Block(area, "tensor.accumulator_registers").mm2 == Approx(64 * 32 * 5.98 * shrink));
  CHECK(*Block(area, "vector.lanes").mm2 == Approx(16 * (4360 + 8970) * shrink));
}

TEST_CASE("totals are the known blocks, and every block says why") {
  for (const Platform platform : {Platform::kAccel, Platform::kNearmem}) {
    const Area area = AreaOf(platform, {});
    double sum = 0;
    size_t unknown = 0;
    for (const AreaBlock& b : area.blocks) {
      CAPTURE(b.name);
      CHECK(!b.source.empty());
      if (!b.mm2) {
        ++unknown;
        continue;
      }
      CHECK(*b.mm2 > 0);
      CHECK(b.low_mm2 < *b.mm2);
      CHECK(b.high_mm2 > *b.mm2);
      sum += *b.mm2;
    }
    CHECK(area.mm2() == Approx(sum));
    CHECK(area.low_mm2() < area.mm2());
    CHECK(area.high_mm2() > area.mm2());
    CHECK(area.unknown() == unknown);
    CHECK(unknown > 0);
  }
  // What is made in a DRAM process has no figure here, and is not free.
  CHECK(!Block(AreaOf(Platform::kNearmem, {}), "bank").mm2);
}

TEST_CASE("choices have a price in the direction that they must") {
  const double base = AreaOf(Platform::kAccel, {}).mm2();
  CHECK(AreaOf(Platform::kAccel, {"tensor.lanes=32"}).mm2() > base);
  CHECK(AreaOf(Platform::kAccel, {"datapath.weights=fp8"}).mm2() > base);
  CHECK(AreaOf(Platform::kAccel, {"sram.act.size=384KiB"}).mm2() > base);
  // Fewer scales and accumulations a unit of as many lanes.
  CHECK(AreaOf(Platform::kAccel, {"datapath.block=8"}).mm2() > base);
  // Halving every length leaves a quarter: 45 nm logic is (45/22)^2 of 22 nm logic.
  const Area at45 = AreaOf(Platform::kAccel, {"sram.node=45"});
  CHECK(*Block(at45, "tensor.trees").mm2 ==
        Approx(*Block(AreaOf(Platform::kAccel, {}), "tensor.trees").mm2 * 45 * 45 / (22.0 * 22)));
}

TEST_CASE("an accumulator without a published adder is unknown") {
  CHECK(!Block(AreaOf(Platform::kAccel, {"datapath.accumulator=bf16"}), "tensor.accumulator_adders")
             .mm2);
  CHECK(Block(AreaOf(Platform::kAccel, {"datapath.accumulator=exact"}), "tensor.accumulator_adders")
            .mm2);
}

}  // namespace
}  // namespace nibble::platforms
