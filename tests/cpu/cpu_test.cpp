// The core on its bus: faults, the end of a program, counters, and what is refused.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/cpu/system.h"

namespace nibble::cpu {
namespace {

using riscv::LocalDevices;

// Logs mcause, mtval and mepc, and goes on behind the instruction, of 4 bytes.
as::Code FaultHandler() {
  return {as::Csrr(as::a0, riscv::csr::kMcause),
          as::Sw(as::a0, kLog, as::s0),
          as::Csrr(as::a0, riscv::csr::kMtval),
          as::Sw(as::a0, kLog, as::s0),
          as::Csrr(as::a0, riscv::csr::kMepc),
          as::Sw(as::a0, kLog, as::s0),
          as::Addi(as::a0, as::a0, 4),
          as::Csrw(riscv::csr::kMepc, as::a0),
          as::kMret};
}

TEST_CASE("an access that the system refuses is a fault of the instruction") {
  struct Case {
    uint32_t address, instruction, cause;
    int transactions;  // that reach the device
  };
  const Case c =
      GENERATE(Case{kDevice + kBroken, as::Lw(as::a1, 0, as::a2), 5, 1},     // the device says no
               Case{kDevice + kBroken, as::Sw(as::a1, 0, as::a2), 7, 1},     //
               Case{0x50000000, as::Lbu(as::a1, 0, as::a2), 5, 0},           // nobody is there
               Case{0x50000000, as::Sh(as::a1, 0, as::a2), 7, 0},            //
               Case{kRamBase - 4, as::Lw(as::a1, 0, as::a2), 5, 0},          // RAM begins later
               Case{kRamBase + (1 << 20), as::Sw(as::a1, 0, as::a2), 7, 0},  // and ends before
               Case{kDevice + 2, as::Lw(as::a1, 0, as::a2), 4, 0},           // misaligned
               Case{kDevice + 1, as::Sh(as::a1, 0, as::a2), 6, 0},           //
               Case{kDevice, as::LrW(as::a1, as::a2), 5, 0},              // no atomics on devices
               Case{kDevice, as::AmoaddW(as::a1, as::a1, as::a2), 7, 0},  //
               Case{LocalDevices::kMtimecmp, as::Lb(as::a1, 0, as::a2), 5, 0},  // words only
               Case{LocalDevices::kMtime, as::Sw(as::a1, 0, as::a2), 7, 0},     // read only
               Case{LocalDevices::kConsoleData, as::Sw(as::a1, 0, as::a2), 7, 0});
  as::Code code = Setup(0).Li(as::a1, 0x1234).Li(as::a2, c.address);
  const uint32_t pc = kRamBase + code.size();
  code.Word(c.instruction).Word(as::Addi(as::a3, as::zero, 1)).Append(Exit(0));
  System system(code, FaultHandler());
  system.Run();
  CAPTURE(c.address, c.cause);
  REQUIRE(system.device.log.size() == 3);
  CHECK(system.device.log[0].value == c.cause);
  CHECK(system.device.log[1].value == c.address);
  CHECK(system.device.log[2].value == pc);
  CHECK(system.device.transactions == 3 + c.transactions);
  CHECK(system.x(as::a1) == 0x1234);  // a load that faults writes nothing
  CHECK(system.x(as::a3) == 1);
  CHECK(system.board.cpu.counters().exceptions == 1);
  CHECK(system.board.cpu.exit_status() == 0u);
}

TEST_CASE("code runs from RAM alone") {
  System system(Setup(0).Li(as::a2, kDevice).Word(as::Jalr(as::ra, as::a2, 0)),
                as::Code({as::Csrr(as::a3, riscv::csr::kMcause)}).Append(Exit(7)));
  system.Run();
  CHECK(system.x(as::a3) == 1);
  CHECK(system.device.transactions == 0);
  CHECK(system.board.cpu.exit_status() == 7u);
}

TEST_CASE("the console prints, the exit device ends the simulation with its status") {
  as::Code code = as::Code().Li(as::a2, LocalDevices::kConsoleData);
  for (const char c : std::string("hello\n")) {
    code.Word(as::Addi(as::a1, as::zero, c)).Word(as::Sb(as::a1, 0, as::a2));
  }
  const uint32_t status = GENERATE(0, 1, 42, 65535);
  System system(code.Append(Exit(status)).Word(as::Jal(as::zero, 0)));
  system.Run();
  CHECK(system.console.str() == "hello\n");
  CHECK(system.board.cpu.exit_status() == status);
  CHECK(!system.board.cpu.killed());
  // The kernel's time is that of the core's end.
  CHECK(sc_core::sc_time_stamp().value() == system.hart().state().cycles * 2000);
}

TEST_CASE("rows of the counters add up to the hart's, and the energy is that of the prices") {
  as::Code code = as::Code().Li(as::s0, kDevice);
  for (uint32_t layer = 0; layer < 3; ++layer) {
    code.Li(as::a0, layer).Word(as::Sw(as::a0, kLayer, as::s0));
    for (uint32_t k = 0; k < 10 * (layer + 1); ++k) code.Word(as::Lw(as::a1, kStatus, as::s0));
  }
  System system(code.Append(Exit(0)), {}, {}, 3);
  sim::CounterRegistry registry;
  system.board.cpu.RegisterCounters(registry);
  system.Run();
  const riscv::HartCounters sum = system.board.cpu.counters();
  REQUIRE(registry.columns().size() == 8);
  for (const auto& column : registry.columns()) {
    const std::string& name = column.info.name;
    const uint64_t expected = name == "instructions"      ? sum.instructions
                              : name == "busy_cycles"     ? sum.cycles
                              : name == "sleep_cycles"    ? sum.sleep_cycles
                              : name == "stall_cycles"    ? sum.stall_cycles
                              : name == "data_accesses"   ? sum.data_accesses
                              : name == "device_accesses" ? sum.device_accesses
                              : name == "exceptions"      ? sum.exceptions
                                                          : sum.interrupts;
    CAPTURE(name);
    CHECK(column.read(0) + column.read(1) + column.read(2) == expected);
    // The store that begins a layer is its own; the last has the store to the exit device.
    if (name == "device_accesses") {
      CHECK(column.read(0) == 11);
      CHECK(column.read(1) == 21);
      CHECK(column.read(2) == 32);
    }
  }
  CHECK(riscv::EnergyPj(sum) == Approx(11.6 * static_cast<double>(sum.instructions) +
                                       10.0 * static_cast<double>(sum.data_accesses)));
}

TEST_CASE("a line that is raised before the start interrupts when the core lets it") {
  System system(Setup(kExternal).Word(as::kNop).Append(Exit(1)), LogCycleHandler().Append(Exit(0)));
  system.board.cpu.SetExternalInterrupt(true);
  system.Run();
  CHECK(system.device.log.size() == 1);
}

TEST_CASE("what cannot be built is refused by name") {
  using Catch::Matchers::Contains;
  std::ostringstream console;
  const sim::FreshKernel kernel;
  CpuConfig config;
  config.ram_bytes = 5000;
  CHECK_THROWS_WITH(config.Check(), Contains("cpu.ram_bytes = 5000"));
  config = {};
  config.quantum_ns = 0;
  CHECK_THROWS_WITH(Board(config, console), Contains("cpu.quantum_ns = 0"));
  Board board({}, console);
  Ram other("other", 16);
  CHECK_THROWS_WITH(board.router.Map("dma", kRamBase + 4096, 16, other.socket),
                    Contains("dma at 0x80001000 overlaps cpu_ram at 0x80000000"));
  riscv::ElfImage image;
  image.segments.push_back({kRamBase - 4, std::vector<uint8_t>(8)});
  CHECK_THROWS_WITH(board.cpu.Load(image, "f.elf"), Contains("f.elf: segment 0x7ffffffc"));
}

TEST_CASE("a core whose RAM is too small is refused when the simulation starts") {
  std::ostringstream console;
  const sim::FreshKernel kernel;
  CpuModule cpu("cpu", {}, console);
  Router router("router");
  Ram ram("ram", 4096);
  cpu.socket.bind(router.socket);
  router.Map("ram", kRamBase, 4096, ram.socket);
  CHECK_THROWS_WITH(
      sim::RunKernel(),
      Catch::Matchers::Contains("cpu: no memory grants direct access to 0x80000000..0x800fffff"));
}

}  // namespace
}  // namespace nibble::cpu
