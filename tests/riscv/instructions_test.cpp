// What each instruction computes, against values from the instruction set manual's definitions.
#include <catch2/catch.hpp>

#include "tests/riscv/machine.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace): the test is written in assembler

// Runs `code` in the execution loop and instruction by instruction, which must agree in all.
Machine Run(const Code& code, uint32_t a = 0, uint32_t b = 0) {
  Code whole = code;
  whole.Append(Exit());
  Machine fast(whole), slow(whole);
  std::vector<uint32_t> traced;
  slow.hart.SetTrace([&](const Retired& r) { traced.push_back(r.pc); });
  for (Machine* m : {&fast, &slow}) {
    m->hart.state().x[a0] = a;
    m->hart.state().x[a1] = b;
    m->hart.state().x[a2] = kData;
    m->SetWord(kData, 0x8180ff7f);
    m->SetWord(kData + 4, 0x01234567);
    CHECK(m->hart.Run(100000) == Stop::kExit);
  }
  CHECK(fast.hart.state().x == slow.hart.state().x);
  CHECK(fast.hart.state().cycles == slow.hart.state().cycles);
  CHECK(fast.hart.state().instructions == slow.hart.state().instructions);
  CHECK(fast.hart.counters().data_accesses == slow.hart.counters().data_accesses);
  CHECK(fast.memory == slow.memory);
  CHECK(traced.size() == slow.hart.state().instructions);
  CHECK(fast.hart.state().x[0] == 0);
  return fast;
}

struct Case {
  uint32_t word;
  uint32_t a, b, result;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.word, c.a, c.b);
    CHECK(Run(Code({c.word}), c.a, c.b).x(a3) == c.result);
  }
}

TEST_CASE("computation with immediates") {
  Check({
      {Lui(a3, 0xfffff), 0, 0, 0xfffff000},
      {Auipc(a3, 0x00001), 0, 0, kRamBase + 0x1000},
      {Auipc(a3, 0xfffff), 0, 0, kRamBase - 0x1000},
      {Addi(a3, a0, -1), 0, 0, 0xffffffff},
      {Addi(a3, a0, 2047), 0x7fffffff, 0, 0x800007fe},
      {Slti(a3, a0, -2048), 0x80000000, 0, 1},
      {Slti(a3, a0, -1), 0, 0, 0},
      {Sltiu(a3, a0, -1), 0xfffffffe, 0, 1},
      {Sltiu(a3, a0, 1), 0, 0, 1},
      {Sltiu(a3, a0, 1), 1, 0, 0},
      {Xori(a3, a0, -1), 0x0f0f1234, 0, 0xf0f0edcb},
      {Ori(a3, a0, -2048), 0x00000123, 0, 0xfffff923},
      {Andi(a3, a0, -16), 0x1234567f, 0, 0x12345670},
      {Slli(a3, a0, 31), 3, 0, 0x80000000},
      {Slli(a3, a0, 0), 3, 0, 3},
      {Srli(a3, a0, 31), 0x80000000, 0, 1},
      {Srai(a3, a0, 31), 0x80000000, 0, 0xffffffff},
      {Srai(a3, a0, 4), 0x7fffffff, 0, 0x07ffffff},
  });
}

TEST_CASE("computation with registers") {
  Check({
      {Add(a3, a0, a1), 0xffffffff, 2, 1},
      {Sub(a3, a0, a1), 0, 1, 0xffffffff},
      {Sll(a3, a0, a1), 1, 33, 2},
      {Srl(a3, a0, a1), 0x80000000, 0xffffffff, 1},
      {Sra(a3, a0, a1), 0x80000000, 35, 0xf0000000},
      {Slt(a3, a0, a1), 0x80000000, 0x7fffffff, 1},
      {Slt(a3, a0, a1), 5, 5, 0},
      {Sltu(a3, a0, a1), 0x80000000, 0x7fffffff, 0},
      {Sltu(a3, a0, a1), 0, 0xffffffff, 1},
      {Xor(a3, a0, a1), 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0},
      {Or(a3, a0, a1), 0xff00ff00, 0x0ff00ff0, 0xfff0fff0},
      {And(a3, a0, a1), 0xff00ff00, 0x0ff00ff0, 0x0f000f00},
  });
}

TEST_CASE("multiplication and division, with the cases that the manual defines") {
  Check({
      {Mul(a3, a0, a1), 0xffffffff, 0xffffffff, 1},
      {Mul(a3, a0, a1), 0x12345678, 0x10, 0x23456780},
      {Mulh(a3, a0, a1), 0xffffffff, 0xffffffff, 0},
      {Mulh(a3, a0, a1), 0x80000000, 0x80000000, 0x40000000},
      {Mulhu(a3, a0, a1), 0xffffffff, 0xffffffff, 0xfffffffe},
      {Mulhsu(a3, a0, a1), 0xffffffff, 0xffffffff, 0xffffffff},
      {Mulhsu(a3, a0, a1), 0x80000000, 0xffffffff, 0x80000000},
      {Div(a3, a0, a1), static_cast<uint32_t>(-7), 2, static_cast<uint32_t>(-3)},
      {Div(a3, a0, a1), 7, 0, 0xffffffff},
      {Div(a3, a0, a1), 0x80000000, 0xffffffff, 0x80000000},
      {Divu(a3, a0, a1), 0x80000000, 0xffffffff, 0},
      {Divu(a3, a0, a1), 7, 0, 0xffffffff},
      {Rem(a3, a0, a1), static_cast<uint32_t>(-7), 2, 0xffffffff},
      {Rem(a3, a0, a1), 7, 0, 7},
      {Rem(a3, a0, a1), 0x80000000, 0xffffffff, 0},
      {Remu(a3, a0, a1), 0xffffffff, 10, 5},
      {Remu(a3, a0, a1), 7, 0, 7},
  });
}

TEST_CASE("loads extend, and take any alignment in RAM") {
  Check({
      {Lb(a3, 0, a2), 0, 0, 0x0000007f},
      {Lb(a3, 1, a2), 0, 0, 0xffffffff},
      {Lbu(a3, 1, a2), 0, 0, 0x000000ff},
      {Lh(a3, 0, a2), 0, 0, 0xffffff7f},
      {Lhu(a3, 2, a2), 0, 0, 0x00008180},
      {Lh(a3, 2, a2), 0, 0, 0xffff8180},
      {Lw(a3, 0, a2), 0, 0, 0x8180ff7f},
      {Lw(a3, 1, a2), 0, 0, 0x678180ff},
      {Lhu(a3, 3, a2), 0, 0, 0x00006781},
  });
}

TEST_CASE("stores write as many bytes as they name") {
  CHECK(Run({Sb(a0, 1, a2)}, 0x11223344).Word(kData) == 0x8180447f);
  CHECK(Run({Sh(a0, 2, a2)}, 0x11223344).Word(kData) == 0x3344ff7f);
  CHECK(Run({Sw(a0, 0, a2)}, 0x11223344).Word(kData) == 0x11223344);
  const Machine across = Run({Sw(a0, 3, a2)}, 0x11223344);
  CHECK(across.Word(kData) == 0x4480ff7f);
  CHECK(across.Word(kData + 4) == 0x01112233);
  CHECK(Run({Sw(a0, -4, a2)}, 7).Word(kData - 4) == 7);
}

TEST_CASE("branches and jumps") {
  struct {
    uint32_t (*branch)(uint32_t, uint32_t, int32_t);
    uint32_t a, b;
    bool taken;
  } const cases[] = {
      {Beq, 1, 1, true},   {Beq, 1, 2, false},          {Bne, 1, 2, true},
      {Bne, 2, 2, false},  {Blt, 0x80000000, 0, true},  {Blt, 0, 0, false},
      {Bge, 0, 0, true},   {Bge, 0x80000000, 0, false}, {Bltu, 0, 0x80000000, true},
      {Bltu, 1, 1, false}, {Bgeu, 0x80000000, 1, true}, {Bgeu, 0, 1, false},
  };
  for (const auto& c : cases) {
    const Machine m = Run({c.branch(a0, a1, 8), Addi(a3, zero, 1), kNop}, c.a, c.b);
    CHECK((m.x(a3) == 0) == c.taken);
  }
  Machine jump =
      Run({Jal(ra, 12), Addi(a3, zero, 1), Jal(zero, 8), Jalr(a4, ra, 5), Addi(a5, zero, 3)});
  CHECK(jump.x(ra) == kRamBase + 4);
  CHECK(jump.x(a4) == kRamBase + 16);  // jalr clears bit 0: ra + 5 is the second jal
  CHECK(jump.x(a3) == 0);
  CHECK(jump.x(a5) == 3);
  // The target is read before the link is written.
  CHECK(Run(Code().Li(ra, kRamBase + 16).Word(Jalr(ra, ra, 0)).Word(Addi(a3, zero, 1))).x(ra) ==
        kRamBase + 12);
}

TEST_CASE("writes to x0 are lost") {
  Check({
      {Addi(zero, zero, 5), 0, 0, 0},
      {Lw(zero, 0, a2), 0, 0, 0},
      {Jal(zero, 4), 0, 0, 0},
      {Csrrs(zero, csr::kMscratch, a0), 3, 0, 0},
      {AmoaddW(zero, a0, a2), 3, 0, 0},
  });
}

TEST_CASE("atomic operations return the old word and write the new") {
  struct {
    uint32_t word, old, operand, result;
  } const cases[] = {
      {AmoswapW(a3, a0, a2), 5, 7, 7},
      {AmoaddW(a3, a0, a2), 0xffffffff, 2, 1},
      {AmoxorW(a3, a0, a2), 0xff, 0x0f, 0xf0},
      {AmoandW(a3, a0, a2), 0xff, 0x0f, 0x0f},
      {AmoorW(a3, a0, a2), 0xf0, 0x0f, 0xff},
      {AmominW(a3, a0, a2), 1, 0xffffffff, 0xffffffff},
      {AmomaxW(a3, a0, a2), 1, 0xffffffff, 1},
      {AmominuW(a3, a0, a2), 1, 0xffffffff, 1},
      {AmomaxuW(a3, a0, a2), 1, 0xffffffff, 0xffffffff},
  };
  for (const auto& c : cases) {
    CAPTURE(c.word);
    const Code code = Code().Li(a4, c.old).Word(Sw(a4, 0, a2)).Word(c.word);
    const Machine m = Run(code, c.operand);
    CHECK(m.x(a3) == c.old);
    CHECK(m.Word(kData) == c.result);
  }
  // rd may be the operand.
  const Machine same = Run({AmoaddW(a0, a0, a2)}, 1);
  CHECK(same.x(a0) == 0x8180ff7f);
  CHECK(same.Word(kData) == 0x8180ff80);
}

TEST_CASE("a store-conditional succeeds once after a load-reserved of the same word") {
  const Machine m = Run({LrW(a3, a2), ScW(a4, a0, a2), ScW(a5, a1, a2)}, 11, 22);
  CHECK(m.x(a3) == 0x8180ff7f);
  CHECK(m.x(a4) == 0);
  CHECK(m.x(a5) == 1);
  CHECK(m.Word(kData) == 11);
  CHECK(Run({ScW(a4, a0, a2)}).x(a4) == 1);
  const Machine other = Run({LrW(a3, a2), Addi(a2, a2, 4), ScW(a4, a0, a2)});
  CHECK(other.x(a4) == 1);
  CHECK(other.Word(kData + 4) == 0x01234567);
}

}  // namespace
}  // namespace nibble::riscv
