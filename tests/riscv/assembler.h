// A tiny assembler: one function an instruction, encoded from the formats of the instruction set
// manual (volume I, chapter 2), apart from the decoder's table.
#pragma once

#include <cstdint>
#include <vector>

namespace nibble::riscv::as {

enum Register : uint32_t {
  zero,
  ra,
  sp,
  gp,
  tp,
  t0,
  t1,
  t2,
  s0,
  s1,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  a6,
  a7,
  s2,
  s3,
  s4,
  s5,
  s6,
  s7,
  s8,
  s9,
  s10,
  s11,
  t3,
  t4,
  t5,
  t6
};

inline uint32_t R(uint32_t funct7, uint32_t funct3, uint32_t opcode, uint32_t rd, uint32_t rs1,
                  uint32_t rs2) {
  return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
inline uint32_t I(uint32_t funct3, uint32_t opcode, uint32_t rd, uint32_t rs1, int32_t imm) {
  return static_cast<uint32_t>(imm) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
inline uint32_t S(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t imm) {
  const auto u = static_cast<uint32_t>(imm) & 0xfff;
  return (u >> 5) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (u & 31) << 7 | 0x23;
}
inline uint32_t B(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t offset) {
  const auto u = static_cast<uint32_t>(offset);
  return (u >> 12 & 1) << 31 | (u >> 5 & 63) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 |
         (u >> 1 & 15) << 8 | (u >> 11 & 1) << 7 | 0x63;
}

inline uint32_t Lui(uint32_t rd, uint32_t imm20) { return imm20 << 12 | rd << 7 | 0x37; }
inline uint32_t Auipc(uint32_t rd, uint32_t imm20) { return imm20 << 12 | rd << 7 | 0x17; }
inline uint32_t Jal(uint32_t rd, int32_t offset) {
  const auto u = static_cast<uint32_t>(offset);
  return (u >> 20 & 1) << 31 | (u >> 1 & 1023) << 21 | (u >> 11 & 1) << 20 | (u >> 12 & 255) << 12 |
         rd << 7 | 0x6f;
}
inline uint32_t Jalr(uint32_t rd, uint32_t rs1, int32_t imm) { return I(0, 0x67, rd, rs1, imm); }

inline uint32_t Beq(uint32_t a, uint32_t b, int32_t offset) { return B(0, a, b, offset); }
inline uint32_t Bne(uint32_t a, uint32_t b, int32_t offset) { return B(1, a, b, offset); }
inline uint32_t Blt(uint32_t a, uint32_t b, int32_t offset) { return B(4, a, b, offset); }
inline uint32_t Bge(uint32_t a, uint32_t b, int32_t offset) { return B(5, a, b, offset); }
inline uint32_t Bltu(uint32_t a, uint32_t b, int32_t offset) { return B(6, a, b, offset); }
inline uint32_t Bgeu(uint32_t a, uint32_t b, int32_t offset) { return B(7, a, b, offset); }

inline uint32_t Lb(uint32_t rd, int32_t imm, uint32_t rs1) { return I(0, 0x03, rd, rs1, imm); }
inline uint32_t Lh(uint32_t rd, int32_t imm, uint32_t rs1) { return I(1, 0x03, rd, rs1, imm); }
inline uint32_t Lw(uint32_t rd, int32_t imm, uint32_t rs1) { return I(2, 0x03, rd, rs1, imm); }
inline uint32_t Lbu(uint32_t rd, int32_t imm, uint32_t rs1) { return I(4, 0x03, rd, rs1, imm); }
inline uint32_t Lhu(uint32_t rd, int32_t imm, uint32_t rs1) { return I(5, 0x03, rd, rs1, imm); }
inline uint32_t Sb(uint32_t rs2, int32_t imm, uint32_t rs1) { return S(0, rs1, rs2, imm); }
inline uint32_t Sh(uint32_t rs2, int32_t imm, uint32_t rs1) { return S(1, rs1, rs2, imm); }
inline uint32_t Sw(uint32_t rs2, int32_t imm, uint32_t rs1) { return S(2, rs1, rs2, imm); }

inline uint32_t Addi(uint32_t rd, uint32_t rs1, int32_t imm) { return I(0, 0x13, rd, rs1, imm); }
inline uint32_t Slti(uint32_t rd, uint32_t rs1, int32_t imm) { return I(2, 0x13, rd, rs1, imm); }
inline uint32_t Sltiu(uint32_t rd, uint32_t rs1, int32_t imm) { return I(3, 0x13, rd, rs1, imm); }
inline uint32_t Xori(uint32_t rd, uint32_t rs1, int32_t imm) { return I(4, 0x13, rd, rs1, imm); }
inline uint32_t Ori(uint32_t rd, uint32_t rs1, int32_t imm) { return I(6, 0x13, rd, rs1, imm); }
inline uint32_t Andi(uint32_t rd, uint32_t rs1, int32_t imm) { return I(7, 0x13, rd, rs1, imm); }
inline uint32_t Slli(uint32_t rd, uint32_t rs1, uint32_t n) { return R(0, 1, 0x13, rd, rs1, n); }
inline uint32_t Srli(uint32_t rd, uint32_t rs1, uint32_t n) { return R(0, 5, 0x13, rd, rs1, n); }
inline uint32_t Srai(uint32_t rd, uint32_t rs1, uint32_t n) { return R(32, 5, 0x13, rd, rs1, n); }

inline uint32_t Add(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 0, 0x33, rd, a, b); }
inline uint32_t Sub(uint32_t rd, uint32_t a, uint32_t b) { return R(32, 0, 0x33, rd, a, b); }
inline uint32_t Sll(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 1, 0x33, rd, a, b); }
inline uint32_t Slt(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 2, 0x33, rd, a, b); }
inline uint32_t Sltu(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 3, 0x33, rd, a, b); }
inline uint32_t Xor(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 4, 0x33, rd, a, b); }
inline uint32_t Srl(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 5, 0x33, rd, a, b); }
inline uint32_t Sra(uint32_t rd, uint32_t a, uint32_t b) { return R(32, 5, 0x33, rd, a, b); }
inline uint32_t Or(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 6, 0x33, rd, a, b); }
inline uint32_t And(uint32_t rd, uint32_t a, uint32_t b) { return R(0, 7, 0x33, rd, a, b); }
inline uint32_t Mul(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 0, 0x33, rd, a, b); }
inline uint32_t Mulh(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 1, 0x33, rd, a, b); }
inline uint32_t Mulhsu(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 2, 0x33, rd, a, b); }
inline uint32_t Mulhu(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 3, 0x33, rd, a, b); }
inline uint32_t Div(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 4, 0x33, rd, a, b); }
inline uint32_t Divu(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 5, 0x33, rd, a, b); }
inline uint32_t Rem(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 6, 0x33, rd, a, b); }
inline uint32_t Remu(uint32_t rd, uint32_t a, uint32_t b) { return R(1, 7, 0x33, rd, a, b); }

inline uint32_t Amo(uint32_t funct5, uint32_t rd, uint32_t rs2, uint32_t rs1) {
  return R(funct5 << 2, 2, 0x2f, rd, rs1, rs2);
}
inline uint32_t LrW(uint32_t rd, uint32_t rs1) { return Amo(2, rd, 0, rs1); }
inline uint32_t ScW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(3, rd, rs2, rs1); }
inline uint32_t AmoswapW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(1, rd, rs2, rs1); }
inline uint32_t AmoaddW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(0, rd, rs2, rs1); }
inline uint32_t AmoxorW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(4, rd, rs2, rs1); }
inline uint32_t AmoandW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(12, rd, rs2, rs1); }
inline uint32_t AmoorW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(8, rd, rs2, rs1); }
inline uint32_t AmominW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(16, rd, rs2, rs1); }
inline uint32_t AmomaxW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(20, rd, rs2, rs1); }
inline uint32_t AmominuW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(24, rd, rs2, rs1); }
inline uint32_t AmomaxuW(uint32_t rd, uint32_t rs2, uint32_t rs1) { return Amo(28, rd, rs2, rs1); }

inline uint32_t Csrrw(uint32_t rd, uint32_t csr, uint32_t rs1) {
  return I(1, 0x73, rd, rs1, static_cast<int32_t>(csr));
}
inline uint32_t Csrrs(uint32_t rd, uint32_t csr, uint32_t rs1) {
  return I(2, 0x73, rd, rs1, static_cast<int32_t>(csr));
}
inline uint32_t Csrrc(uint32_t rd, uint32_t csr, uint32_t rs1) {
  return I(3, 0x73, rd, rs1, static_cast<int32_t>(csr));
}
inline uint32_t Csrrwi(uint32_t rd, uint32_t csr, uint32_t u) {
  return I(5, 0x73, rd, u, static_cast<int32_t>(csr));
}
inline uint32_t Csrrsi(uint32_t rd, uint32_t csr, uint32_t u) {
  return I(6, 0x73, rd, u, static_cast<int32_t>(csr));
}
inline uint32_t Csrrci(uint32_t rd, uint32_t csr, uint32_t u) {
  return I(7, 0x73, rd, u, static_cast<int32_t>(csr));
}
inline uint32_t Csrr(uint32_t rd, uint32_t csr) { return Csrrs(rd, csr, zero); }
inline uint32_t Csrw(uint32_t csr, uint32_t rs1) { return Csrrw(zero, csr, rs1); }

constexpr uint32_t kNop = 0x00000013, kFence = 0x0ff0000f, kFenceI = 0x0000100f,
                   kEcall = 0x00000073, kEbreak = 0x00100073, kMret = 0x30200073, kWfi = 0x10500073;

// A program as it lies in memory.
class Code {
 public:
  Code() = default;
  Code(std::initializer_list<uint32_t> words) {
    for (const uint32_t w : words) Word(w);
  }
  Code& Word(uint32_t w) {
    return Half(static_cast<uint16_t>(w)).Half(static_cast<uint16_t>(w >> 16));
  }
  Code& Half(uint16_t h) {
    bytes_.push_back(static_cast<uint8_t>(h));
    bytes_.push_back(static_cast<uint8_t>(h >> 8));
    return *this;
  }
  // Any 32-bit constant.
  Code& Li(uint32_t rd, uint32_t value) {
    Word(Lui(rd, (value + 0x800) >> 12));
    return Word(Addi(rd, rd, static_cast<int32_t>(value << 20) >> 20));
  }
  Code& Append(const Code& more) {
    bytes_.insert(bytes_.end(), more.bytes_.begin(), more.bytes_.end());
    return *this;
  }
  uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace nibble::riscv::as
