// Code that changes, and debugging of the core by itself.
#include <catch2/catch.hpp>

#include "models/riscv/disassembler.h"
#include "tests/riscv/machine.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace)

TEST_CASE("a store to code is seen by the next fetch, even within the running block") {
  // The fourth instruction is overwritten by the third.
  Machine m(Code({Lui(a1, kRamBase >> 12), Lw(a0, 256, a1), Sw(a0, 12, a1), Addi(a2, zero, 1)})
                .Append(Exit()));
  m.SetWord(kRamBase + 256, Addi(a2, zero, 77));
  CHECK(m.hart.Run(1000) == Stop::kExit);
  CHECK(m.x(a2) == 77);
}

TEST_CASE("a loop that rewrites its own body") {
  // The body's addi gets the counter as its immediate in every turn.
  Code code({Lui(a1, kRamBase >> 12), Addi(a3, zero, 10), Lw(a0, 256, a1)});
  const int32_t top = static_cast<int32_t>(code.size());
  code.Word(Slli(a4, a3, 20)).Word(Or(a4, a4, a0)).Word(Sw(a4, top + 12, a1)).Word(Addi(a2, a2, 0));
  code.Word(Addi(a3, a3, -1)).Word(Bne(a3, zero, -20)).Append(Exit());
  Machine m(code);
  m.SetWord(kRamBase + 256, Addi(a2, a2, 0));
  CHECK(m.hart.Run(10000) == Stop::kExit);
  CHECK(m.x(a2) == 55);
}

TEST_CASE("data beside code costs no decoding, and code stays right") {
  Code code({Lui(a1, kRamBase >> 12), Addi(a3, zero, 100), Sb(a3, 28, a1), Addi(a2, a2, 1),
             Addi(a3, a3, -1), Bne(a3, zero, -12), Jal(zero, 8), 0, kNop});
  Machine m(code.Append(Exit()));
  CHECK(m.hart.Run(10000) == Stop::kExit);
  CHECK(m.x(a2) == 100);
  CHECK(m.memory[28] == 1);
}

TEST_CASE("code that somebody else writes is told to the hart") {
  Machine m({Addi(a0, a0, 1), Jal(zero, -4)});
  m.hart.Run(300);
  const uint32_t before = m.x(a0);
  CHECK(before == 100);
  m.Load({Addi(a0, a0, 2)});
  m.hart.Run(600);
  CHECK(m.x(a0) == before + 200);
  m.hart.InvalidateCode(0, 0xffffffff);  // more than there is
  m.hart.InvalidateCode(kRamBase + kRamBytes, 4);
  m.hart.Run(603);
  CHECK(m.x(a0) == before + 202);
}

TEST_CASE("a RAM that cannot be is refused") {
  Machine m;
  CHECK_THROWS_AS(Hart({nullptr, 0, 4096}, m), std::invalid_argument);
  CHECK_THROWS_AS(Hart({m.memory.data(), 2, 4096}, m), std::invalid_argument);
  CHECK_THROWS_AS(Hart({m.memory.data(), 0xfffff000, 0x2000}, m), std::invalid_argument);
}

TEST_CASE("breakpoints stop before the instruction") {
  Machine m({Addi(a0, a0, 1), Addi(a0, a0, 1), Jal(zero, -8)});
  m.hart.breakpoints() = {kRamBase + 4};
  CHECK(m.hart.Run(1000) == Stop::kBreakpoint);
  CHECK(m.x(a0) == 1);
  CHECK(m.hart.Run(1000) == Stop::kBreakpoint);  // it is still there
  CHECK(m.x(a0) == 1);
  m.Step(1);
  CHECK(m.x(a0) == 2);
  CHECK(m.hart.Run(1000) == Stop::kBreakpoint);
  CHECK(m.x(a0) == 3);
  m.hart.breakpoints().clear();
  CHECK(m.hart.Run(1000) == Stop::kBudget);
}

TEST_CASE("watchpoints stop behind the access") {
  const Code code({Sw(a0, 0, a2), Lb(a3, 3, a2), Lw(a4, 4, a2), AmoaddW(a5, a0, a2), kNop});
  struct {
    Watchpoint watch;
    std::vector<uint32_t> stops;  // pc - base
  } const cases[] = {
      {{kData, 4, false, true}, {4, 16}},   {{kData, 4, true, false}, {8, 16}},
      {{kData, 4, true, true}, {4, 8, 16}}, {{kData + 3, 1, true, false}, {8, 16}},
      {{kData + 4, 2, true, true}, {12}},   {{kData + 8, 4, true, true}, {}},
  };
  for (const auto& c : cases) {
    Machine m(Code(code).Append(Exit()));
    m.hart.state().x[a2] = kData;
    m.hart.watchpoints() = {c.watch};
    std::vector<uint32_t> stops;
    while (m.hart.Run(1000) == Stop::kWatchpoint) {
      stops.push_back(m.hart.state().pc - kRamBase);
      CHECK(m.hart.watch_hit()->first == c.watch);
    }
    CHECK(stops == c.stops);
  }
}

TEST_CASE("an ebreak stops a debugged hart and is not executed") {
  Machine m({kNop, kEbreak});
  m.hart.StopAtEbreak(true);
  CHECK(m.hart.Run(1000) == Stop::kEbreak);
  CHECK(m.hart.state().pc == kRamBase + 4);
  CHECK(m.hart.counters().exceptions == 0);
}

TEST_CASE("a step runs interrupt handlers through, and passes wfi when it is woken") {
  Machine m({Addi(a0, a0, 1), kWfi, Addi(a0, a0, 1)});
  m.hart.WriteCsr(csr::kMtvec, kRamBase + 0x400);
  // The handler makes an exception of its own before it returns.
  m.Load({Addi(a1, a1, 1), Csrr(s0, csr::kMepc), Addi(s1, s1, 1), Sw(zero, 60, a2),
          Csrw(csr::kMepc, s0), kMret},
         kRamBase + 0x400);
  m.hart.WriteCsr(csr::kMie, kInterruptBits);
  m.hart.WriteCsr(csr::kMstatus, kMstatusMie);
  m.hart.state().x[a2] = kDevice;
  m.hart.SetInterrupt(Interrupt::kExternal, true);
  m.Step(1);
  CHECK(m.x(a0) == 1);
  CHECK(m.x(a1) == 1);
  CHECK(m.hart.state().pc == kRamBase + 4);

  m.hart.BeginStep();
  CHECK(m.hart.Run(1000) == Stop::kSleep);
  m.hart.Sleep(50);
  m.hart.SetInterrupt(Interrupt::kExternal, true);
  CHECK(m.hart.Run(1000) == Stop::kStep);
  m.hart.EndStep();
  CHECK(m.x(a1) == 2);
  CHECK(m.hart.state().pc == kRamBase + 8);

  // Woken with interrupts off in mstatus: no handler in between.
  m.hart.state().pc = kRamBase + 4;
  m.hart.WriteCsr(csr::kMstatus, 0);
  m.hart.BeginStep();
  CHECK(m.hart.Run(1000) == Stop::kSleep);
  m.hart.SetInterrupt(Interrupt::kExternal, true);
  CHECK(m.hart.Run(1000) == Stop::kStep);
  CHECK(m.hart.state().pc == kRamBase + 8);
  CHECK(m.x(a1) == 2);
}

TEST_CASE("a breakpoint in the handler ends a step that it interrupts") {
  Machine m({Addi(a0, a0, 1), Addi(a0, a0, 1)});
  m.hart.WriteCsr(csr::kMtvec, kRamBase + 0x400);
  m.Load({kNop, kMret}, kRamBase + 0x400);
  m.hart.WriteCsr(csr::kMie, kInterruptBits);
  m.hart.WriteCsr(csr::kMstatus, kMstatusMie);
  m.hart.SetInterrupt(Interrupt::kExternal, true);
  m.hart.breakpoints() = {kRamBase + 0x404};
  m.hart.BeginStep();
  CHECK(m.hart.Run(1000) == Stop::kBreakpoint);
  CHECK(m.x(a0) == 0);
}

TEST_CASE("a trace says what was executed, and what it wrote") {
  Machine m(Code({Addi(a0, zero, 5), Sw(a0, 0, a2)}).Half(0x157d));  // c.addi a0,-1
  m.hart.state().x[a2] = kData;
  std::vector<std::string> lines;
  m.hart.SetTrace([&](const Retired& r) { lines.push_back(TraceLine(r)); });
  m.hart.Run(3);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "         0  80000000  00500513  addi a0,zero,5  a0=00000005");
  CHECK(lines[1] == "         1  80000004  00a62023  sw a0,0(a2)");
  CHECK(lines[2] == "         2  80000008      157d  addi a0,a0,-1  a0=00000004");
}

}  // namespace
}  // namespace nibble::riscv
