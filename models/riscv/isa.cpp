#include "models/riscv/isa.h"

#include <cstddef>

namespace nibble::riscv {
namespace {

// Which bits of an encoding are fixed, by format.
constexpr uint32_t kOpcode = 0x7f, kFunct3 = 0x707f, kFunct7 = 0xfe00707f, kFunct5 = 0xf800707f,
                   kFunct5Rs2 = 0xf9f0707f, kAll = 0xffffffff;

constexpr int32_t SignExtend(uint32_t value, int bits) {
  return static_cast<int32_t>(value << (32 - bits)) >> (32 - bits);
}

constexpr uint32_t Bits(uint32_t word, int high, int low) {
  return word >> low & ((1u << (high - low + 1)) - 1);
}

int32_t Immediate(Format format, uint32_t w) {
  switch (format) {
    case Format::kI:
    case Format::kLoad:
      return SignExtend(Bits(w, 31, 20), 12);
    case Format::kShift:
      return static_cast<int32_t>(Bits(w, 24, 20));
    case Format::kStore:
      return SignExtend(Bits(w, 31, 25) << 5 | Bits(w, 11, 7), 12);
    case Format::kBranch:
      return SignExtend(
          Bits(w, 31, 31) << 12 | Bits(w, 7, 7) << 11 | Bits(w, 30, 25) << 5 | Bits(w, 11, 8) << 1,
          13);
    case Format::kU:
      return static_cast<int32_t>(w & 0xfffff000);
    case Format::kJ:
      return SignExtend(Bits(w, 31, 31) << 20 | Bits(w, 19, 12) << 12 | Bits(w, 20, 20) << 11 |
                            Bits(w, 30, 21) << 1,
                        21);
    case Format::kCsr:
    case Format::kCsrImm:
      return static_cast<int32_t>(Bits(w, 31, 20));
    case Format::kR:
    case Format::kAmo:
    case Format::kNone:
      break;
  }
  return 0;
}

bool HasRd(Format f) { return f != Format::kStore && f != Format::kBranch && f != Format::kNone; }
bool HasRs1(Format f) { return f != Format::kU && f != Format::kJ && f != Format::kNone; }
bool HasRs2(Format f) {
  return f == Format::kR || f == Format::kStore || f == Format::kBranch || f == Format::kAmo;
}

}  // namespace

const std::array<OpInfo, kOps>& Ops() {
  using F = Format;
  static const std::array<OpInfo, kOps> ops = {{
      {Op::kLui, "lui", F::kU, 0x37, kOpcode},
      {Op::kAuipc, "auipc", F::kU, 0x17, kOpcode},
      {Op::kJal, "jal", F::kJ, 0x6f, kOpcode},
      {Op::kJalr, "jalr", F::kI, 0x67, kFunct3},
      {Op::kBeq, "beq", F::kBranch, 0x0063, kFunct3},
      {Op::kBne, "bne", F::kBranch, 0x1063, kFunct3},
      {Op::kBlt, "blt", F::kBranch, 0x4063, kFunct3},
      {Op::kBge, "bge", F::kBranch, 0x5063, kFunct3},
      {Op::kBltu, "bltu", F::kBranch, 0x6063, kFunct3},
      {Op::kBgeu, "bgeu", F::kBranch, 0x7063, kFunct3},
      {Op::kLb, "lb", F::kLoad, 0x0003, kFunct3},
      {Op::kLh, "lh", F::kLoad, 0x1003, kFunct3},
      {Op::kLw, "lw", F::kLoad, 0x2003, kFunct3},
      {Op::kLbu, "lbu", F::kLoad, 0x4003, kFunct3},
      {Op::kLhu, "lhu", F::kLoad, 0x5003, kFunct3},
      {Op::kSb, "sb", F::kStore, 0x0023, kFunct3},
      {Op::kSh, "sh", F::kStore, 0x1023, kFunct3},
      {Op::kSw, "sw", F::kStore, 0x2023, kFunct3},
      {Op::kAddi, "addi", F::kI, 0x0013, kFunct3},
      {Op::kSlti, "slti", F::kI, 0x2013, kFunct3},
      {Op::kSltiu, "sltiu", F::kI, 0x3013, kFunct3},
      {Op::kXori, "xori", F::kI, 0x4013, kFunct3},
      {Op::kOri, "ori", F::kI, 0x6013, kFunct3},
      {Op::kAndi, "andi", F::kI, 0x7013, kFunct3},
      {Op::kSlli, "slli", F::kShift, 0x1013, kFunct7},
      {Op::kSrli, "srli", F::kShift, 0x5013, kFunct7},
      {Op::kSrai, "srai", F::kShift, 0x40005013, kFunct7},
      {Op::kAdd, "add", F::kR, 0x0033, kFunct7},
      {Op::kSub, "sub", F::kR, 0x40000033, kFunct7},
      {Op::kSll, "sll", F::kR, 0x1033, kFunct7},
      {Op::kSlt, "slt", F::kR, 0x2033, kFunct7},
      {Op::kSltu, "sltu", F::kR, 0x3033, kFunct7},
      {Op::kXor, "xor", F::kR, 0x4033, kFunct7},
      {Op::kSrl, "srl", F::kR, 0x5033, kFunct7},
      {Op::kSra, "sra", F::kR, 0x40005033, kFunct7},
      {Op::kOr, "or", F::kR, 0x6033, kFunct7},
      {Op::kAnd, "and", F::kR, 0x7033, kFunct7},
      {Op::kMul, "mul", F::kR, 0x02000033, kFunct7},
      {Op::kMulh, "mulh", F::kR, 0x02001033, kFunct7},
      {Op::kMulhsu, "mulhsu", F::kR, 0x02002033, kFunct7},
      {Op::kMulhu, "mulhu", F::kR, 0x02003033, kFunct7},
      {Op::kDiv, "div", F::kR, 0x02004033, kFunct7},
      {Op::kDivu, "divu", F::kR, 0x02005033, kFunct7},
      {Op::kRem, "rem", F::kR, 0x02006033, kFunct7},
      {Op::kRemu, "remu", F::kR, 0x02007033, kFunct7},
      {Op::kFence, "fence", F::kNone, 0x000f, kFunct3},
      {Op::kFenceI, "fence.i", F::kNone, 0x100f, kFunct3},
      {Op::kLrW, "lr.w", F::kAmo, 0x1000202f, kFunct5Rs2},
      {Op::kScW, "sc.w", F::kAmo, 0x1800202f, kFunct5},
      {Op::kAmoswapW, "amoswap.w", F::kAmo, 0x0800202f, kFunct5},
      {Op::kAmoaddW, "amoadd.w", F::kAmo, 0x0000202f, kFunct5},
      {Op::kAmoxorW, "amoxor.w", F::kAmo, 0x2000202f, kFunct5},
      {Op::kAmoandW, "amoand.w", F::kAmo, 0x6000202f, kFunct5},
      {Op::kAmoorW, "amoor.w", F::kAmo, 0x4000202f, kFunct5},
      {Op::kAmominW, "amomin.w", F::kAmo, 0x8000202f, kFunct5},
      {Op::kAmomaxW, "amomax.w", F::kAmo, 0xa000202f, kFunct5},
      {Op::kAmominuW, "amominu.w", F::kAmo, 0xc000202f, kFunct5},
      {Op::kAmomaxuW, "amomaxu.w", F::kAmo, 0xe000202f, kFunct5},
      {Op::kCsrrw, "csrrw", F::kCsr, 0x1073, kFunct3},
      {Op::kCsrrs, "csrrs", F::kCsr, 0x2073, kFunct3},
      {Op::kCsrrc, "csrrc", F::kCsr, 0x3073, kFunct3},
      {Op::kCsrrwi, "csrrwi", F::kCsrImm, 0x5073, kFunct3},
      {Op::kCsrrsi, "csrrsi", F::kCsrImm, 0x6073, kFunct3},
      {Op::kCsrrci, "csrrci", F::kCsrImm, 0x7073, kFunct3},
      {Op::kEcall, "ecall", F::kNone, 0x00000073, kAll},
      {Op::kEbreak, "ebreak", F::kNone, 0x00100073, kAll},
      {Op::kMret, "mret", F::kNone, 0x30200073, kAll},
      {Op::kWfi, "wfi", F::kNone, 0x10500073, kAll},
  }};
  return ops;
}

Instruction Decode(uint32_t bits) {
  Instruction i;
  uint32_t word = bits;
  if (IsCompressed(bits)) {
    i.length = 2;
    bits &= 0xffff;
    word = Expand(static_cast<uint16_t>(bits));
  }
  i.bits = bits;
  for (const OpInfo& info : Ops()) {
    if ((word & info.mask) != info.match) continue;
    i.op = info.op;
    if (HasRd(info.format)) i.rd = static_cast<uint8_t>(Bits(word, 11, 7));
    if (HasRs1(info.format)) i.rs1 = static_cast<uint8_t>(Bits(word, 19, 15));
    if (HasRs2(info.format)) i.rs2 = static_cast<uint8_t>(Bits(word, 24, 20));
    i.imm = Immediate(info.format, word);
    break;
  }
  return i;
}

uint32_t AccessBytes(Op op) {
  switch (op) {
    case Op::kLb:
    case Op::kLbu:
    case Op::kSb:
      return 1;
    case Op::kLh:
    case Op::kLhu:
    case Op::kSh:
      return 2;
    default:
      return op == Op::kLw || op == Op::kSw || IsAtomic(op) ? 4 : 0;
  }
}

uint32_t SourceRegisters(const Instruction& i) {
  if (i.op >= Op::kIllegal) return 0;
  const Format format = Ops()[static_cast<size_t>(i.op)].format;
  uint32_t sources = 0;
  if (HasRs1(format) && format != Format::kCsrImm) sources |= 1u << i.rs1;
  if (HasRs2(format)) sources |= 1u << i.rs2;
  return sources & ~1u;
}

}  // namespace nibble::riscv
