#include "models/riscv/disassembler.h"

#include <fmt/format.h>

namespace nibble::riscv {
namespace {

std::string CsrText(int32_t number) {
  const char* name = NameOfCsr(static_cast<uint32_t>(number));
  return name != nullptr ? name : fmt::format("{:#x}", number);
}

// ".aq", ".rl" as the ordering bits of an atomic instruction say.
std::string Ordering(uint32_t bits) {
  return std::string((bits >> 26 & 1) != 0 ? ".aq" : "") + ((bits >> 25 & 1) != 0 ? ".rl" : "");
}

}  // namespace

const char* RegisterName(uint32_t number) {
  static const char* const names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                        "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                        "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                        "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
  return names[number % 32];
}

std::string Disassemble(const Instruction& i, uint32_t pc) {
  if (i.op >= Op::kIllegal) {
    return i.length == 2 ? fmt::format(".2byte {:#06x}", i.bits)
                         : fmt::format(".4byte {:#010x}", i.bits);
  }
  const OpInfo& info = Ops()[static_cast<size_t>(i.op)];
  const char *rd = RegisterName(i.rd), *rs1 = RegisterName(i.rs1), *rs2 = RegisterName(i.rs2);
  const uint32_t target = pc + static_cast<uint32_t>(i.imm);
  switch (info.format) {
    case Format::kR:
      return fmt::format("{} {},{},{}", info.name, rd, rs1, rs2);
    case Format::kI:
      if (i.op == Op::kJalr) return fmt::format("jalr {},{}({})", rd, i.imm, rs1);
      return fmt::format("{} {},{},{}", info.name, rd, rs1, i.imm);
    case Format::kShift:
      return fmt::format("{} {},{},{:#x}", info.name, rd, rs1, i.imm);
    case Format::kLoad:
      return fmt::format("{} {},{}({})", info.name, rd, i.imm, rs1);
    case Format::kStore:
      return fmt::format("{} {},{}({})", info.name, rs2, i.imm, rs1);
    case Format::kBranch:
      return fmt::format("{} {},{},{:#x}", info.name, rs1, rs2, target);
    case Format::kU:
      return fmt::format("{} {},{:#x}", info.name, rd, static_cast<uint32_t>(i.imm) >> 12);
    case Format::kJ:
      return fmt::format("{} {},{:#x}", info.name, rd, target);
    case Format::kAmo:
      if (i.op == Op::kLrW)
        return fmt::format("{}{} {},({})", info.name, Ordering(i.bits), rd, rs1);
      return fmt::format("{}{} {},{},({})", info.name, Ordering(i.bits), rd, rs2, rs1);
    case Format::kCsr:
      return fmt::format("{} {},{},{}", info.name, rd, CsrText(i.imm), rs1);
    case Format::kCsrImm:
      return fmt::format("{} {},{},{}", info.name, rd, CsrText(i.imm), i.rs1);
    case Format::kNone:
      break;
  }
  return info.name;
}

std::string TraceLine(const Retired& r) {
  const Instruction& i = r.instruction;
  std::string line =
      fmt::format("{:>10}  {:08x}  {:>8}  {}", r.cycle, r.pc,
                  fmt::format(i.length == 2 ? "{:04x}" : "{:08x}", i.bits), Disassemble(i, r.pc));
  if (i.rd != 0) line += fmt::format("  {}={:08x}", RegisterName(i.rd), r.after.x[i.rd]);
  return line;
}

}  // namespace nibble::riscv
