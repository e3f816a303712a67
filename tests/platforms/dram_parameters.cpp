// Parameters of the memory controllers reach the design point, and those that contradict each other
// or the device are refused.
#include <catch2/catch.hpp>

#include "tests/platforms/support.h"

using namespace nibble;
using namespace nibble::platforms;
using Catch::Contains;
using memory::DramConfig;

TEST_CASE("every parameter of the memory controllers reaches the design point") {
  const DesignPoint d = Resolve(
      Platform::kAccel, "",
      {"dram.ranks=2", "dram.mapping=row bank bankgroup column channel rank", "dram.scheduler=fcfs",
       "dram.window=16", "dram.write_buffer=24", "dram.write_high=20", "dram.write_low=3",
       "dram.page_policy=adaptive", "dram.refresh=per-bank"});
  const DramConfig& c = d.dram_config;
  CHECK(c.ranks == 2);
  CHECK(d.dram_mapping == "row bank bankgroup column channel rank");
  CHECK(c.scheduler == DramConfig::Scheduler::kFcfs);
  CHECK(c.window == 16);
  CHECK(c.write_buffer == 24);
  CHECK(c.write_high == 20);
  CHECK(c.write_low == 3);
  CHECK(c.page == DramConfig::Page::kAdaptive);
  CHECK(c.refresh == DramConfig::Refresh::kPerBank);
  CHECK(Resolve(Platform::kAccel, "", {"dram.page_policy=closed"}).dram_config.page ==
        DramConfig::Page::kClosed);
  CHECK(Resolve(Platform::kAccel, "", {"dram.device=ddr4-3200-x64", "dram.power_down=50"})
            .dram_config.power_down == 50);
}

TEST_CASE("the defaults of the schema are those of the controller") {
  const DramConfig c = Resolve(Platform::kAccel, "", {}).dram_config, defaults;
  CHECK(c.ranks == defaults.ranks);
  CHECK(c.page == defaults.page);
  CHECK(c.refresh == defaults.refresh);
  CHECK(c.scheduler == defaults.scheduler);
  CHECK(c.window == defaults.window);
  CHECK(c.write_buffer == defaults.write_buffer);
  CHECK(c.write_high == defaults.write_high);
  CHECK(c.write_low == defaults.write_low);
  CHECK(c.power_down == defaults.power_down);
}

TEST_CASE("what the device or the platform cannot do is refused by name") {
  const auto refusal = [](Platform platform, std::vector<std::string> sets) {
    return Refusal([&] { Resolve(platform, "", sets); });
  };
  CHECK_THAT(refusal(Platform::kAccel, {"dram.device=ddr4-3200-x64", "dram.refresh=per-bank"}),
             Contains("dram.refresh") && Contains("no per-bank refresh"));
  CHECK_THAT(refusal(Platform::kAccel, {"dram.power_down=10"}), Contains("dram.power_down"));
  CHECK_THAT(refusal(Platform::kAccel, {"dram.device=hbm2-2000-pch", "dram.ranks=2"}),
             Contains("dram.ranks") && Contains("rank_to_rank_gap"));
  CHECK_THAT(refusal(Platform::kAccel, {"dram.ranks=2",
                                        "dram.mapping=row bank column bankgroup "
                                        "channel"}),
             Contains("\"rank\" is missing"));
  CHECK_THAT(refusal(Platform::kAccel, {"dram.write_high=6"}), Contains("dram.write_low"));
  CHECK_THAT(refusal(Platform::kNearmem, {"dram.ranks=2"}),
             Contains("dram.ranks = \"2\"") && Contains("nearmem"));
  CHECK_THAT(refusal(Platform::kNearmem, {"dram.refresh=per-bank"}), Contains("nearmem"));
  CHECK_THAT(refusal(Platform::kNearmem, {"dram.mapping=bank row column bankgroup channel"}),
             Contains("\"row\" does not come first"));
  CHECK_NOTHROW(Resolve(Platform::kAccel, "", {"dram.mapping=bank row column bankgroup channel"}));
}
