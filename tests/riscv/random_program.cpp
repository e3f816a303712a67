#include "tests/riscv/random_program.h"

#include <random>

#include "models/riscv/isa.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace)

// Registers with a task; all others are the program's.
constexpr uint32_t kWindowMiddle = 31, kAddress = 30, kCounter = 29, kFree = 29;

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Code Program() {
    Code code;
    for (uint32_t r = 1; r < kFree; ++r) code.Li(r, Value());
    code.Li(kWindowMiddle, kWindow + kWindowBytes / 2);
    for (int item = 0; item < 300; ++item) code.Append(Item(true));
    return code.Append(Epilogue());
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  uint32_t Any() { return Below(kFree); }  // x0 too
  int32_t Imm12() { return static_cast<int32_t>(Below(4096)) - 2048; }

  uint32_t Value() {
    constexpr uint32_t kSpecial[] = {0,          1,          2,          31,         32,
                                     0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    switch (Below(4)) {
      case 0:
        return kSpecial[Below(10)];
      case 1:
        return Below(256);
      default:
        return static_cast<uint32_t>(random_());
    }
  }

  Code Item(bool may_branch) {
    switch (Below(may_branch ? 14 : 9)) {
      case 0:
      case 1:
      case 2:
        return Register();
      case 3:
      case 4:
        return Immediate();
      case 5:
        return Memory();
      case 6:
        return Below(3) == 0 ? Atomic() : Memory();
      case 7:
      case 8:
        return Compressed();
      case 9:
        return Loop();
      case 10:
        return Jump();
      default:
        return Branch();
    }
  }

  Code Items(uint32_t most) {
    Code code;
    for (uint32_t n = 1 + Below(most); n > 0; --n) code.Append(Item(false));
    return code;
  }

  Code Register() {
    const uint32_t rd = Any(), a = Any(), b = Any();
    constexpr uint32_t (*kOps[])(uint32_t, uint32_t, uint32_t) = {
        Add, Sub, Sll,  Slt,    Sltu,  Xor, Srl,  Sra, Or,
        And, Mul, Mulh, Mulhsu, Mulhu, Div, Divu, Rem, Remu};
    return {kOps[Below(18)](rd, a, b)};
  }

  Code Immediate() {
    const uint32_t rd = Any(), a = Any();
    switch (Below(11)) {
      case 0:
        return {Addi(rd, a, Imm12())};
      case 1:
        return {Slti(rd, a, Imm12())};
      case 2:
        return {Sltiu(rd, a, Imm12())};
      case 3:
        return {Xori(rd, a, Imm12())};
      case 4:
        return {Ori(rd, a, Imm12())};
      case 5:
        return {Andi(rd, a, Imm12())};
      case 6:
        return {Slli(rd, a, Below(32))};
      case 7:
        return {Srli(rd, a, Below(32))};
      case 8:
        return {Srai(rd, a, Below(32))};
      case 9:
        return {Lui(rd, Below(1 << 20))};
      default:
        return {Auipc(rd, Below(1 << 20))};
    }
  }

  Code Memory() {
    const uint32_t r = Any();
    switch (Below(8)) {
      case 0:
        return {Lb(r, Imm12(), kWindowMiddle)};
      case 1:
        return {Lbu(r, Imm12(), kWindowMiddle)};
      case 2:
        return {Lh(r, Imm12(), kWindowMiddle)};
      case 3:
        return {Lhu(r, Imm12(), kWindowMiddle)};
      case 4:
        return {Lw(r, Imm12(), kWindowMiddle)};
      case 5:
        return {Sb(r, Imm12(), kWindowMiddle)};
      case 6:
        return {Sh(r, Imm12(), kWindowMiddle)};
      default:
        return {Sw(r, Imm12(), kWindowMiddle)};
    }
  }

  Code Atomic() {
    constexpr uint32_t kOps[] = {0, 1, 4, 8, 12, 16, 20, 24, 28};
    Code code({Andi(kAddress, Any(), 0x7fc), Add(kAddress, kAddress, kWindowMiddle)});
    const uint32_t rd = Any(), operand = Any();
    if (Below(3) == 0) return code.Word(LrW(rd, kAddress)).Word(ScW(Any(), operand, kAddress));
    return code.Word(Amo(kOps[Below(9)], rd, operand, kAddress) | Below(4) << 25);
  }

  // Any compressed instruction but those that leave the straight run; addresses point into the
  // window.
  Code Compressed() {
    for (;;) {
      const auto half = static_cast<uint16_t>(random_());
      if (!IsCompressed(half)) continue;
      const Instruction i = Decode(half);
      if (i.op >= Op::kFence || i.op == Op::kJal || i.op == Op::kJalr || IsBranch(i.op)) continue;
      if (i.rd >= kFree) continue;
      Code code;
      if (IsLoad(i.op) || IsStore(i.op)) code.Word(Addi(i.rs1, kWindowMiddle, 0));
      return code.Half(half);
    }
  }

  // Forward, over a few items.
  Code Branch() {
    const Code body = Items(5);
    const auto offset = static_cast<int32_t>(body.size());
    const uint32_t a = Any(), b = Any();
    constexpr uint32_t (*kOps[])(uint32_t, uint32_t, int32_t) = {Beq, Bne, Blt, Bge, Bltu, Bgeu};
    const uint32_t kind = Below(8);
    Code code;
    if (kind < 6) return code.Word(kOps[kind](a, b, offset + 4)).Append(body);
    // c.beqz, c.bnez
    const auto o = static_cast<uint32_t>(offset + 2);
    return code
        .Half(static_cast<uint16_t>((kind == 6 ? 0xc001 : 0xe001) | (o >> 8 & 1) << 12 |
                                    (o >> 3 & 3) << 10 | Below(8) << 7 | (o >> 6 & 3) << 5 |
                                    (o >> 1 & 3) << 3 | (o >> 5 & 1) << 2))
        .Append(body);
  }

  Code Jump() {
    const Code body = Items(4);
    const auto offset = static_cast<int32_t>(body.size());
    Code code;
    const uint32_t kind = Below(4);
    const auto o = static_cast<uint32_t>(offset + 2);
    switch (kind) {
      case 0:
        return code.Word(Jal(Any(), offset + 4)).Append(body);
      case 1:  // the target plus one: jalr clears the bit
        return code.Word(Auipc(kAddress, 0)).Word(Jalr(Any(), kAddress, offset + 9)).Append(body);
      default:  // c.j, c.jal
        return code
            .Half(static_cast<uint16_t>((kind == 2 ? 0xa001 : 0x2001) | (o >> 11 & 1) << 12 |
                                        (o >> 4 & 1) << 11 | (o >> 8 & 3) << 9 |
                                        (o >> 10 & 1) << 8 | (o >> 6 & 1) << 7 | (o >> 7 & 1) << 6 |
                                        (o >> 1 & 7) << 3 | (o >> 5 & 1) << 2))
            .Append(body);
    }
  }

  Code Loop() {
    Code body = Items(8);
    Code code({Addi(kCounter, zero, 1 + static_cast<int32_t>(Below(20)))});
    body.Word(Addi(kCounter, kCounter, -1));
    const auto back = -static_cast<int32_t>(body.size());
    return code.Append(body).Word(Bne(kCounter, zero, back));
  }

  static Code Epilogue() {
    Code code;
    code.Li(kCounter, kWindow + kWindowBytes);
    for (uint32_t r = 0; r < 32; ++r) code.Word(Sw(r, static_cast<int32_t>(4 * r), kCounter));
    code.Li(a0, 1)
        .Li(a1, kWindow)
        .Li(a2, kWindowBytes + kRegisterBytes)
        .Li(a7, 64)
        .Word(kEcall);                              // write
    return code.Li(a0, 0).Li(a7, 93).Word(kEcall);  // exit
  }

  std::mt19937 random_;
};

}  // namespace

Code RandomProgram(uint32_t seed) { return Generator(seed).Program(); }

std::vector<uint8_t> RandomWindow(uint32_t seed) {
  std::mt19937 random(~seed);
  std::vector<uint8_t> bytes(kWindowBytes);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

}  // namespace nibble::riscv
