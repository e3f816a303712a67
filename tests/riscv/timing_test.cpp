// Cycles, as the CV32E40P manual tabulates them, and independence from how a run is cut.
#include <catch2/catch.hpp>
#include <random>

#include "tests/riscv/machine.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace)

// Cycles of `code`, which begins at `at`, until its end is reached.
uint64_t Cycles(const Code& code, uint32_t a = 0, uint32_t b = 0, uint32_t at = kRamBase) {
  Machine m;
  m.Load(code, at);
  m.hart.state().pc = at;
  m.hart.state().x[a0] = a;
  m.hart.state().x[a1] = b;
  m.hart.state().x[a2] = kData;
  m.hart.state().x[a3] = at + 12;
  m.hart.breakpoints().insert(at + code.size());
  CHECK(m.hart.Run(10000) == Stop::kBreakpoint);
  return m.hart.state().cycles;
}

TEST_CASE("cycles by instruction") {
  CHECK(Cycles({kNop}) == 1);
  CHECK(Cycles({Mul(a4, a0, a1)}) == 1);
  CHECK(Cycles({Mulh(a4, a0, a1)}) == 5);
  CHECK(Cycles({Mulhsu(a4, a0, a1)}) == 5);
  CHECK(Cycles({Mulhu(a4, a0, a1)}) == 5);
  CHECK(Cycles({Lw(a4, 0, a2)}) == 1);
  CHECK(Cycles({Lw(a4, 2, a2)}) == 2);
  CHECK(Cycles({Lh(a4, 1, a2)}) == 1);
  CHECK(Cycles({Lh(a4, 3, a2)}) == 2);
  CHECK(Cycles({Sb(a4, 3, a2)}) == 1);
  CHECK(Cycles({Sw(a4, 3, a2)}) == 2);
  CHECK(Cycles({Jal(zero, 4)}) == 2);
  CHECK(Cycles({Beq(a0, a1, 4)}, 1, 2) == 1);
  CHECK(Cycles({Beq(a0, a1, 4)}, 1, 1) == 3);
  CHECK(Cycles({Csrr(a4, csr::kMstatus)}) == 4);
  CHECK(Cycles({Csrr(a4, csr::kMscratch)}) == 1);
  CHECK(Cycles({kFenceI}) == 2);
}

TEST_CASE("a division takes three cycles and one for each leading zero of the divisor") {
  CHECK(Cycles({Divu(a4, a0, a1)}, 1, 0x80000000) == 3);
  CHECK(Cycles({Divu(a4, a0, a1)}, 1, 1) == 34);
  CHECK(Cycles({Remu(a4, a0, a1)}, 1, 0) == 35);
  CHECK(Cycles({Div(a4, a0, a1)}, 1, 0xffffffff) == 34);
  CHECK(Cycles({Rem(a4, a0, a1)}, 1, 0x10000) == 18);
}

TEST_CASE("hazards and fetches across words") {
  CHECK(Cycles({Lw(a4, 0, a2), Add(a5, a4, a4)}) == 3);        // uses what was loaded
  CHECK(Cycles({Lw(a4, 0, a2), kNop, Add(a5, a4, a4)}) == 3);  // one later: hidden
  CHECK(Cycles({Lw(zero, 0, a2), Add(a5, zero, zero)}) == 2);
  CHECK(Cycles({Lw(a4, 0, a2), Lui(a5, 1)}) == 2);
  CHECK(Cycles({Lw(a4, 0, a2), Sw(a4, 0, a2)}) == 3);
  // 12 bytes: the jump's target is the end.
  CHECK(Cycles({kNop, Addi(a3, a3, 0), Jalr(zero, a3, 0)}) == 1 + 1 + 3);
  CHECK(Cycles({Addi(a3, a3, 0), kNop, Jalr(zero, a3, 0)}) == 1 + 1 + 2);
  // A jump to a 32-bit instruction across words, and to a compressed one there.
  CHECK(Cycles(Code({Jal(zero, 6)}).Half(1).Word(kNop).Half(1)) == 2 + 1 + 1 + 1);
  CHECK(Cycles(Code({Jal(zero, 6)}).Half(1).Half(1).Half(1)) == 2 + 1 + 1);
  CHECK(Cycles(Code({Beq(zero, zero, 6)}).Half(1).Word(kNop).Half(1)) == 3 + 1 + 1 + 1);
  CHECK(Cycles(Code({Beq(a0, a1, 6)}).Half(1).Word(kNop).Half(1), 1, 2) ==
        1 + 1 + 1 + 1);  // falls through
}

TEST_CASE("a slow device stalls the core, and what it stalled is counted") {
  Machine m(Code({Lw(a0, 0, a1), Sw(a0, 4, a1), kNop}).Append(Exit()));
  m.hart.state().x[a1] = kDevice;
  m.stall = 20;
  CHECK(m.hart.Run(10000) == Stop::kExit);
  Machine quick(Code({Lw(a0, 0, a1), Sw(a0, 4, a1), kNop}).Append(Exit()));
  quick.hart.state().x[a1] = kDevice;
  CHECK(quick.hart.Run(10000) == Stop::kExit);
  CHECK(m.hart.state().cycles == quick.hart.state().cycles + 40);
  CHECK(m.hart.counters().stall_cycles == 40);
  CHECK(m.hart.counters().device_accesses == 3);  // and the exit device
  CHECK(m.hart.counters().data_accesses == 3);
}

TEST_CASE("the bus can end a run after an access") {
  Machine m(Code({Lw(a0, 0, a1), Addi(a2, a0, 1)}).Append(Exit()));
  m.hart.state().x[a1] = kDevice;
  m.then = BusReply::Then::kSynchronise;
  m.registers[0] = 41;
  CHECK(m.hart.Run(10000) == Stop::kSynchronise);
  CHECK(m.hart.state().pc == kRamBase + 4);
  CHECK(m.x(a0) == 41);
  CHECK(m.hart.Run(10000) == Stop::kExit);
  CHECK(m.x(a2) == 42);
  CHECK(m.device_loads == 1);
}

TEST_CASE("an exit status") {
  Machine m(Code().Li(a0, LocalDevices::kExit).Li(a1, 42 << 16 | 0x3333).Word(Sw(a1, 0, a0)));
  CHECK(m.hart.Run(1000) == Stop::kExit);
  CHECK(m.devices.exit_status() == 42);
  CHECK(m.hart.state().pc == kRamBase + 20);
}

// Loops with loads, stores, divisions, calls and misaligned code.
Code Loop() {
  Code code;
  code.Li(s0, kData).Li(s1, 40);
  const uint32_t top = code.size();
  code.Half(0x0001)
      .Word(Lw(a0, 0, s0))
      .Word(Addi(a0, a0, 3))
      .Word(Sw(a0, 0, s0))
      .Word(Div(a4, a0, s1));
  code.Word(Lh(a5, 3, s0)).Word(Jal(ra, 8)).Word(Addi(a6, a6, 1)).Word(Add(a5, a5, a4));
  code.Word(Andi(a7, s1, 1)).Word(Beq(a7, zero, 6)).Half(0x0001).Word(Csrr(t0, csr::kMcycle));
  code.Word(AmoaddW(t1, a0, s0)).Word(Add(t2, t1, t1)).Word(Addi(s1, s1, -1));
  code.Word(Bne(s1, zero, static_cast<int32_t>(top - code.size())));
  return code.Append(Exit());
}

TEST_CASE("results do not depend on how a run is cut, or watched") {
  Machine whole(Loop());
  CHECK(whole.hart.Run(~uint64_t{0}) == Stop::kExit);
  CHECK(whole.hart.state().instructions > 500);
  std::mt19937 random(1);
  for (int run = 0; run < 60; ++run) {
    Machine cut(Loop());
    const uint32_t most = run < 20 ? 3 : run < 40 ? 30 : 300;
    Stop stop = Stop::kBudget;
    if (run % 4 == 3) cut.hart.SetTrace([](const Retired&) {});
    while (stop != Stop::kExit) {
      const uint64_t until = cut.hart.state().cycles + 1 + random() % most;
      stop = cut.hart.Run(until);
      if (stop == Stop::kBudget) {
        CHECK(cut.hart.state().cycles >= until);
        CHECK(cut.hart.state().cycles < until + 40);  // at most the longest instruction
      }
    }
    CHECK(cut.hart.state().cycles == whole.hart.state().cycles);
    CHECK(cut.hart.state().instructions == whole.hart.state().instructions);
    CHECK(cut.hart.state().x == whole.hart.state().x);
    CHECK(cut.hart.counters().data_accesses == whole.hart.counters().data_accesses);
    CHECK(cut.memory == whole.memory);
  }
}

TEST_CASE("time never runs backwards, and interrupts come at their cycle") {
  // mtime is the cycle here; the owner raises the timer at mtimecmp, as Run(mtimecmp) allows.
  Machine m(Code({kNop, Jal(zero, -4)}));
  m.hart.WriteCsr(csr::kMtvec, kRamBase + 0x400);
  m.Load({kWfi}, kRamBase + 0x400);
  m.hart.WriteCsr(csr::kMie, InterruptBit(Interrupt::kTimer));
  m.hart.WriteCsr(csr::kMstatus, kMstatusMie);
  CHECK(m.hart.Run(1000) == Stop::kBudget);
  CHECK(m.hart.state().cycles == 1000);  // nop + jump = 3; after 333 of them, one nop
  m.hart.SetInterrupt(Interrupt::kTimer, true);
  CHECK(m.hart.Run(1001) == Stop::kBudget);
  CHECK(m.hart.state().pc == kRamBase + 0x400);
  CHECK(m.hart.state().cycles == 1003);
}

}  // namespace
}  // namespace nibble::riscv
