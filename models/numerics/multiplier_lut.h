// The multiplier of the study's first version, which multiplies element codes without an array of
// adders: the sign is the XOR of the signs, the exponent the sum of the exponent fields, and the
// product of the significands (hidden bit and mantissa) is read from a table. Its products are
// exact, so that it changes no bit of a result, only the circuit: a table in place of the array.
//
// E2M1 activations by E2M1 or E4M3 weights. The table of binary16 weights would have 2^13 entries
// and is not offered.
#pragma once

#include <cstdint>

#include "models/numerics/datapath.h"

namespace nibble::numerics {

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
// std::invalid_argument for other weights than kNvfp4, kFp4 and kFp8.
LutProduct MultiplyByTable(uint8_t a, uint16_t w, Format weights);

// Size of the table of one multiplier: entries (the significands of both operands are the address)
// times bits of the largest significand product. E2M1: 16 x 4 = 64; E4M3: 64 x 6 = 384.
struct LutSize {
  int entries;
  int width;  // bits
  int bits() const { return entries * width; }
};
LutSize MultiplierTableSize(Format weights);

}  // namespace nibble::numerics
