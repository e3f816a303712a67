// Machine mode: exceptions, interrupts, control and status registers.
#include <catch2/catch.hpp>

#include "tests/riscv/machine.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace)

constexpr uint32_t kHandler = kRamBase + 0x400;

// `code` at the start of RAM, a handler in direct mode that nothing else reaches.
struct Traps : Machine {
  explicit Traps(const Code& code) : Machine(code) {
    hart.WriteCsr(csr::kMtvec, kHandler);
    Load({kNop, kNop, kNop, kMret}, kHandler);
  }
  void CheckTrap(Cause cause, uint32_t mepc, uint32_t mtval) {
    CHECK(hart.state().pc == kHandler);
    CHECK(hart.state().mcause == static_cast<uint32_t>(cause));
    CHECK(hart.state().mepc == mepc);
    CHECK(hart.state().mtval == mtval);
  }
};

TEST_CASE("exceptions: cause, address, value") {
  SECTION("ecall") {
    Traps m({kNop, kEcall});
    m.Step(2);
    m.CheckTrap(Cause::kEcallMachine, kRamBase + 4, 0);
    CHECK(m.hart.state().instructions == 1);  // an ecall does not retire
  }
  SECTION("ebreak") {
    Traps m({kEbreak});
    m.Step(1);
    m.CheckTrap(Cause::kBreakpoint, kRamBase, kRamBase);
  }
  SECTION("c.ebreak") {
    Traps m(Code().Half(0x9002));
    m.Step(1);
    m.CheckTrap(Cause::kBreakpoint, kRamBase, kRamBase);
  }
  SECTION("fetch from no RAM") {
    Traps m({Jalr(ra, a0, 0)});
    m.hart.state().x[a0] = 0x1000;
    m.Step(2);
    m.CheckTrap(Cause::kInstructionAccess, 0x1000, 0x1000);
    CHECK(m.x(ra) == kRamBase + 4);
  }
  SECTION("an instruction whose second half is beyond RAM") {
    Traps m({Jalr(zero, a0, 0)});
    m.hart.state().x[a0] = kRamBase + kRamBytes - 2;
    m.Load(Code().Half(0x0013), kRamBase + kRamBytes - 2);
    m.Step(2);
    m.CheckTrap(Cause::kInstructionAccess, kRamBase + kRamBytes - 2, kRamBase + kRamBytes);
  }
  SECTION("loads and stores where there is nothing") {
    Traps load({Lw(a1, 16, a0)}), store({Sb(a1, 16, a0)}), past({Lw(a1, 0, a0)});
    load.hart.state().x[a0] = store.hart.state().x[a0] = 0x500000;
    past.hart.state().x[a0] = kRamBase + kRamBytes;
    load.Step(1);
    load.CheckTrap(Cause::kLoadAccess, kRamBase, 0x500010);
    store.Step(1);
    store.CheckTrap(Cause::kStoreAccess, kRamBase, 0x500010);
    past.Step(1);
    past.CheckTrap(Cause::kLoadAccess, kRamBase, kRamBase + kRamBytes);
  }
  SECTION("devices take aligned accesses only, and atomics RAM only") {
    Traps load({Lw(a1, 2, a0)}), store({Sh(a1, 1, a0)}), amo({AmoaddW(a1, a2, a0)}),
        lr({LrW(a1, a0)});
    for (Traps* m : {&load, &store, &amo, &lr}) m->hart.state().x[a0] = kDevice;
    load.Step(1);
    load.CheckTrap(Cause::kLoadMisaligned, kRamBase, kDevice + 2);
    store.Step(1);
    store.CheckTrap(Cause::kStoreMisaligned, kRamBase, kDevice + 1);
    amo.Step(1);
    amo.CheckTrap(Cause::kStoreAccess, kRamBase, kDevice);
    lr.Step(1);
    lr.CheckTrap(Cause::kLoadAccess, kRamBase, kDevice);
    CHECK(load.device_loads == 0);
  }
  SECTION("misaligned atomics") {
    Traps amo({AmoaddW(a1, a2, a0)}), sc({ScW(a1, a2, a0)}), lr({LrW(a1, a0)});
    for (Traps* m : {&amo, &sc, &lr}) m->hart.state().x[a0] = kData + 2;
    amo.Step(1);
    amo.CheckTrap(Cause::kStoreMisaligned, kRamBase, kData + 2);
    sc.Step(1);
    sc.CheckTrap(Cause::kStoreMisaligned, kRamBase, kData + 2);
    lr.Step(1);
    lr.CheckTrap(Cause::kLoadMisaligned, kRamBase, kData + 2);
  }
}

TEST_CASE("illegal instructions carry their bits") {
  const uint32_t words[] = {
      0xffffffff,            // all ones
      0x0000707f | 0x00000,  // no such opcode
      R(2, 0, 0x33, a0, a0, a0),
      R(33, 1, 0x33, a0, a0, a0),
      R(32, 1, 0x13, a0, a0, 3),
      I(3, 0x03, a0, a0, 0),
      I(7, 0x03, a0, a0, 0),  // ld; no such load
      I(3, 0x67, a0, a0, 0),
      B(2, a0, a0, 8),
      B(3, a0, a0, 8),
      S(3, a0, a0, 0),
      0x10200073,
      0x00200073,
      0x7b200073,
      0x12000073,  // sret, uret, dret, sfence.vma
      I(4, 0x73, a0, a0, 0x340),
      Amo(5, a0, a0, a0),
      LrW(a0, a0) | 1 << 20,
      R(0, 3, 0x2f, a0, a0, a0),
      Csrr(a0, 0x180),
      Csrr(a0, 0x3a0),
      Csrr(a0, 0x7b0),
      Csrr(a0, 0x001),
      Csrr(a0, 0x306),  // satp, pmpcfg0, dcsr, fflags, mcounteren
      Csrrw(zero, csr::kMhartid, a0),
      Csrrsi(a0, csr::kCycle, 1),
      Csrrc(a0, csr::kTime, a1),
      0x00007007,
      0xd0000053,  // flw-like, fadd.s
  };
  for (const uint32_t word : words) {
    CAPTURE(word);
    Traps m({word});
    m.Step(1);
    m.CheckTrap(Cause::kIllegalInstruction, kRamBase, word);
  }
  for (const uint16_t half : {0x0000, 0x2000, 0x8002, 0x4002, 0x6101, 0x9c01}) {
    CAPTURE(half);
    Traps m(Code().Half(half).Half(0x1234));
    m.Step(1);
    m.CheckTrap(Cause::kIllegalInstruction, kRamBase, half);
  }
  // Reading a read-only register with set or clear of nothing is no write.
  Traps reads({Csrrs(a0, csr::kMhartid, zero), Csrrci(a1, csr::kCycle, 0)});
  reads.Step(2);
  CHECK(reads.hart.state().pc == kRamBase + 8);
}

TEST_CASE("mret returns, and restores the interrupt enable") {
  Traps m({Csrrsi(zero, csr::kMstatus, 8), kEcall, kNop});
  m.Step(2);
  CHECK(m.hart.state().mstatus == (kMstatusMpp | kMstatusMpie));
  m.Load({Csrr(t0, csr::kMepc), Addi(t0, t0, 4), Csrw(csr::kMepc, t0), kMret}, kHandler);
  m.Step(4);
  CHECK(m.hart.state().pc == kRamBase + 8);
  CHECK(m.hart.state().mstatus == (kMstatusMpp | kMstatusMpie | kMstatusMie));
  CHECK(m.hart.counters().exceptions == 1);
}

TEST_CASE("interrupts: enables, priority, vectors") {
  Traps m({kNop, kNop, kNop, kNop});
  const auto enable = [&](uint32_t lines, bool on) {
    m.hart.WriteCsr(csr::kMie, lines);
    m.hart.WriteCsr(csr::kMstatus, on ? kMstatusMie : 0);
  };
  for (const auto line : {Interrupt::kTimer, Interrupt::kSoftware, Interrupt::kExternal}) {
    m.hart.SetInterrupt(line, true);
  }
  enable(kInterruptBits, false);
  m.Step(1);
  CHECK(m.hart.state().pc == kRamBase + 4);  // off in mstatus
  CHECK(m.hart.WakesUp());
  enable(0, true);
  m.Step(1);
  CHECK(m.hart.state().pc == kRamBase + 8);  // off in mie
  CHECK_FALSE(m.hart.WakesUp());

  const auto taken = [&](uint32_t mtvec) {
    m.hart.WriteCsr(csr::kMtvec, mtvec);
    m.hart.state().pc = kRamBase + 4;
    m.hart.Run(m.hart.state().cycles + 1);  // no time for an instruction
    CHECK(m.hart.state().mepc == kRamBase + 4);
    CHECK(m.hart.state().mtval == 0);
    CHECK((m.hart.state().mstatus & kMstatusMie) == 0);
    const uint32_t cause = m.hart.state().mcause;
    CHECK((cause & kCauseInterrupt) != 0);
    return std::make_pair(cause & 0xff, m.hart.state().pc);
  };
  using Taken = std::pair<uint32_t, uint32_t>;
  enable(kInterruptBits, true);
  CHECK(taken(kHandler) == Taken(11, kHandler));
  enable(kInterruptBits, true);
  CHECK(taken(kHandler | 1) == Taken(11, kHandler + 44));
  enable(InterruptBit(Interrupt::kSoftware) | InterruptBit(Interrupt::kTimer), true);
  CHECK(taken(kHandler | 1) == Taken(3, kHandler + 12));
  enable(InterruptBit(Interrupt::kTimer), true);
  CHECK(taken(kHandler | 1) == Taken(7, kHandler + 28));
  CHECK(m.hart.counters().interrupts == 4);

  // Exceptions are never vectored.
  m.hart.WriteCsr(csr::kMstatus, 0);
  m.Load({kEcall}, kRamBase);
  m.hart.state().pc = kRamBase;
  m.Step(1);
  CHECK(m.hart.state().pc == kHandler);
}

TEST_CASE("an interrupt that a store raises comes before the next instruction") {
  // msip of the local devices, then an external line that a device register drives.
  for (const uint32_t address : {uint32_t{LocalDevices::kMsip}, kDevice + 60}) {
    Traps m({Sw(a0, 0, a1), Addi(a2, zero, 1), Addi(a2, zero, 2)});
    m.hart.state().x[a0] = 1;
    m.hart.state().x[a1] = address;
    m.hart.WriteCsr(csr::kMie, kInterruptBits);
    m.hart.WriteCsr(csr::kMstatus, kMstatusMie);
    m.hart.Run(1000);
    CHECK(m.hart.state().mepc == kRamBase + 4);
    CHECK(m.hart.counters().interrupts >= 1);
  }
  // The handler that lowers the line returns for good: no second trap.
  Traps m(Code({Sw(a0, 0, a1), Addi(a2, a2, 1)}).Append(Exit()));
  m.Load({Sw(zero, 0, a1), Addi(a3, a3, 1), kMret}, kHandler);
  m.hart.state().x[a0] = 1;
  m.hart.state().x[a1] = kDevice + 60;
  m.hart.WriteCsr(csr::kMie, kInterruptBits);
  m.hart.WriteCsr(csr::kMstatus, kMstatusMie);
  CHECK(m.hart.Run(1000) == Stop::kExit);
  CHECK(m.x(a2) == 1);
  CHECK(m.x(a3) == 1);
  CHECK(m.hart.counters().interrupts == 1);
}

TEST_CASE("wfi sleeps until an enabled interrupt is pending") {
  Traps m({kWfi, Addi(a0, a0, 1), kWfi, Addi(a0, a0, 1)});
  m.hart.WriteCsr(csr::kMie, InterruptBit(Interrupt::kTimer));
  m.hart.SetInterrupt(Interrupt::kExternal, true);  // not enabled
  CHECK(m.hart.Run(1000) == Stop::kSleep);
  CHECK(m.hart.state().pc == kRamBase + 4);
  m.hart.Sleep(77);
  CHECK(m.hart.counters().sleep_cycles == 77);
  CHECK(m.hart.state().cycles == m.hart.counters().cycles + 77);
  m.hart.SetInterrupt(Interrupt::kTimer, true);
  CHECK(m.hart.WakesUp());
  m.hart.Run(m.hart.state().cycles +
             3);  // goes on behind it, without a trap; the second does not sleep
  CHECK(m.x(a0) == 2);
  CHECK(m.hart.counters().interrupts == 0);
}

TEST_CASE("control and status registers accept what their fields do") {
  Machine m;
  const auto written = [&](uint32_t number, uint32_t value) {
    CHECK(m.hart.WriteCsr(number, value));
    return m.hart.ReadCsr(number);
  };
  CHECK(written(csr::kMstatus, ~0u) == (kMstatusMpp | kMstatusMie | kMstatusMpie));
  CHECK(written(csr::kMstatus, 0) == kMstatusMpp);
  CHECK(written(csr::kMie, ~0u) == 0x888);
  CHECK(written(csr::kMip, ~0u) == 0);
  CHECK(written(csr::kMtvec, ~0u) == 0xfffffffd);
  CHECK(written(csr::kMtvec, 0x1002) == 0x1000);
  CHECK(written(csr::kMepc, ~0u) == 0xfffffffe);
  CHECK(written(csr::kMscratch, 0x12345678) == 0x12345678);
  CHECK(written(csr::kMcause, 0x8000000b) == 0x8000000b);
  CHECK(written(csr::kMisa, 0) == 0x40001105);  // RV32, A C I M
  CHECK(written(0xb03, ~0u) == 0);
  CHECK(written(0x323, ~0u) == 0);
  CHECK_FALSE(m.hart.WriteCsr(csr::kMhartid, 0));
  CHECK_FALSE(m.hart.WriteCsr(csr::kCycle, 0));
  CHECK_FALSE(m.hart.ReadCsr(0x180).has_value());
}

TEST_CASE("csr instructions read the old value, and write, set or clear") {
  Traps m({Csrrw(a1, csr::kMscratch, a0), Csrrs(a2, csr::kMscratch, a0),
           Csrrc(a3, csr::kMscratch, a0), Csrrwi(a4, csr::kMscratch, 31),
           Csrrsi(a5, csr::kMscratch, 1), Csrrci(a6, csr::kMscratch, 3), Csrr(a7, csr::kMscratch)});
  m.hart.WriteCsr(csr::kMscratch, 0x100);
  m.hart.state().x[a0] = 0x0ff;
  m.Step(7);
  CHECK(m.x(a1) == 0x100);
  CHECK(m.x(a2) == 0x0ff);
  CHECK(m.x(a3) == 0x0ff);
  CHECK(m.x(a4) == 0);
  CHECK(m.x(a5) == 31);
  CHECK(m.x(a6) == 31);
  CHECK(m.x(a7) == 28);
}

TEST_CASE("counters count, and can be written") {
  Traps m({Csrr(a0, csr::kMinstret), kNop, Csrr(a1, csr::kMinstret), Csrr(a2, csr::kMcycle), kNop,
           kNop, Csrr(a3, csr::kMcycle), Csrw(csr::kMinstret, a4), Csrr(a5, csr::kInstret),
           Csrw(csr::kMcycleh, a4), Csrr(a6, csr::kCycleh), Csrr(a7, csr::kTime)});
  m.hart.state().x[a4] = 1000;
  m.Step(12);
  CHECK(m.x(a0) == 0);
  CHECK(m.x(a1) == 2);
  CHECK(m.x(a3) - m.x(a2) == 4 + 2);  // a read of mcycle takes 4
  CHECK(m.x(a5) == 1000);             // what was written, by the instruction behind
  CHECK(m.x(a6) == 1000);
  CHECK(m.hart.state().instructions == 12);
  CHECK(m.hart.state().cycles < 100);  // writing them changes no count of ours
}

}  // namespace
}  // namespace nibble::riscv
