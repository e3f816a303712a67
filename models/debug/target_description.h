// Which registers the hart has, for GDB.
#pragma once

#include <cstdint>
#include <string>

namespace nibble::debug {

// Numbers of registers in GDB's remote protocol: x0 to x31, pc, and CSR n as 65 + n (behind the
// floating-point registers), as GDB numbers them for RISC-V (gdb/riscv-tdep.h).
constexpr uint32_t kPcNumber = 32, kFirstCsrNumber = 65, kCsrs = 4096;

// XML: features org.gnu.gdb.riscv.cpu and org.gnu.gdb.riscv.csr ("Debugging with GDB", section
// "RISC-V Features").
std::string TargetDescription();

}  // namespace nibble::debug
