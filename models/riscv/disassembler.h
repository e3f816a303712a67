// Instructions and executed instructions as text.
#pragma once

#include <string>

#include "models/riscv/hart.h"
#include "models/riscv/isa.h"

namespace nibble::riscv {

// "zero", "ra", "sp", ...: the calling convention's name of x0 to x31.
const char* RegisterName(uint32_t number);

// In the assembler's syntax, without aliases: "addi a0,a0,-16", "beq a0,zero,0x80000010". A
// compressed instruction reads as the one that it stands for.
std::string Disassemble(const Instruction& instruction, uint32_t pc);

// One line of an instruction trace: cycle, address, encoding, text, and what was written to the
// destination register: "      1024  80000010  00a50533  add a0,a0,a0  a0=00000020".
std::string TraceLine(const Retired& retired);

}  // namespace nibble::riscv
