// Every 16-bit encoding against the manual's tables (volume I, 16.8), written down as they are
// printed there and expanded by a generic reader.
#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <string>

#include "models/riscv/isa.h"
#include "tests/riscv/assembler.h"

namespace nibble::riscv {
namespace {

using namespace as;  // NOLINT(google-build-using-namespace)

struct Fields {
  int32_t imm = 0;
  uint32_t d = 0, s = 0;  // first and second register
};

// `pattern`: the 16 bits, most significant first. 0 and 1 are fixed, i is the immediate, D and S
// are registers of five bits, d and s of three (x8 to x15). `imm`: which bit of the immediate each
// i is, from the left, as in the manual's brackets; a negative highest one is the sign.
struct Row {
  const char* pattern;
  std::vector<int> imm;
  bool is_signed;
  std::function<uint32_t(const Fields&)> expand;  // 0: reserved
};

const std::vector<Row>& Rows() {
  const auto reserved = [](const Fields&) { return 0u; };
  static const std::vector<Row> rows = {
      {"000iiiiiiiisss00",
       {5, 4, 9, 8, 7, 6, 2, 3},
       false,
       [](auto& f) { return f.imm == 0 ? 0 : Addi(f.s, sp, f.imm); }},
      {"010iiidddiisss00", {5, 4, 3, 2, 6}, false, [](auto& f) { return Lw(f.s, f.imm, f.d); }},
      {"110iiidddiisss00", {5, 4, 3, 2, 6}, false, [](auto& f) { return Sw(f.s, f.imm, f.d); }},
      {"000iDDDDDiiiii01", {5, 4, 3, 2, 1, 0}, true, [](auto& f) { return Addi(f.d, f.d, f.imm); }},
      {"001iiiiiiiiiii01",
       {11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5},
       true,
       [](auto& f) { return Jal(ra, f.imm); }},
      {"010iDDDDDiiiii01",
       {5, 4, 3, 2, 1, 0},
       true,
       [](auto& f) { return Addi(f.d, zero, f.imm); }},
      {"011i00010iiiii01",
       {9, 4, 6, 8, 7, 5},
       true,
       [](auto& f) { return f.imm == 0 ? 0 : Addi(sp, sp, f.imm); }},
      {"011iDDDDDiiiii01",
       {17, 16, 15, 14, 13, 12},
       true,
       [](auto& f) { return f.imm == 0 ? 0 : Lui(f.d, static_cast<uint32_t>(f.imm) >> 12); }},
      {"100000dddiiiii01",
       {4, 3, 2, 1, 0},
       false,
       [](auto& f) { return Srli(f.d, f.d, static_cast<uint32_t>(f.imm)); }},
      {"100001dddiiiii01",
       {4, 3, 2, 1, 0},
       false,
       [](auto& f) { return Srai(f.d, f.d, static_cast<uint32_t>(f.imm)); }},
      {"100i10dddiiiii01", {5, 4, 3, 2, 1, 0}, true, [](auto& f) { return Andi(f.d, f.d, f.imm); }},
      {"100011ddd00sss01", {}, false, [](auto& f) { return Sub(f.d, f.d, f.s); }},
      {"100011ddd01sss01", {}, false, [](auto& f) { return Xor(f.d, f.d, f.s); }},
      {"100011ddd10sss01", {}, false, [](auto& f) { return Or(f.d, f.d, f.s); }},
      {"100011ddd11sss01", {}, false, [](auto& f) { return And(f.d, f.d, f.s); }},
      {"101iiiiiiiiiii01",
       {11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5},
       true,
       [](auto& f) { return Jal(zero, f.imm); }},
      {"110iiidddiiiii01",
       {8, 4, 3, 7, 6, 2, 1, 5},
       true,
       [](auto& f) { return Beq(f.d, zero, f.imm); }},
      {"111iiidddiiiii01",
       {8, 4, 3, 7, 6, 2, 1, 5},
       true,
       [](auto& f) { return Bne(f.d, zero, f.imm); }},
      {"0000DDDDDiiiii10",
       {4, 3, 2, 1, 0},
       false,
       [](auto& f) { return Slli(f.d, f.d, static_cast<uint32_t>(f.imm)); }},
      {"010i00000iiiii10", {5, 4, 3, 2, 7, 6}, false, reserved},
      {"010iDDDDDiiiii10", {5, 4, 3, 2, 7, 6}, false, [](auto& f) { return Lw(f.d, f.imm, sp); }},
      {"1000000000000010", {}, false, reserved},
      {"1000DDDDD0000010", {}, false, [](auto& f) { return Jalr(zero, f.d, 0); }},
      {"1000DDDDDSSSSS10", {}, false, [](auto& f) { return Add(f.d, zero, f.s); }},
      {"1001000000000010", {}, false, [](auto&) { return kEbreak; }},
      {"1001DDDDD0000010", {}, false, [](auto& f) { return Jalr(ra, f.d, 0); }},
      {"1001DDDDDSSSSS10", {}, false, [](auto& f) { return Add(f.d, f.d, f.s); }},
      {"110iiiiiiSSSSS10", {5, 4, 3, 2, 7, 6}, false, [](auto& f) { return Sw(f.s, f.imm, sp); }},
  };
  return rows;
}

bool Match(const Row& row, uint32_t half, Fields& fields) {
  fields = Fields();
  size_t next_imm = 0;
  uint32_t imm = 0;
  for (int k = 0; k < 16; ++k) {
    const uint32_t bit = half >> (15 - k) & 1;
    switch (row.pattern[k]) {
      case '0':
      case '1':
        if (bit != static_cast<uint32_t>(row.pattern[k] - '0')) return false;
        break;
      case 'i':
        imm |= bit << row.imm[next_imm++];
        break;
      case 'D':
      case 'd':
        fields.d = fields.d << 1 | bit;
        break;
      default:
        fields.s = fields.s << 1 | bit;
    }
  }
  const std::string pattern = row.pattern;
  if (pattern.find("ddd") != std::string::npos) fields.d += 8;
  if (pattern.find("sss") != std::string::npos) fields.s += 8;
  fields.imm = static_cast<int32_t>(imm);
  if (row.is_signed) {
    int top = 0;
    for (const int bit : row.imm) top = std::max(top, bit);
    if ((imm >> top & 1) != 0) fields.imm -= int32_t{2} << top;
  }
  return true;
}

TEST_CASE("all 49,152 compressed encodings") {
  std::set<const Row*> seen;
  int legal = 0;
  for (uint32_t half = 0; half < 0x10000; ++half) {
    if ((half & 3) == 3) continue;
    uint32_t expected = 0;
    for (const Row& row : Rows()) {
      Fields fields;
      if (!Match(row, half, fields)) continue;
      expected = row.expand(fields);
      seen.insert(&row);
      break;
    }
    const uint32_t expanded = Expand(static_cast<uint16_t>(half));
    if (expanded != expected) {
      CAPTURE(half, expected);
      CHECK(expanded == expected);
      break;
    }
    const Instruction i = Decode(0xabcd0000 | half);
    CHECK(i.length == 2);
    CHECK(i.bits == half);
    CHECK((i.op == Op::kIllegal) == (expected == 0));
    if (expected == 0) continue;
    ++legal;
    const Instruction wide = Decode(expected);
    CHECK((i.op == wide.op && i.rd == wide.rd && i.rs1 == wide.rs1 && i.rs2 == wide.rs2 &&
           i.imm == wide.imm));
  }
  CHECK(seen.size() == Rows().size());
  // 24 slots of 2,048, without the 9 of floating point and reserved ones, 1,536 shifts by more than
  // 31, 256 of RV64, and those with an immediate or register that is reserved: 8 + 64 + 32 + 1.
  CHECK(legal == 15 * 2048 - 1536 - 256 - 105);
}

}  // namespace
}  // namespace nibble::riscv
