// --firmware: the same results, driven by the C firmware.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Json = nlohmann::json;

Json RunJson(const std::string& arguments) {
  const Folder folder;
  const Result r = Sim(folder, "--trace " + SmallTrace() + " --no-quality --json - " + arguments);
  INFO("stderr: " << r.err);
  REQUIRE(r.exit_code == 0);
  return Json::parse(r.out);
}

TEST_CASE("under native firmware a run is what it is under the built-in host") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Json built_in = RunJson("--verify --platform " + platform);
  CHECK_FALSE(built_in.contains("firmware"));
  for (const std::string wait : {"interrupt", "poll"}) {
    Json run = RunJson("--verify --platform " + platform +
                       " --firmware native --firmware-runs 2 --firmware-wait " + wait);
    CHECK(run["firmware"]["wait"] == wait);
    CHECK(run["firmware"]["inferences"] == 2);
    CHECK(run["firmware"]["register_accesses"].get<uint64_t>() > 20);
    CHECK(run["firmware"]["machine_cycles"].get<uint64_t>() >
          2 * run["totals"]["cycles"].get<uint64_t>() * 9 / 10);
    run.erase("firmware");
    CHECK(run == built_in);
  }
}

TEST_CASE("what the firmware prints, and that it finds what is wrong") {
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --no-quality --firmware native ";
  const Result good = Sim(folder, run + "--verify");
  CHECK(good.exit_code == 0);
  CHECK(good.out.find(", as expected\n") != std::string::npos);
  const Result unchecked = Sim(folder, run + "--timing-only");
  CHECK(unchecked.exit_code == 0);
  CHECK(unchecked.out.find(", not checked\n") != std::string::npos);
  const Result quiet = Sim(folder, run + "--quiet");
  CHECK(quiet.out.empty());
  const Result bad = Sim(folder, run + "--verify --break-datapath");
  CHECK(bad.exit_code == 1);
}

TEST_CASE("options of firmware that make no sense are refused by name") {
  const Folder folder;
  for (const std::string arguments :
       {"--firmware no-such", "--firmware-runs 2", "--firmware-wait poll",
        "--firmware native --firmware-runs 0", "--firmware native --firmware-wait sometimes"}) {
    const Result r = Sim(folder, "--trace " + SmallTrace() + " " + arguments);
    INFO(arguments << ": " << r.err);
    CHECK(r.exit_code == 2);
    CHECK(IsOneLine(r.err));
    CHECK(r.err.find("--firmware") != std::string::npos);
  }
}

TEST_CASE("sim registers lists what each platform has") {
  const Folder folder;
  const Result accel = Sim(folder, "registers --platform accel");
  CHECK(accel.exit_code == 0);
  CHECK(accel.out.find("RING_TAIL") != std::string::npos);
  CHECK(accel.out.find("BUSY_BANK_LO") == std::string::npos);
  CHECK(Sim(folder, "registers --platform nearmem").out.find("BUSY_BANK_LO") != std::string::npos);
  CHECK(Sim(folder, "registers --header").out ==
        ReadFile(std::string(NIBBLE_SOURCE_DIR) + "/sw/firmware/include/nibble_registers.h"));
  CHECK(Sim(folder, "registers --platform nothing").exit_code == 2);
}

}  // namespace
}  // namespace nibble::cli_test
