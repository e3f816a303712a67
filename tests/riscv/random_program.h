// Random programs: straight runs, branches, bounded loops, calls, any alignment of code and data,
// that end by writing a window of memory and all registers to standard output with Linux system
// calls.
#pragma once

#include <cstdint>

#include "tests/riscv/assembler.h"

namespace nibble::riscv {

constexpr uint32_t kProgramBase = 0x10000;  // code
constexpr uint32_t kWindow = 0x20000;       // data that the program works on, then its registers
constexpr uint32_t kWindowBytes = 0x2000, kRegisterBytes = 32 * 4;

// At most 32 KiB of code. The same seed makes the same program everywhere.
as::Code RandomProgram(uint32_t seed);

// The window's contents at the start.
std::vector<uint8_t> RandomWindow(uint32_t seed);

}  // namespace nibble::riscv
