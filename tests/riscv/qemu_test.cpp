// The core against QEMU's user mode, on random programs.
#include <catch2/catch.hpp>

#include "models/riscv/elf_file.h"
#include "tests/riscv/elf_writer.h"
#include "tests/riscv/machine.h"
#include "tests/riscv/random_program.h"
#include "tests/riscv/tools.h"

namespace nibble::riscv {
namespace {

// A hart whose first system call ends the run.
struct UserMode : Bus {
  explicit UserMode(const ElfImage& image)
      : memory(0x20000), hart({memory.data(), kProgramBase, 0x20000}, *this) {
    LoadElf(image, hart.ram(), "program");
    hart.Reset(image.entry);
    hart.WriteCsr(csr::kMtvec, kHandler);
    const std::vector<uint8_t> store = as::Code({as::Sb(as::zero, 0, as::zero)}).bytes();
    std::copy(store.begin(), store.end(), memory.begin() + (kHandler - kProgramBase));
  }
  BusReply Load(uint32_t, uint32_t, uint32_t&) override { return {false, {}, 0}; }
  BusReply Store(uint32_t address, uint32_t, uint32_t) override {
    return {address == 0, BusReply::Then::kExit, 0};
  }
  uint64_t Time() override { return 0; }

  static constexpr uint32_t kHandler = 0x2f000;
  std::vector<uint8_t> memory;
  Hart hart;
};

void CheckSeed(const TemporaryFolder& folder, uint32_t seed) {
  CAPTURE(seed);
  const std::string path = folder / "program.elf";
  const as::Code code = RandomProgram(seed);
  REQUIRE(code.size() < kWindow - kProgramBase);
  WriteFile(path,
            MakeElf(kProgramBase, {{kProgramBase, code.bytes(), code.size()},
                                   {kWindow, RandomWindow(seed), kWindowBytes + kRegisterBytes}}));
  const ToolResult qemu = RunTool("qemu-riscv32 " + path + " 2>&1");
  if (qemu.status != 0) FAIL(qemu.output);
  REQUIRE(qemu.output.size() == kWindowBytes + kRegisterBytes);

  UserMode ours(ReadElf(path));
  // Every other program in slices, of which the result must be the same.
  Stop stop = Stop::kBudget;
  const uint64_t slice = seed % 2 == 0 ? 1000000 : 1 + seed % 97;
  while (stop == Stop::kBudget && ours.hart.state().cycles < 1000000) {
    stop = ours.hart.Run(ours.hart.state().cycles + slice);
  }
  REQUIRE(stop == Stop::kExit);
  CHECK(ours.hart.state().mcause == static_cast<uint32_t>(Cause::kEcallMachine));
  CHECK(ours.hart.counters().exceptions == 1);
  const char* window = reinterpret_cast<const char*>(ours.memory.data() + (kWindow - kProgramBase));
  for (uint32_t r = 0; r < 32; ++r) {
    uint32_t expected = 0, got = 0;
    std::memcpy(&expected, qemu.output.data() + kWindowBytes + 4 * r, 4);
    std::memcpy(&got, window + kWindowBytes + 4 * r, 4);
    CAPTURE(r);
    CHECK(got == expected);
  }
  CHECK(qemu.output == std::string(window, kWindowBytes + kRegisterBytes));
}

// A program in C, compiled, whose only output is kWindowBytes from kWindow on.
TEST_CASE("a compiled program agrees with QEMU, optimised in any way") {
  if (!HasTool("qemu-riscv32", "qemu-user")) return;
  if (!HasTool("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf")) return;
  const std::string level = GENERATE("-O0", "-O2", "-Os -msave-restore", "-O3 -funroll-loops");
  const TemporaryFolder folder;
  const std::string path = folder / "program.elf";
  const ToolResult gcc = RunTool(
      "riscv64-unknown-elf-gcc -misa-spec=2.2 -march=rv32imac -mabi=ilp32 --specs=picolibc.specs "
      "-nostartfiles -static -T " NIBBLE_SOURCE_DIR "/tests/riscv/program.ld " +
      level + " -o " + path + " " NIBBLE_SOURCE_DIR "/tests/riscv/program.c 2>&1");
  CAPTURE(level, gcc.output);
  REQUIRE(gcc.status == 0);
  const ToolResult qemu = RunTool("qemu-riscv32 " + path);
  REQUIRE(qemu.status == 0);
  REQUIRE(qemu.output.size() == kWindowBytes);

  UserMode ours(ReadElf(path));
  REQUIRE(ours.hart.Run(100000000) == Stop::kExit);
  CHECK(ours.hart.state().mcause == static_cast<uint32_t>(Cause::kEcallMachine));
  CHECK(ours.hart.counters().instructions > 20000);
  const char* window = reinterpret_cast<const char*>(ours.memory.data() + (kWindow - kProgramBase));
  CHECK(qemu.output == std::string(window, kWindowBytes));
}

void CheckSeeds(uint32_t first, uint32_t count) {
  if (!HasTool("qemu-riscv32", "qemu-user")) return;
  const TemporaryFolder folder;
  for (uint32_t seed = first; seed < first + count; ++seed) CheckSeed(folder, seed);
}

// Apart, so that ctest runs them side by side.
TEST_CASE("random programs agree with QEMU: seeds 0 to 99") { CheckSeeds(0, 100); }
TEST_CASE("random programs agree with QEMU: seeds 100 to 199") { CheckSeeds(100, 100); }
TEST_CASE("random programs agree with QEMU: seeds 200 to 299") { CheckSeeds(200, 100); }

}  // namespace
}  // namespace nibble::riscv
