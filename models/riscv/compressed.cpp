// Compressed instructions (RISC-V Instruction Set Manual, volume I, chapter 16) and the 32-bit ones
// that they stand for.
#include "models/riscv/isa.h"

namespace nibble::riscv {
namespace {

uint32_t RType(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t rs2) {
  return match | rd << 7 | rs1 << 15 | rs2 << 20;
}
uint32_t IType(uint32_t match, uint32_t rd, uint32_t rs1, uint32_t imm) {
  return match | rd << 7 | rs1 << 15 | imm << 20;
}
uint32_t SType(uint32_t match, uint32_t rs1, uint32_t rs2, uint32_t imm) {
  return match | (imm & 0x1f) << 7 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 0x7f) << 25;
}
uint32_t BType(uint32_t match, uint32_t rs1, uint32_t imm) {
  return match | (imm >> 11 & 1) << 7 | (imm >> 1 & 0xf) << 8 | rs1 << 15 |
         (imm >> 5 & 0x3f) << 25 | (imm >> 12 & 1) << 31;
}
uint32_t JType(uint32_t rd, uint32_t imm) {
  return 0x6f | rd << 7 | (imm >> 12 & 0xff) << 12 | (imm >> 11 & 1) << 20 |
         (imm >> 1 & 0x3ff) << 21 | (imm >> 20 & 1) << 31;
}

constexpr uint32_t kLui = 0x37, kAddi = 0x13, kSlli = 0x1013, kSrli = 0x5013, kSrai = 0x40005013,
                   kAndi = 0x7013, kAdd = 0x33, kSub = 0x40000033, kXor = 0x4033, kOr = 0x6033,
                   kAnd = 0x7033, kLw = 0x2003, kSw = 0x2023, kJalr = 0x67, kBeq = 0x63,
                   kBne = 0x1063, kEbreak = 0x100073;

class Expander {
 public:
  explicit Expander(uint16_t half) : h_(half) {}

  uint32_t Quadrant0() const {
    const uint32_t word_offset = Field(12, 10, 3) | Field(6, 6, 2) | Field(5, 5, 6);
    switch (h_ >> 13) {
      case 0: {  // c.addi4spn
        const uint32_t imm = Field(12, 11, 4) | Field(10, 7, 6) | Field(6, 6, 2) | Field(5, 5, 3);
        return imm == 0 ? 0 : IType(kAddi, short_low(), 2, imm);
      }
      case 2:
        return IType(kLw, short_low(), short_high(), word_offset);
      case 6:
        return SType(kSw, short_high(), short_low(), word_offset);
      default:  // floating point, reserved
        return 0;
    }
  }

  uint32_t Quadrant1() const {
    switch (h_ >> 13) {
      case 0:  // c.addi, c.nop
        return IType(kAddi, rd(), rd(), imm6());
      case 1:  // c.jal
        return JType(1, jump_offset());
      case 2:  // c.li
        return IType(kAddi, rd(), 0, imm6());
      case 3:
        return rd() == 2 ? AddToStackPointer() : LoadUpper();
      case 4:
        return Compute();
      case 5:  // c.j
        return JType(0, jump_offset());
      case 6:
        return BType(kBeq, short_high(), branch_offset());
      default:
        return BType(kBne, short_high(), branch_offset());
    }
  }

  uint32_t Quadrant2() const {
    switch (h_ >> 13) {
      case 0:  // c.slli; amounts above 31 are reserved in RV32
        return bit12() ? 0 : IType(kSlli, rd(), rd(), rs2());
      case 2:  // c.lwsp
        return rd() == 0 ? 0
                         : IType(kLw, rd(), 2, Field(12, 12, 5) | Field(6, 4, 2) | Field(3, 2, 6));
      case 4:
        return JumpOrMove();
      case 6:  // c.swsp
        return SType(kSw, 2, rs2(), Field(12, 9, 2) | Field(8, 7, 6));
      default:
        return 0;
    }
  }

 private:
  // Bits high..low of the halfword, as bits from `to` on of an immediate.
  uint32_t Field(int high, int low, int to) const {
    return (h_ >> low & ((1u << (high - low + 1)) - 1)) << to;
  }
  bool bit12() const { return (h_ >> 12 & 1) != 0; }
  uint32_t rd() const { return Field(11, 7, 0); }
  uint32_t rs2() const { return Field(6, 2, 0); }
  uint32_t short_low() const { return 8 + Field(4, 2, 0); }   // rd' or rs2'
  uint32_t short_high() const { return 8 + Field(9, 7, 0); }  // rd' or rs1'
  uint32_t imm6() const { return Field(6, 2, 0) | (bit12() ? 0xfe0u : 0); }
  uint32_t jump_offset() const {
    return Field(11, 11, 4) | Field(10, 9, 8) | Field(8, 8, 10) | Field(7, 7, 6) | Field(6, 6, 7) |
           Field(5, 3, 1) | Field(2, 2, 5) | (bit12() ? 0x1ff800u : 0);
  }
  uint32_t branch_offset() const {
    return Field(11, 10, 3) | Field(6, 5, 6) | Field(4, 3, 1) | Field(2, 2, 5) |
           (bit12() ? 0x1f00u : 0);
  }

  uint32_t AddToStackPointer() const {  // c.addi16sp
    const uint32_t imm =
        Field(6, 6, 4) | Field(5, 5, 6) | Field(4, 3, 7) | Field(2, 2, 5) | (bit12() ? 0xe00u : 0);
    return imm == 0 ? 0 : IType(kAddi, 2, 2, imm);
  }

  uint32_t LoadUpper() const {  // c.lui
    const uint32_t imm = Field(6, 2, 12) | (bit12() ? 0xfffe0000u : 0);
    return imm == 0 ? 0 : kLui | rd() << 7 | imm;
  }

  uint32_t Compute() const {
    const uint32_t r = short_high(), s = short_low();
    switch (h_ >> 10 & 3) {
      case 0:
        return bit12() ? 0 : IType(kSrli, r, r, rs2());
      case 1:
        return bit12() ? 0 : IType(kSrai, r, r, rs2());
      case 2:
        return IType(kAndi, r, r, imm6());
      default:
        break;
    }
    if (bit12()) return 0;  // RV64
    constexpr uint32_t kRegister[4] = {kSub, kXor, kOr, kAnd};
    return RType(kRegister[h_ >> 5 & 3], r, r, s);
  }

  uint32_t JumpOrMove() const {
    if (rs2() != 0) return RType(kAdd, rd(), bit12() ? rd() : 0, rs2());  // c.add, c.mv
    if (rd() != 0) return IType(kJalr, bit12() ? 1 : 0, rd(), 0);         // c.jalr, c.jr
    return bit12() ? kEbreak : 0;
  }

  uint32_t h_;
};

}  // namespace

uint32_t Expand(uint16_t bits) {
  const Expander expander(bits);
  switch (bits & 3) {
    case 0:
      return expander.Quadrant0();
    case 1:
      return expander.Quadrant1();
    case 2:
      return expander.Quadrant2();
    default:
      return 0;
  }
}

}  // namespace nibble::riscv
