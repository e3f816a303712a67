// sim memory: what it prints and writes, and what it refuses.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Json = nlohmann::json;

// Reads and writes of two streams.
std::string Requests() {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    char line[40];
    std::snprintf(line, sizeof line, "%c 0x%x\n", i % 4 == 3 ? 'W' : 'R',
                  (i % 4 == 3 ? 1 << 20 : 0) + i * 32);
    text += line;
  }
  return text;
}

TEST_CASE("memory: counts, bandwidth and energy of the JSON agree with each other") {
  const Folder folder;
  WriteFile(folder / "r.txt", Requests());
  const std::string device = GENERATE("ddr4-3200-x64", "lpddr4-3200-x16", "lpddr5-6400-x16",
                                      "lpddr5-6400-x16-16bank", "hbm2-2000-pch", "gddr6-16-x16");
  const std::string more = GENERATE("", "--channels 2 --mapping M1", "--outstanding 2 --mapping M2",
                                    "--set dram.page_policy=closed --set dram.window=4");
  const Result r = Sim(folder, "memory --requests r.txt --dram " + device + " --json - " + more);
  CAPTURE(device, more, r.err);
  REQUIRE(r.exit_code == 0);
  const Json json = Json::parse(r.out);
  CHECK(json["schema"] == "nibble.memory/1");
  CHECK(json["dram"]["device"] == device);
  CHECK(json["requests"] == 3000);
  const Json& n = json["counters"];
  CHECK(n["reads"] == 2250);
  CHECK(n["writes"] == 750);
  const double bytes = n["read_bytes"].get<double>() + n["write_bytes"].get<double>();
  const double ns = json["time_ns"];
  CHECK(ns == Approx(json["cycles"].get<double>() * json["tck_ns"].get<double>()));
  CHECK(json["bandwidth_gb_per_s"].get<double>() == Approx(bytes / ns));
  CHECK(json["bandwidth_gb_per_s"] < json["peak_bandwidth_gb_per_s"]);
  const Json& latency = json["read_latency_cycles"];
  CHECK(latency["p50"] <= latency["p99"]);
  CHECK(latency["p99"] <= latency["max"]);
  CHECK(latency["mean"] <= latency["max"]);
  double resident = 0;
  for (const char* state : {"active_standby_ps", "precharge_standby_ps", "active_power_down_ps",
                            "precharge_power_down_ps"}) {
    resident += n[state].get<double>();
  }
  CHECK(resident == Approx(1000 * ns * json["dram"]["channels"].get<double>()));
  double energy = 0, priced = 0;
  for (const auto& [component, pj] : json["energy_by_component_pj"].items()) {
    energy += pj.get<double>();
  }
  for (const Json& term : json["energy_terms"]) {
    priced +=
        term["pj_per_count"].get<double>() * n[term["counter"].get<std::string>()].get<double>();
    CHECK(term["source"].get<std::string>().size() > 20);
  }
  CHECK(json["energy_pj"].get<double>() == Approx(energy));
  CHECK(energy == Approx(priced));
}

TEST_CASE("memory: the text names what ran, and --json FILE leaves it") {
  const Folder folder;
  WriteFile(folder / "r.txt", Requests());
  const Result text = Sim(folder, "memory --requests r.txt --dram hbm2-2000-pch --json r.json");
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Catch::StartsWith("hbm2-2000-pch, 1 channel x 1 rank, mapping row rank bank "
                                         "column bankgroup channel\nfr-fcfs, window 32"));
  for (const char* word : {"requests", "cycles", "bandwidth", "latency", "row hits", "commands",
                           "states", "energy", "activate", "background"}) {
    CHECK_THAT(text.out, Catch::Contains(word));
  }
  CHECK(Json::parse(ReadFile(folder / "r.json"))["requests"] == 3000);
}

TEST_CASE("memory: wrong use and bad files say what is wrong in one line") {
  const Folder folder;
  WriteFile(folder / "r.txt", Requests());
  WriteFile(folder / "bad.txt", "R 0x0\nREAD 0x20\n");
  WriteFile(folder / "far.txt", "R 0xffffffffff\n");
  struct Case {
    const char *arguments, *says;
    int exit_code;
  };
  for (const Case& c :
       {Case{"", "--requests FILE is required", 2},
        Case{"--requests none.txt", "none.txt: cannot open", 3},
        Case{"--requests bad.txt", "bad.txt:2: expected \"R 0xADDRESS\"", 3},
        Case{"--requests far.txt", "far.txt:1: address 0xffffffffff is beyond the memory", 3},
        Case{"--requests r.txt --dram ddr9", "ddr9", 2},
        Case{"--requests r.txt --channels 3", "dram.channels", 2},
        Case{"--requests r.txt --mapping M3", "unknown field \"M3\"", 2},
        Case{"--requests r.txt --set tensor.rows=4", "only parameters of the memory", 2},
        Case{"--requests r.txt --set dram.device=ddr4-3200-x64", "the option is --dram", 2},
        Case{"--requests r.txt --set dram.window=0", "dram.window", 2},
        Case{"--requests r.txt --set dram.write_low=30", "dram.write_low", 2},
        Case{"--requests r.txt --set dram.power_down=5", "tXP", 2},
        Case{"--requests r.txt --dram hbm2-2000-pch --set dram.refresh=per-bank",
             "no per-bank refresh", 2},
        Case{"--requests r.txt --outstanding -1", "outstanding", 2},
        Case{"--requests r.txt --json /nowhere/x.json", "/nowhere/x.json", 2},
        Case{"--agreement none.json", "none.json: cannot open", 3},
        Case{"--agreement bad.txt", "bad.txt: ", 3},
        Case{"--agreement bad.txt --requests r.txt", "--requests excludes --agreement", 2},
        Case{"--agreement bad.txt --dram hbm2-2000-pch", "--dram excludes --agreement", 2},
        Case{"--agreement bad.txt --json a.json", "--json excludes --agreement", 2},
        Case{"--agreement bad.txt --set dram.window=4", "--set excludes --agreement", 2}}) {
    const Result r = Sim(folder, std::string("memory ") + c.arguments);
    CAPTURE(c.arguments, r.out, r.err);
    CHECK(r.exit_code == c.exit_code);
    CHECK(IsOneLine(r.err));
    CHECK_THAT(r.err, Catch::Contains(c.says));
  }
}

TEST_CASE("every memory preset gives the right bits on both platforms") {
  const Folder folder;
  const std::string platform = GENERATE("accel", "nearmem");
  const std::string device = GENERATE("ddr4-3200-x64", "lpddr4-3200-x16", "lpddr5-6400-x16-16bank",
                                      "hbm2-2000-pch", "gddr6-16-x16");
  const Result r = Sim(folder, "--verify --no-quality --platform " + platform + " --trace " +
                                   SmallTrace() + " --set dram.device=" + device);
  CAPTURE(platform, device, r.err);
  CHECK(r.exit_code == 0);
}

}  // namespace
}  // namespace nibble::cli_test
