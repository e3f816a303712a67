#include "models/numerics/multiplier_lut.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace nibble::numerics {
namespace {

// The fields of a format with subnormal numbers.
struct Fields {
  int exponent_bits, mantissa_bits, bias;
  int significand_bits() const { return mantissa_bits + 1; }  // with the hidden bit
};
constexpr Fields kE2M1Fields = {2, 1, 1};
constexpr Fields kE4M3Fields = {4, 3, 7};

Fields WeightFields(Format weights) {
  switch (weights) {
    case Format::kNvfp4:
    case Format::kFp4:
      return kE2M1Fields;
    case Format::kFp8:
      return kE4M3Fields;
    default:
      throw std::invalid_argument(std::string("no table multiplier for ") + FormatName(weights) +
                                  " weights");
  }
}

struct Operand {
  bool negative;
  uint32_t significand;
  int exponent;  // of the significand's last bit
};

Operand Split(uint32_t code, const Fields& format) {
  const uint32_t mantissa = code & ((1u << format.mantissa_bits) - 1);
  const uint32_t field = code >> format.mantissa_bits & ((1u << format.exponent_bits) - 1);
  const uint32_t hidden = field != 0 ? 1 : 0;
  return {(code >> (format.mantissa_bits + format.exponent_bits) & 1) != 0,
          hidden << format.mantissa_bits | mantissa,
          std::max(static_cast<int>(field), 1) - format.bias - format.mantissa_bits};
}

// Addressed by the activation's significand (2 bits) above the weight's (up to 4 bits).
using Table = std::array<uint8_t, 64>;

constexpr Table MakeTable(int weight_bits) {
  Table table = {};
  for (unsigned a = 0; a < 4; ++a) {
    for (unsigned w = 0; w < 1u << weight_bits; ++w) {
      table[a << weight_bits | w] = static_cast<uint8_t>(a * w);
    }
  }
  return table;
}
constexpr Table kE2M1Table = MakeTable(2), kE4M3Table = MakeTable(4);

}  // namespace

LutProduct MultiplyByTable(uint8_t a, uint16_t w, Format weights) {
  const Fields fields = WeightFields(weights);
  const Operand x = Split(a, kE2M1Fields), y = Split(w, fields);
  const Table& table = fields.mantissa_bits == 1 ? kE2M1Table : kE4M3Table;
  return {x.negative != y.negative,
          table[x.significand << fields.significand_bits() | y.significand],
          x.exponent + y.exponent};
}

LutSize MultiplierTableSize(Format weights) {
  const Fields fields = WeightFields(weights);
  const int entries = 1 << (kE2M1Fields.significand_bits() + fields.significand_bits());
  const Table& table = fields.mantissa_bits == 1 ? kE2M1Table : kE4M3Table;
  int width = 0;
  while (*std::max_element(table.begin(), table.end()) >> width != 0) ++width;
  return {entries, width};
}

}  // namespace nibble::numerics
