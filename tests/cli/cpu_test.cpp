// sim cpu: console, totals, exit codes, and what it refuses.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/riscv/local_devices.h"
#include "tests/cli/sim.h"
#include "tests/riscv/assembler.h"
#include "tests/riscv/elf_writer.h"

namespace nibble::cli_test {
namespace {

namespace as = riscv::as;
using Catch::Matchers::Contains;
using Json = nlohmann::json;

constexpr uint32_t kRamBase = 0x80000000;

as::Code Hello() {
  as::Code code = as::Code().Li(as::a0, riscv::LocalDevices::kConsoleData);
  for (const char c : std::string("hi\n")) {
    code.Word(as::Addi(as::a1, as::zero, c)).Word(as::Sb(as::a1, 0, as::a0));
  }
  return code;
}

as::Code Exit(uint32_t status) {
  return as::Code()
      .Li(as::a0, riscv::LocalDevices::kExit)
      .Li(as::a1, status == 0 ? 0x5555 : status << 16 | 0x3333)
      .Word(as::Sw(as::a1, 0, as::a0));
}

// Runs `code` under "cpu program.elf ARGUMENTS".
Result RunCpu(const Folder& folder, const as::Code& code, const std::string& arguments = "",
              uint32_t base = kRamBase) {
  riscv::WriteFile(folder / "program.elf",
                   riscv::MakeElf(base, {{base, code.bytes(), code.size()}}));
  return Sim(folder, "cpu program.elf " + arguments);
}

TEST_CASE("cpu: the console comes first, then the totals") {
  const Folder folder;
  const Result r = RunCpu(folder, Hello().Append(Exit(0)), "--json t.json");
  CHECK(r.exit_code == 0);
  CHECK(r.err.empty());
  CHECK(r.out.rfind("hi\n", 0) == 0);
  CHECK_THAT(r.out, Contains("instructions"));
  const Json json = Json::parse(ReadFile(folder / "t.json"));
  CHECK(json["schema"] == "nibble.cpu/1");
  CHECK(json["exit_status"] == 0);
  // 2 + 3 x 2 for the text, 5 to end, all of one cycle; 500 MHz.
  CHECK(json["counters"]["instructions"] == 13);
  CHECK(json["counters"]["busy_cycles"] == 13);
  CHECK(json["counters"]["device_accesses"] == 4);
  CHECK(json["time_ns"] == 26.0);
  double energy = 0;
  for (const Json& price : json["prices"]) {
    CHECK(!price["source"].get<std::string>().empty());
    const std::string counter = price["counter"];
    energy += price["pj"].get<double>() * json["counters"][counter].get<double>();
  }
  CHECK(json["energy_pj"] == Approx(energy));
}

TEST_CASE("cpu: JSON on stdout leaves the console to stderr, and the clock sets the time") {
  const Folder folder;
  const Result r = RunCpu(folder, Hello().Append(Exit(0)), "--json - --clock 1000");
  CHECK(r.err == "hi\n");
  CHECK(Json::parse(r.out)["time_ns"] == 13.0);
}

TEST_CASE("cpu: a status other than 0, and an endless sleep, are failed checks") {
  const Folder folder;
  const Result bad = RunCpu(folder, Exit(7));
  CHECK(bad.exit_code == 1);
  CHECK(bad.err == "sim: program.elf: exit status 7\n");
  const Result asleep = RunCpu(folder, as::Code({as::kWfi}).Append(Exit(0)));
  CHECK(asleep.exit_code == 1);
  CHECK_THAT(asleep.err, Contains("sleeps in wfi before 0x80000004"));
}

TEST_CASE("cpu: a trace has a line for each instruction") {
  const Folder folder;
  const Result r = RunCpu(folder, Exit(0), "--trace-instructions t.txt");
  CHECK(r.exit_code == 0);
  const std::string text = ReadFile(folder / "t.txt");
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK_THAT(text, Contains("80000000  00100537  lui a0,0x100  a0=00100000"));
}

TEST_CASE("cpu: what cannot be run is refused in one line") {
  const Folder folder;
  struct Case {
    const char* arguments;
    int exit_code;
    const char* says;
  };
  const Case c =
      GENERATE(Case{"--clock 0", 2, "clock_mhz = 0"}, Case{"--ram 100", 2, "ram_bytes"},
               Case{"--gdb 70000", 2, "--gdb"}, Case{"--gdb 1 --clock 20000", 2, "clock"},
               Case{"--trace-instructions none/t", 2, "none/t"}, Case{"--json none/t", 2, "none/t"},
               Case{"--platform accel", 2, "--platform"});
  const Result r = RunCpu(folder, Exit(0), c.arguments);
  CAPTURE(c.arguments, r.err);
  CHECK(r.exit_code == c.exit_code);
  CHECK(IsOneLine(r.err));
  CHECK_THAT(r.err, Contains(c.says));
  CHECK(folder.files() == 1);
}

TEST_CASE("cpu: files that are no programs, or lie elsewhere, are bad input") {
  const Folder folder;
  const Result elsewhere = RunCpu(folder, Exit(0), "", 0x10000);
  CHECK(elsewhere.exit_code == 3);
  CHECK_THAT(elsewhere.err, Contains("program.elf: segment 0x10000"));
  WriteFile(folder / "text", "no program");
  const Result text = Sim(folder, "cpu text");
  CHECK(text.exit_code == 3);
  CHECK(IsOneLine(text.err));
  CHECK(Sim(folder, "cpu missing").exit_code == 3);
  CHECK(Sim(folder, "cpu").exit_code == 2);
}

}  // namespace
}  // namespace nibble::cli_test
