// Firmware on the RISC-V core: whole networks, errors, and GDB.
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <thread>

#include "nibble_board.h"
#include "tests/debug/session.h"
#include "tests/firmware/machine.h"
#include "tests/riscv/elf_writer.h"
#include "tests/riscv/tools.h"

namespace nibble::test {
namespace {

using Catch::Matchers::Contains;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

// The built firmware, or nothing where its compiler is not installed.
std::string Elf(const std::string& name) {
  const std::string path = std::string(NIBBLE_FIRMWARE_DIR) + "/" + name;
  if (std::filesystem::exists(path)) return path;
  std::cout << "skipped: " << name << " is not built (Debian package gcc-riscv64-unknown-elf)\n";
  return "";
}

struct CoreRun {
  platforms::RunOutcome outcome;
  std::string printed;
};

CoreRun RunElf(const SmallMachine& machine, const std::string& path, bool polling, uint32_t runs,
               riscv::Debugger* debugger = nullptr) {
  const numerics::StoredActivations& output =
      machine.expected().tensors[static_cast<size_t>(machine.program().output)];
  platforms::RunOptions options;
  firmware::AddBootTable(
      {{machine.program(), "network", firmware::HashOf(output.codes, output.scales)}},
      {runs, polling}, options);
  std::ostringstream console;
  platforms::CoreFirmware core;
  core.image = riscv::ReadElf(path);
  core.name = path;
  core.console = &console;
  core.debugger = debugger;
  options.firmware = &core;
  CoreRun run;
  run.outcome = platforms::Run(machine.design(), machine.program(), options);
  run.printed = console.str();
  return run;
}

TEST_CASE("the core's memory map is that of nibble_board.h") {
  const cpu::CpuConfig config;
  CHECK(NIBBLE_REGISTER_ADDRESS == platforms::kRegisterWindow);
  CHECK(NIBBLE_DRAM_ADDRESS == platforms::kDramWindow);
  CHECK(uint64_t{NIBBLE_DRAM_ADDRESS} + NIBBLE_DRAM_WINDOW == uint64_t{1} << 32);
  CHECK(NIBBLE_RAM_ADDRESS == config.ram_base);
  CHECK(NIBBLE_EXIT_ADDRESS == riscv::LocalDevices::kExit);
  CHECK(NIBBLE_CONSOLE_ADDRESS == riscv::LocalDevices::kConsoleData);
}

TEST_CASE("MobileNetV2 under firmware on the core: golden's bits, and the built-in host's counts") {
  const std::string elf = Elf("run.elf");
  if (elf.empty()) return;
  trace::Network net = compiler::BuildNetwork("mobilenet_v2", 32);
  compiler::Calibrate(net, {compiler::GeneratedInput(net, 1)});
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform, net);
    const platforms::RunOutcome built_in = platforms::Run(machine.design(), machine.program());
    for (const bool polling : {false, true}) {
      CAPTURE(platforms::PlatformName(platform), polling);
      const CoreRun run = RunElf(machine, elf, polling, 2);
      INFO(run.printed);
      CHECK(run.outcome.host.status == NIBBLE_RUN_OK);
      CHECK(run.printed.find("as expected") != run.printed.rfind("as expected"));  // twice
      CHECK(FirstDifference(net, machine.expected(), machine.program(), run.outcome)
                .value_or("equal") == "equal");
      CHECK(run.outcome.stats.cycles == built_in.stats.cycles);
      CHECK(run.outcome.stats.layer_cycles == built_in.stats.layer_cycles);
      CHECK(run.outcome.stats.values == built_in.stats.values);
    }
  }
}

TEST_CASE("on the core, too, a flipped bit ends in the error path, and the next job runs") {
  const std::string elf = Elf("recover.elf");
  if (elf.empty()) return;
  for (const Platform platform : kPlatforms) {
    const SmallMachine machine(platform);
    for (const bool polling : {false, true}) {
      CAPTURE(platforms::PlatformName(platform), polling);
      const CoreRun run = RunElf(machine, elf, polling, 1);
      INFO(run.printed);
      CHECK(run.outcome.host.status == NIBBLE_RUN_OK);
      const size_t word = machine.program().commands.size() / 2;
      CHECK_THAT(run.printed,
                 Contains("network: error 0x20 at command word " + std::to_string(word) + ","));
      CHECK_THAT(run.printed, Contains(", as expected\n"));
      // Counts are those of the job that was done.
      CHECK(run.outcome.jobs == 1);
      CheckSameWork(run.outcome.stats, platforms::Run(machine.design(), machine.program()).stats);
    }
  }
}

// A debugger beside the run: GDB with `commands`; gives what it prints.
std::string Gdb(uint16_t port, const std::string& elf, const std::string& commands) {
  const riscv::TemporaryFolder folder;
  const std::string script =
      "set pagination off\nset confirm off\nset width 0\ntarget remote 127.0.0.1:" +
      std::to_string(port) + "\n" + commands;
  riscv::WriteFile(folder / "script", {script.begin(), script.end()});
  const riscv::ToolResult result = riscv::RunTool("timeout 60 gdb-multiarch -nx -batch -x " +
                                                  (folder / "script") + " " + elf + " 2>&1");
  try {
    const debug::Client release(port);  // a server that still waits for somebody
  } catch (const std::exception&) {
    // Nobody was waiting.
  }
  return result.output;
}

TEST_CASE("GDB breaks in the interrupt handler, reads a register, steps, continues to the end") {
  const std::string elf = Elf("run.elf");
  if (elf.empty() || !riscv::HasTool("gdb-multiarch", "gdb-multiarch")) return;
  const SmallMachine machine(Platform::kAccel);
  std::optional<debug::GdbServer> server(0);
  const uint16_t port = server->port();
  std::string output;
  std::thread gdb([&] {
    output = Gdb(port, elf, R"(
break nibble_interrupt_handler
continue
printf "cause %#x, status %u, enable %u\n", $mcause, *(unsigned *)0x40000060, *(unsigned *)0x40000064
printf "jobs %u, id %c\n", *(unsigned *)0x40000108, *(char *)0x40000000
backtrace
set $before = $pc
stepi
printf "stepped %d\n", $pc != $before
finish
printf "status %u\n", *(unsigned *)0x40000060
monitor stats
delete
continue
)");
  });
  CoreRun run;
  std::string error;
  try {
    run = RunElf(machine, elf, false, 1, &*server);
  } catch (const std::exception& e) {
    error = e.what();
  }
  server.reset();  // which ends the connection
  gdb.join();
  INFO(output);
  CHECK(error.empty());
  CHECK(run.outcome.host.status == NIBBLE_RUN_OK);
  CHECK_THAT(output, Contains("Breakpoint 1, nibble_interrupt_handler ()"));
  CHECK_THAT(output, Contains("cause 0x8000000b, status 1, enable 3"));
  CHECK_THAT(output, Contains("jobs 1, id L"));  // "NIBL", the last letter lowest
  CHECK_THAT(output, Contains("in nibble_trap ()"));
  CHECK_THAT(output, Contains("stepped 1"));
  CHECK_THAT(output, Contains("status 0"));
  CHECK_THAT(output, Contains("interrupts 1"));
  CHECK_THAT(output, Contains("exited normally"));
}

}  // namespace
}  // namespace nibble::test
