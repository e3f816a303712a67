// --firmware: the same results, driven by the C firmware.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/sim.h"
#include "tests/riscv/elf_writer.h"
#include "tests/support/sanitizers.h"

namespace nibble::cli_test {
namespace {

using Json = nlohmann::json;

TEST_CASE("under native firmware a run is what it is under the built-in host") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Json built_in = RunJson("--no-quality --verify --platform " + platform);
  CHECK_FALSE(built_in.contains("firmware"));
  for (const std::string wait : {"interrupt", "poll"}) {
    Json run = RunJson("--no-quality --verify --platform " + platform +
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

// The built firmware, or nothing where its compiler is not installed.
std::string Elf(const std::string& name) {
  const std::string path = std::string(NIBBLE_FIRMWARE_DIR) + "/" + name;
  if (std::filesystem::exists(path)) return path;
  std::cout << "skipped: " << name << " is not built (Debian package gcc-riscv64-unknown-elf)\n";
  return "";
}

TEST_CASE("under firmware on the core a run is what it is under the built-in host") {
  const std::string elf = Elf("run.elf");
  if (elf.empty()) return;
  const std::string platform = GENERATE("accel", "nearmem");
  const Json built_in = RunJson("--no-quality --verify --platform " + platform);
  for (const std::string wait : {"interrupt", "poll"}) {
    Json run = RunJson("--no-quality --verify --platform " + platform + " --firmware " + elf +
                       " --firmware-runs 2 --firmware-wait " + wait);
    const Json core = run["firmware"]["core"];
    CHECK(core["clock_mhz"] == 500);
    const Json& counters = core["counters"];
    // Awake or asleep in every cycle, at half the machine's clock.
    CHECK(counters["busy_cycles"].get<uint64_t>() + counters["sleep_cycles"].get<uint64_t>() ==
          (run["firmware"]["machine_cycles"].get<uint64_t>() + 1) / 2);
    CHECK((counters["sleep_cycles"] == 0) == (wait == "poll"));
    CHECK(counters["interrupts"] == (wait == "poll" ? 0 : 2));
    double energy = 0;
    for (const Json& price : core["prices"]) {
      energy +=
          price["pj"].get<double>() * counters[price["counter"].get<std::string>()].get<double>();
      CHECK_FALSE(price["source"].get<std::string>().empty());
    }
    CHECK(core["energy_pj"].get<double>() == Approx(energy));
    run.erase("firmware");
    CHECK(run == built_in);
  }
}

// Another network, compiled once for all test cases of the process.
std::string OtherTrace() {
  static const Folder folder;
  static const Result r =
      Sim(folder, "compile --builtin mobilenet_v3_small --resolution 32 --count 1 -o other.trc");
  REQUIRE(r.exit_code == 0);
  return folder / "other.trc";
}

TEST_CASE("several traces share the machine: a table and JSON for each, the same under any host") {
  const std::string platform = GENERATE("accel", "nearmem");
  const Folder folder;
  const std::string two =
      "--trace " + SmallTrace() + " --trace " + OtherTrace() + " --verify --platform " + platform;
  const auto run = [&](const std::string& arguments) {
    const Result r = Sim(folder, two + " --json two.json " + arguments);
    INFO(arguments << ": " << r.err);
    REQUIRE(r.exit_code == 0);
    return std::make_pair(Json::parse(ReadFile(folder / "two.json")), r.out);
  };
  const auto [built_in, text] = run("");
  CHECK(built_in["schema"] == "nibble.runs/1");
  REQUIRE(built_in["runs"].size() == 2);
  CHECK_FALSE(built_in.contains("firmware"));
  CHECK(text.find("mobilenet_v2") < text.find("mobilenet_v3_small"));
  // The first finds the machine as it would alone, the second the memory that the first has left.
  Json alone = RunJson("--verify --platform " + platform);
  Json first = built_in["runs"][0];
  alone["quality"] = first["quality"];
  CHECK(first == alone);
  const Json second = built_in["runs"][1];
  CHECK(second["verified_tensors"].get<size_t>() == second["layers"].size() + 1);
  const Result other =
      Sim(folder, "--trace " + OtherTrace() + " --json other.json -q --platform " + platform);
  REQUIRE(other.exit_code == 0);
  const Json other_alone = Json::parse(ReadFile(folder / "other.json"));
  CHECK(second["quality"] == other_alone["quality"]);
  for (const char* same : {"macs", "dram_read_bytes", "dram_write_bytes", "dram_used_bytes"}) {
    CHECK(second["totals"][same] == other_alone["totals"][same]);
  }
  CHECK(second["totals"]["cycles"].get<double>() ==
        Approx(other_alone["totals"]["cycles"].get<double>()).epsilon(0.05));

  std::vector<std::string> hosts{"native"};
  for (const char* name : {"run.elf", "two_networks.elf"}) {
    if (const std::string elf = Elf(name); !elf.empty()) hosts.push_back(elf);
  }
  for (const std::string& host : hosts) {
    auto [json, printed] = run("--firmware-runs 2 --firmware " + host);
    CAPTURE(host);
    CHECK(json["runs"] == built_in["runs"]);
    CHECK(json["firmware"]["inferences"] == 2);
    size_t checked = 0;
    for (size_t at = 0; (at = printed.find(", as expected\n", at)) != std::string::npos; ++at) {
      ++checked;
    }
    CHECK(checked == 4);
  }
}

TEST_CASE("what is about one network is refused by name with several") {
  const Folder folder;
  const std::string two = "--trace " + SmallTrace() + " --trace " + SmallTrace();
  for (const std::string option : {"--input x.npy", "--csv x.csv", "--timeline x.json",
                                   "--vcd x.vcd", "--outputs x.npy", "--fp32-outputs x.npy"}) {
    const Result r = Sim(folder, two + " " + option);
    INFO(option << ": " << r.err);
    CHECK(r.exit_code == 2);
    CHECK(IsOneLine(r.err));
    CHECK(r.err.find(option.substr(0, option.find(' '))) != std::string::npos);
  }
  std::string many;
  for (int i = 0; i < 65; ++i) many += " --trace " + SmallTrace();
  const Result r = Sim(folder, many);
  CHECK(r.exit_code == 2);
  CHECK(r.err.find("65 networks") != std::string::npos);
  CHECK(folder.files() == 0);
}

TEST_CASE("firmware that runs no job: nothing to report, and nothing that could be verified") {
  const std::string elf = Elf("hello.elf");
  if (elf.empty()) return;
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --firmware " + elf;
  const Result good = Sim(folder, run);
  INFO(good.err);
  CHECK(good.exit_code == 0);
  CHECK(good.out.find("Hello from Nibble") != std::string::npos);
  CHECK(good.out.find("ran no job") != std::string::npos);
  CHECK(good.out.find("Firmware: ") != std::string::npos);
  for (const std::string option : {"--verify", "--json x.json", "--csv x.csv", "--outputs x.npy"}) {
    const Result r = Sim(folder, run + " " + option);
    INFO(option << ": " << r.err);
    CHECK(r.exit_code == 1);
    CHECK(IsOneLine(r.err));
    CHECK(r.err.find("ran no job") != std::string::npos);
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("the core's clock changes its own time only, its instructions can be traced") {
  const std::string elf = Elf("run.elf");
  if (elf.empty()) return;
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --no-quality --verify --json - --firmware ";
  const auto totals = [&](const std::string& arguments) {
    const Result r = Sim(folder, run + elf + " " + arguments);
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    CHECK(r.err.find(", as expected\n") != std::string::npos);  // stdout has the JSON
    return Json::parse(r.out);
  };
  const Json slow = totals("--set cpu.mhz=100 --trace-instructions t.txt");
  const Json fast = totals("--set cpu.mhz=1000");
  CHECK(slow["totals"] == fast["totals"]);
  CHECK(slow["firmware"]["machine_cycles"] > fast["firmware"]["machine_cycles"]);
  const std::string trace = ReadFile(folder / "t.txt");
  CHECK(static_cast<uint64_t>(std::count(trace.begin(), trace.end(), '\n')) ==
        slow["firmware"]["core"]["counters"]["instructions"]);
  const Json other = totals("--set cpu.mhz=1000 --set cpu.quantum=7 --set cpu.ram=4MiB");
  CHECK(other["firmware"] == fast["firmware"]);
}

TEST_CASE("firmware on the core that cannot run") {
  const Folder folder;
  const std::string run = "--trace " + SmallTrace() + " --no-quality --timing-only --firmware ";
  WriteFile(folder / "not.elf", "text");
  const Result text = Sim(folder, run + "not.elf");
  CHECK(text.exit_code == 3);
  CHECK(IsOneLine(text.err));
  // wfi without an interrupt that is enabled; an end with status 5
  riscv::WriteFile(folder / "sleeps.elf",
                   riscv::MakeElf(0x80000000, {{0x80000000, {0x73, 0, 0x50, 0x10}, 4}}));
  const Result sleeps = Sim(folder, run + "sleeps.elf");
  CHECK(sleeps.exit_code == 1);
  CHECK(sleeps.err.find("nothing is left to wake it") != std::string::npos);
  riscv::WriteFile(folder / "low.elf",
                   riscv::MakeElf(0x10000, {{0x10000, {0x73, 0, 0x50, 0x10}, 4}}));
  CHECK(Sim(folder, run + "low.elf").exit_code == 3);
}

// The indented blocks of a section of docs/firmware.md.
std::vector<std::string> BlocksOf(const std::string& section) {
  const std::string text = ReadFile(std::string(NIBBLE_SOURCE_DIR) + "/docs/firmware.md");
  const size_t begin = text.find("\n## " + section + "\n");
  REQUIRE(begin != std::string::npos);
  std::istringstream lines(text.substr(begin + 1, text.find("\n## ", begin + 1) - begin));
  std::vector<std::string> blocks;
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    const bool code = line.rfind("    ", 0) == 0;
    if (!code && !line.empty()) within = false;
    if (code && !within) blocks.emplace_back();
    if (code) within = true;
    if (within) blocks.back() += (code ? line.substr(4) : "") + "\n";
  }
  return blocks;
}

TEST_CASE("from an installation and an empty folder to a running ELF, as docs/firmware.md says") {
  if (Elf("run.elf").empty() || test::kSanitized) return;  // compilers, which nothing sanitizes
  const Folder home;
  const std::string install = "cmake --install " NIBBLE_BINARY_DIR " --prefix '" + home / "nibble" +
                              "' > '" + home / "log" + "' 2>&1";
  REQUIRE(std::system(install.c_str()) == 0);
  const std::vector<std::string> blocks = BlocksOf("A firmware of your own");
  REQUIRE(blocks.size() == 3);
  std::filesystem::create_directory(home / "own");
  WriteFile(home / "own/CMakeLists.txt", blocks[0]);
  WriteFile(home / "own/my.c", blocks[1]);
  WriteFile(home / "own/commands", blocks[2]);
  const std::string run = "cd '" + home / "own" + "' && unset NIBBLE_DATA && HOME='" +
                          home.path().string() + "' PATH='" + home / "nibble/bin" +
                          "':$PATH sh -e commands > log 2>&1";
  const int status = std::system(run.c_str());
  const std::string log = ReadFile(home / "own/log");
  INFO(log);
  CHECK(status == 0);
  CHECK(log.find("Hello from my firmware\n") != std::string::npos);
  CHECK(log.find(", as expected\n") != std::string::npos);
  CHECK(log.find("warning") == std::string::npos);
}

TEST_CASE("what belongs to the core is refused by name without it") {
  const Folder folder;
  const std::pair<std::string, std::string> cases[] = {
      {"--gdb 0", "--gdb"},
      {"--trace-instructions t.txt", "--trace-instructions"},
      {"--firmware native --gdb 0", "--gdb"},
      {"--firmware native --trace-instructions t.txt", "--trace-instructions"},
      {"--set cpu.mhz=100", "cpu.mhz"},
      {"--firmware native --set cpu.ram=4MiB", "cpu.ram"},
      {"--set cpu.mhz=0", "cpu.mhz"},
      {"--set cpu.ram=100001", "cpu.ram"}};
  for (const auto& [arguments, name] : cases) {
    const Result r = Sim(folder, "--trace " + SmallTrace() + " " + arguments);
    INFO(arguments << ": " << r.err);
    CHECK(r.exit_code == 2);
    CHECK(IsOneLine(r.err));
    CHECK(r.err.find(name) != std::string::npos);
  }
  CHECK(folder.files() == 0);
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
