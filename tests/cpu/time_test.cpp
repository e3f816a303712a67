// When things happen: interrupts, sleep, stalls; and that the quantum has no say in it.
#include <catch2/catch.hpp>

#include "tests/cpu/system.h"

namespace nibble::cpu {
namespace {

using riscv::LocalDevices;
constexpr uint64_t kPeriod = 2000;  // ps, of the default 500 MHz
const riscv::CycleTable kCycles;

TEST_CASE("a sleeping core enters its handler at the first clock edge after the interrupt") {
  const uint32_t ns = GENERATE(100, 101, 102, 103, 999, 5000, 123457);
  System system(Setup(kExternal).Append(Start(ns)).Word(as::kWfi).Word(as::kNop).Append(Exit(0)),
                LogCycleHandler());
  system.Run();
  REQUIRE(system.device.finished_ps.size() == 1);
  REQUIRE(system.device.log.size() == 1);
  const uint64_t raised = system.device.finished_ps[0];
  const uint64_t edge = (raised + kPeriod - 1) / kPeriod;
  CHECK(system.device.log[0].value == edge + kCycles.trap);
  // The store's transaction comes behind the csrr that took the time.
  CHECK(system.device.log[0].ps == (edge + kCycles.trap + kCycles.csr) * kPeriod);
  CHECK(system.board.cpu.exit_status() == 0u);
}

TEST_CASE("a core at work enters its handler behind the instruction that is under way") {
  // A loop of one and two cycles; then one with a division of 35 cycles.
  const bool divide = GENERATE(false, true);
  const uint32_t longest = divide ? 35 : 2;
  for (uint32_t ns = 20; ns < 120; ++ns) {
    as::Code code = Setup(kExternal).Append(Start(ns));
    code.Word(divide ? as::Divu(as::a1, as::a1, as::zero) : as::Addi(as::a1, as::a1, 1));
    code.Word(as::Jal(as::zero, -4));
    as::Code handler = LogCycleHandler();
    System system(
        code, as::Code{as::Csrr(as::a0, riscv::csr::kMcycle), as::Sw(as::a0, kLog, as::s0)}.Append(
                  Exit(0)));
    system.Run();
    REQUIRE(system.device.log.size() == 1);
    const uint64_t edge = (system.device.finished_ps.at(0) + kPeriod - 1) / kPeriod;
    const uint64_t entered = system.device.log[0].value - kCycles.trap;
    CAPTURE(ns, edge, entered);
    CHECK(entered >= edge);
    CHECK(entered < edge + longest);
  }
}

TEST_CASE("a timer ends a sleep at its cycle, and sleep and work add up to all of time") {
  // Ticks of 100 ns are 50 cycles. Interrupts are enabled one by one, but not in mstatus.
  const uint32_t ticks = GENERATE(1, 2, 77, 100000);
  System system(as::Code()
                    .Li(as::t0, kTimer)
                    .Word(as::Csrw(riscv::csr::kMie, as::t0))
                    .Li(as::t1, LocalDevices::kMtimecmp)
                    .Li(as::t0, ticks)
                    .Word(as::Sw(as::zero, 4, as::t1))
                    .Word(as::Sw(as::t0, 0, as::t1))
                    .Word(as::kWfi)
                    .Word(as::Csrr(as::a0, riscv::csr::kMcycle))
                    .Word(as::Csrr(as::a1, riscv::csr::kTime))
                    .Word(as::Csrr(as::a2, riscv::csr::kMip))
                    .Append(Exit(0)));
  system.Run();
  CHECK(system.x(as::a0) == ticks * 50);
  CHECK(system.x(as::a1) == ticks);
  CHECK(system.x(as::a2) == kTimer);
  const riscv::HartCounters counters = system.board.cpu.counters();
  CHECK(counters.interrupts == 0);
  CHECK(counters.cycles + counters.sleep_cycles == system.hart().state().cycles);
  CHECK(counters.sleep_cycles > 0);
  CHECK(counters.sleep_cycles < ticks * 50);
}

TEST_CASE("a device's time stalls the core, whether it waits or tells a delay") {
  const int32_t where = GENERATE(kAnnotated, kWaiting);
  System system(as::Code()
                    .Li(as::s0, kDevice)
                    .Word(as::Csrr(as::a0, riscv::csr::kMcycle))
                    .Word(as::Lw(as::a1, where, as::s0))
                    .Word(as::Csrr(as::a2, riscv::csr::kMcycle))
                    .Word(as::Sw(as::a1, kLog, as::s0))
                    .Append(Exit(0)));
  system.Run();
  CHECK(system.x(as::a1) == 0x11);
  CHECK(system.x(as::a2) - system.x(as::a0) == kCycles.csr + kCycles.base + 50);
  CHECK(system.board.cpu.counters().stall_cycles == 50);
  REQUIRE(system.device.log.size() == 1);
  CHECK(system.device.log[0].ps == (system.x(as::a2) + kCycles.csr) * kPeriod);
}

// Everything that can be told apart from outside.
struct Seen {
  std::vector<Logged> log;
  std::vector<uint64_t> finished;
  std::vector<uint64_t> counts;
  std::array<uint32_t, 33> x;
};

Seen Observe(System& system) {
  system.Run();
  REQUIRE(system.board.cpu.exit_status() == 0u);
  const riscv::HartCounters c = system.board.cpu.counters();
  return {system.device.log,
          system.device.finished_ps,
          {c.instructions, c.cycles, c.sleep_cycles, c.stall_cycles, c.data_accesses,
           c.device_accesses, c.exceptions, c.interrupts},
          system.hart().state().x};
}

// Polls, sleeps, computes while the device works, and takes interrupts of timer and device.
as::Code BusyProgram() {
  as::Code code = Setup(kExternal | kTimer);
  code.Li(as::t1, LocalDevices::kMtimecmp)
      .Li(as::t0, 40)
      .Word(as::Sw(as::zero, 4, as::t1))
      .Word(as::Sw(as::t0, 0, as::t1));
  code.Li(as::s1, 50);  // rounds
  const uint32_t round = code.size();
  code.Append(Start(3001)).Li(as::a1, 0);
  code.Word(as::Csrrci(as::zero, riscv::csr::kMstatus, 8));
  code.Word(as::Addi(as::a1, as::a1, 1))
      .Word(as::Lw(as::a2, kStatus, as::s0))
      .Word(as::Beq(as::a2, as::zero, -8))
      .Word(as::Sw(as::a1, kLog, as::s0))  // polls
      .Word(as::Sw(as::zero, kAcknowledge, as::s0))
      .Word(as::Csrrsi(as::zero, riscv::csr::kMstatus, 8));
  code.Append(Start(1777)).Li(as::a3, 700);
  code.Word(as::Addi(as::a3, as::a3, -1))
      .Word(as::Mul(as::a4, as::a3, as::a3))
      .Word(as::Bne(as::a3, as::zero, -8))
      .Word(as::kWfi)
      .Word(as::Csrr(as::a5, riscv::csr::kMcycle))
      .Word(as::Sw(as::a5, kLog, as::s0))
      .Word(as::Addi(as::s1, as::s1, -1));
  code.Word(as::Bne(as::s1, as::zero, static_cast<int32_t>(round - code.size())));
  return code.Append(Exit(0));
}

// The timer's interrupt moves mtimecmp on; both log the time.
as::Code BusyHandler() {
  return as::Code({as::Csrr(as::a6, riscv::csr::kMcause), as::Csrr(as::a7, riscv::csr::kMcycle),
                   as::Sw(as::a6, kLog, as::s0), as::Sw(as::a7, kLog, as::s0),
                   as::Andi(as::a6, as::a6, 15), as::Addi(as::a6, as::a6, -7),
                   as::Beq(as::a6, as::zero, 12), as::Sw(as::zero, kAcknowledge, as::s0),
                   as::kMret})
      .Li(as::a6, LocalDevices::kMtimecmp)
      .Word(as::Lw(as::a7, 0, as::a6))
      .Word(as::Addi(as::a7, as::a7, 33))
      .Word(as::Sw(as::a7, 0, as::a6))
      .Word(as::kMret);
}

TEST_CASE("nothing that firmware or device can see depends on the quantum") {
  const auto run = [](uint32_t quantum_ns, bool traced) {
    CpuConfig config;
    config.quantum_ns = quantum_ns;
    System system(BusyProgram(), BusyHandler(), config);
    std::ostringstream trace;
    if (traced) system.board.cpu.TraceTo(trace);
    const Seen seen = Observe(system);
    if (traced) {
      const std::string text = trace.str();
      CHECK(static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')) == seen.counts[0]);
    }
    return seen;
  };
  const Seen expected = run(1, false);
  CHECK(expected.finished.size() == 100);
  CHECK(expected.counts.back() > 70);  // interrupts: the device's in each round, the timer's
  CHECK(expected.log.size() > 100);
  for (const auto& [quantum_ns, traced] :
       {std::pair(7u, false), {100u, false}, {1000u, false}, {1000000u, false}, {1000u, true}}) {
    const Seen seen = run(quantum_ns, traced);
    CAPTURE(quantum_ns, traced);
    CHECK(seen.log == expected.log);
    CHECK(seen.finished == expected.finished);
    CHECK(seen.counts == expected.counts);
    CHECK(seen.x == expected.x);
  }
}

TEST_CASE("each of 1000 jobs interrupts once: the line falls when the handler lets it") {
  as::Code code = Setup(kExternal).Li(as::s1, 1000);
  const uint32_t again = code.size();
  code.Append(Start(500)).Word(as::kWfi).Word(as::Addi(as::s1, as::s1, -1));
  code.Word(as::Bne(as::s1, as::zero, static_cast<int32_t>(again - code.size())));
  System system(code.Append(Exit(0)), LogCycleHandler());
  system.Run();
  CHECK(system.board.cpu.exit_status() == 0u);
  CHECK(system.board.cpu.counters().interrupts == 1000);
  CHECK(system.device.log.size() == 1000);
}

}  // namespace
}  // namespace nibble::cpu
