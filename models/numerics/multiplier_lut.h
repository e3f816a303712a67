// The multiplier of the study's first version, which multiplies element codes without an array of
// adders: the sign is the XOR of the signs, the exponent the sum of the exponent fields, and the
// product of the significands (hidden bit and mantissa) is read from a table. Its products are
// exact, so that it changes no bit of a result, only the circuit: a table in place of the array.
//
// E2M1 activations by E2M1 or E4M3 weights, under whatever scales. The table of binary16 weights
// would have 2^13 entries and is not offered.
#pragma once

#include <cstdint>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

enum class Multiplier : uint8_t {
  kArray,  // rows of adders over the whole codes
  kTable,  // this unit
};
const char* MultiplierName(Multiplier multiplier);  // "array", "lut"

// Throws std::invalid_argument that names the format that the table does not cover.
void CheckMultiplier(Multiplier multiplier, Format activations, Format weights);

// (-1)^negative * significand * 2^exponent. A zero has a sign, as hardware's would.
struct LutProduct {
  bool negative;
  int32_t significand;  // from the table: 0..9 (E2M1 weights), 0..45 (E4M3)
  int32_t exponent;     // -2..2, and -10..9

  // The product in units of 2^unit, an integer where `unit` is at most `exponent`.
  int64_t Integer(int unit) const {
    const int64_t magnitude = static_cast<int64_t>(significand) << (exponent - unit);
    return negative ? -magnitude : magnitude;
  }
};

// The product of an E2M1 code and a weight code. An E4M3 NaN (0x7F, 0xFF) is read as +-480, the
// number its bits would be: finding NaN is the business of the scale logic. Throws
// std::invalid_argument for weights of other elements than E2M1 and E4M3.
LutProduct MultiplyByTable(uint8_t a, uint16_t w, Format weights);

// What one multiplier consists of. Its table has an entry for each pair of significands (the
// address), as wide as the largest product: E2M1 16 x 4 = 64 bits, E4M3 64 x 6 = 384 bits. Tables
// of constants are trees of multiplexers. A tree of adders takes fixed-point products, so that a
// shifter of as many stages as the exponent's sum needs bits aligns the product: E2M1 by up to 4
// places in 8 bits, E4M3 by up to 16 places in 22.
struct LutSize {
  int entries;
  int width;          // bits of an entry
  int exponent_bits;  // of the adder of the exponent fields: 2; 4
  int aligned_bits;   // of the magnitude in fixed point, ProductBits (accumulate.h)
  int shift_stages;   // of the shifter: 3; 5

  int bits() const { return entries * width; }
  // Two-to-one multiplexers of the table and of the shifter: 60 + 24; 378 + 110.
  int muxes() const { return (entries - 1) * width + shift_stages * aligned_bits; }
};
LutSize MultiplierTableSize(Format weights);

}  // namespace nibble::numerics
