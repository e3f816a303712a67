// Control and status registers of the machine mode that the hart has; any other number is illegal.
//
// Source: RISC-V Instruction Set Manual, volume II (20211203), tables 2.2 to 2.6 and chapter 3.
#pragma once

#include <cstdint>
#include <vector>

namespace nibble::riscv {

namespace csr {
constexpr uint32_t kMstatus = 0x300, kMisa = 0x301, kMie = 0x304, kMtvec = 0x305, kMstatush = 0x310,
                   kMcountinhibit = 0x320, kMhpmevent3 = 0x323, kMhpmevent31 = 0x33f,
                   kMscratch = 0x340, kMepc = 0x341, kMcause = 0x342, kMtval = 0x343, kMip = 0x344,
                   kMcycle = 0xb00, kMinstret = 0xb02, kMhpmcounter3 = 0xb03,
                   kMhpmcounter31 = 0xb1f, kMcycleh = 0xb80, kMinstreth = 0xb82,
                   kMhpmcounter3h = 0xb83, kMhpmcounter31h = 0xb9f, kCycle = 0xc00, kTime = 0xc01,
                   kInstret = 0xc02, kCycleh = 0xc80, kTimeh = 0xc81, kInstreth = 0xc82,
                   kMvendorid = 0xf11, kMarchid = 0xf12, kMimpid = 0xf13, kMhartid = 0xf14,
                   kMconfigptr = 0xf15;
}  // namespace csr

// Bits of mstatus. MPP is always machine mode.
constexpr uint32_t kMstatusMie = 1u << 3, kMstatusMpie = 1u << 7, kMstatusMpp = 3u << 11;
// misa: RV32 with I, M, A, C.
constexpr uint32_t kMisaValue = (1u << 30) | (1u << 8) | (1u << 12) | (1u << 0) | (1u << 2);

// Bits of mip and mie, and codes in mcause.
enum class Interrupt : uint32_t { kSoftware = 3, kTimer = 7, kExternal = 11 };
constexpr uint32_t InterruptBit(Interrupt i) { return 1u << static_cast<uint32_t>(i); }
constexpr uint32_t kInterruptBits = InterruptBit(Interrupt::kSoftware) |
                                    InterruptBit(Interrupt::kTimer) |
                                    InterruptBit(Interrupt::kExternal);
constexpr uint32_t kCauseInterrupt = 1u << 31;

// Exceptions, as in mcause. Instructions are never misaligned, since compressed ones are there.
enum class Cause : uint32_t {
  kInstructionAccess = 1,
  kIllegalInstruction = 2,
  kBreakpoint = 3,
  kLoadMisaligned = 4,
  kLoadAccess = 5,
  kStoreMisaligned = 6,  // and atomic instructions
  kStoreAccess = 7,      // and atomic instructions
  kEcallMachine = 11,
};

// Registers that debuggers and traces name, by ascending number.
struct CsrName {
  uint32_t number;
  const char* name;
};
const std::vector<CsrName>& CsrNames();
// The name, or null.
const char* NameOfCsr(uint32_t number);

}  // namespace nibble::riscv
