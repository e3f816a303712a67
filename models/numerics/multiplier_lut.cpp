#include "models/numerics/multiplier_lut.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "models/numerics/accumulate.h"

namespace nibble::numerics {
namespace {

// The fields of a format with subnormal numbers.
struct Fields {
  int exponent_bits, mantissa_bits, bias;
  int significand_bits() const { return mantissa_bits + 1; }  // with the hidden bit
};
constexpr Fields kE2M1Fields = {2, 1, 1};
constexpr Fields kE4M3Fields = {4, 3, 7};

bool IsE2M1(Format format) { return SpecOf(format).element == Element::kE2M1; }
bool IsE4M3(Format format) { return SpecOf(format).element == Element::kE4M3; }

[[noreturn]] void Refuse(Format format, const char* operand) {
  throw std::invalid_argument(std::string("no table of ") + FormatName(format) + ' ' + operand +
                              ": it covers E2M1 activations by E2M1 or E4M3 weights");
}

Fields WeightFields(Format weights) {
  if (IsE2M1(weights)) return kE2M1Fields;
  if (IsE4M3(weights)) return kE4M3Fields;
  Refuse(weights, "weights");
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

int BitLength(int x) {
  int bits = 0;
  while (x >> bits != 0) ++bits;
  return bits;
}

}  // namespace

const char* MultiplierName(Multiplier multiplier) {
  return multiplier == Multiplier::kArray ? "array" : "lut";
}

void CheckMultiplier(Multiplier multiplier, Format activations, Format weights) {
  if (multiplier == Multiplier::kArray) return;
  if (!IsE2M1(activations)) Refuse(activations, "activations");
  if (!IsE2M1(weights) && !IsE4M3(weights)) Refuse(weights, "weights");
}

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
  const auto largest_field = [](const Fields& f) { return (1 << f.exponent_bits) - 1; };
  // Fields of a product run from 1 + 1 (a subnormal's counts as 1) to the sum of the largest.
  const int places = largest_field(kE2M1Fields) + largest_field(fields) - 2;
  LutSize size{};
  size.entries = entries;
  size.width = BitLength(*std::max_element(table.begin(), table.end()));
  size.exponent_bits = std::max(kE2M1Fields.exponent_bits, fields.exponent_bits);
  size.aligned_bits = ProductBits(Format::kFp4, weights);
  size.shift_stages = BitLength(places);
  return size;
}

}  // namespace nibble::numerics
