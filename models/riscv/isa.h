// The instructions of RV32IMAC with Zicsr, Zifencei and the machine mode: names, encodings, fields.
//
// Source: RISC-V Instruction Set Manual, volume I (20191213), chapter 24, and volume II (20211203).
#pragma once

#include <array>
#include <cstdint>

namespace nibble::riscv {

enum class Op : uint8_t {
  kLui,
  kAuipc,
  kJal,
  kJalr,
  kBeq,
  kBne,
  kBlt,
  kBge,
  kBltu,
  kBgeu,
  kLb,
  kLh,
  kLw,
  kLbu,
  kLhu,
  kSb,
  kSh,
  kSw,
  kAddi,
  kSlti,
  kSltiu,
  kXori,
  kOri,
  kAndi,
  kSlli,
  kSrli,
  kSrai,
  kAdd,
  kSub,
  kSll,
  kSlt,
  kSltu,
  kXor,
  kSrl,
  kSra,
  kOr,
  kAnd,
  kMul,
  kMulh,
  kMulhsu,
  kMulhu,
  kDiv,
  kDivu,
  kRem,
  kRemu,
  kFence,
  kFenceI,
  kLrW,
  kScW,
  kAmoswapW,
  kAmoaddW,
  kAmoxorW,
  kAmoandW,
  kAmoorW,
  kAmominW,
  kAmomaxW,
  kAmominuW,
  kAmomaxuW,
  kCsrrw,
  kCsrrs,
  kCsrrc,
  kCsrrwi,
  kCsrrsi,
  kCsrrci,
  kEcall,
  kEbreak,
  kMret,
  kWfi,
  kIllegal,     // anything else; what executes it traps
  kEndOfBlock,  // none of an instruction set: the end of a block of decoded instructions
};

enum class Format : uint8_t {
  kR,
  kI,
  kShift,
  kLoad,
  kStore,
  kBranch,
  kU,
  kJ,
  kAmo,
  kCsr,
  kCsrImm,
  kNone
};

struct OpInfo {
  Op op;
  const char* name;  // as assemblers write it
  Format format;
  uint32_t match, mask;  // an encoding is this instruction when encoding & mask == match
};

// One entry for each instruction, in the order of Op; without kIllegal and kEndOfBlock.
constexpr int kOps = static_cast<int>(Op::kIllegal);
const std::array<OpInfo, kOps>& Ops();

// Fields that an instruction does not have are zero.
struct Instruction {
  Op op = Op::kIllegal;
  uint8_t rd = 0, rs1 = 0, rs2 = 0;
  uint8_t length = 4;  // bytes: 2 when compressed
  // Sign-extended immediate; lui and auipc: already shifted; shifts: the amount; kCsr: the
  // register's number (kCsrImm: its operand is in rs1).
  int32_t imm = 0;
  uint32_t bits = 0;  // as in memory; 16 bits when compressed
};

// True when an instruction that begins with this halfword has 16 bits.
constexpr bool IsCompressed(uint32_t bits) { return (bits & 3) != 3; }

// Any 32 bits; those of a compressed instruction are the lower half, the upper is ignored.
Instruction Decode(uint32_t bits);

// The 32-bit instruction that a compressed one stands for; 0, which is illegal, when there is none.
uint32_t Expand(uint16_t bits);

constexpr bool IsLoad(Op op) { return op >= Op::kLb && op <= Op::kLhu; }
constexpr bool IsStore(Op op) { return op >= Op::kSb && op <= Op::kSw; }
constexpr bool IsBranch(Op op) { return op >= Op::kBeq && op <= Op::kBgeu; }
constexpr bool IsAtomic(Op op) { return op >= Op::kLrW && op <= Op::kAmomaxuW; }
constexpr bool IsCsr(Op op) { return op >= Op::kCsrrw && op <= Op::kCsrrci; }

// Bytes that a load, store or atomic instruction moves; 0 for any other.
uint32_t AccessBytes(Op op);
// Registers that an instruction reads, bit by register; x0 never.
uint32_t SourceRegisters(const Instruction& instruction);

}  // namespace nibble::riscv
