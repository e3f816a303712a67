// A session of GDB itself, with a program in C.
#include <catch2/catch.hpp>

#include "models/riscv/elf_file.h"
#include "tests/debug/session.h"
#include "tests/riscv/elf_writer.h"
#include "tests/riscv/tools.h"

namespace nibble::debug {
namespace {

using Catch::Matchers::Contains;

// Runs `commands` after GDB has connected; gives what it prints. The program's exit status is in
// `system`.
std::string Gdb(cpu::System& system, const riscv::TemporaryFolder& folder,
                const std::string& commands) {
  riscv::ToolResult result;
  Debug(system, [&](uint16_t port) {
    const std::string script =
        "set pagination off\nset confirm off\nset width 0\ntarget remote 127.0.0.1:" +
        std::to_string(port) + "\n" + commands;
    riscv::WriteFile(folder / "script", {script.begin(), script.end()});
    result = riscv::RunTool("timeout 60 gdb-multiarch -nx -batch -x " + (folder / "script") + " " +
                            (folder / "firmware.elf") + " 2>&1");
  });
  return result.output;
}

TEST_CASE("GDB breaks in the handler, looks at a device, steps over wfi, watches, continues") {
  if (!riscv::HasTool("gdb-multiarch", "gdb-multiarch")) return;
  if (!riscv::HasTool("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf")) return;
  const riscv::TemporaryFolder folder;
  const riscv::ToolResult gcc = riscv::RunTool(
      "riscv64-unknown-elf-gcc -misa-spec=2.2 -march=rv32imac -mabi=ilp32 -Og -g -ffreestanding "
      "-nostdlib -static -Wl,-N,-Ttext=0x80000000 -o " +
      (folder / "firmware.elf") + " " NIBBLE_SOURCE_DIR "/tests/debug/firmware.c 2>&1");
  CAPTURE(gcc.output);
  REQUIRE(gcc.status == 0);

  cpu::System system(riscv::ReadElf(folder / "firmware.elf"));
  const std::string output = Gdb(system, folder, R"(
info registers pc
break handler
continue
printf "jobs %d, done %d\n", jobs, *(unsigned *)0x40000004
printf "cause %#x\n", $mcause
backtrace 1
next
next
next
printf "counted %d, done %d\n", jobs, *(unsigned *)0x40000004
delete
tbreak nap
continue
x/i $pc
set $before = $mcycle
stepi
printf "slept %d, jobs %d\n", $mcycle - $before > 400, jobs
x/i $pc-4
watch squares[1]
continue
delete
next
info locals
set var squares[0] = 77
p squares
monitor stats
continue
)");
  CAPTURE(output);
  CHECK_THAT(output, Contains("pc             0x80000"));
  CHECK_THAT(output, Contains("Breakpoint 1, handler ()"));
  CHECK_THAT(output, Contains("jobs 0, done 1"));
  CHECK_THAT(output, Contains("cause 0x8000000b"));
  CHECK_THAT(output, Contains("#0  handler ()"));
  CHECK_THAT(output, Contains("counted 1, done 0"));
  CHECK_THAT(output, Contains("<run_job+"));
  CHECK_THAT(output, Contains("slept 1, jobs 1"));
  CHECK_THAT(output, Contains("Hardware watchpoint 3: squares[1]"));
  CHECK_THAT(output, Contains("Old value = 0\nNew value = 1"));
  CHECK_THAT(output, Contains("i = 2"));
  CHECK_THAT(output, Contains("{77, 1, 0, 0}"));
  CHECK_THAT(output, Contains("interrupts 2"));
  CHECK_THAT(output, Contains("exited normally"));
  CHECK(system.board.cpu.exit_status() == 0u);
}

}  // namespace
}  // namespace nibble::debug
