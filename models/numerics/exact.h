// Exact values that wait for their one rounding: integers times powers of two.
#pragma once

#include <cstdint>

#include "models/numerics/accumulator_spec.h"

namespace nibble::numerics {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

// integer * 2^exponent.
struct Exact {
  Int128 integer = 0;
  int exponent = 0;
};

inline Uint128 Magnitude(Int128 x) {
  return x < 0 ? Uint128{0} - static_cast<Uint128>(x) : static_cast<Uint128>(x);
}
// Bits of x without leading zeros; 0 for 0.
inline int BitLength(Uint128 x) {
  const auto high = static_cast<uint64_t>(x >> 64);
  const auto low = static_cast<uint64_t>(x);
  if (high != 0) return 128 - __builtin_clzll(high);
  return low != 0 ? 64 - __builtin_clzll(low) : 0;
}
// Bits by which a sum of `terms` numbers can be longer than one of them.
constexpr int CarryBits(int terms) {
  int bits = 0;
  while ((int64_t{1} << bits) < terms) ++bits;
  return bits;
}
// floor(log2 |x|), x not zero.
inline int FloorLog2(const Exact& x) { return BitLength(Magnitude(x.integer)) - 1 + x.exponent; }

// A binary32 or binary64 that is finite.
Exact ExactOf(float x);
Exact ExactOf(double x);

// a + b, |integers| below 2^64. Where the operands lie too far apart for one integer, the low one's
// last bits become one sticky bit: the sum keeps at least 120 bits, and rounds as the exact one
// does.
Exact Sum(const Exact& a, const Exact& b);

// A binary format that binary32 includes.
struct FloatFormat {
  int mantissa_bits;  // without the hidden one
  int min_exponent;   // of the smallest normal number; smaller values are subnormal
  int max_exponent;
};
inline constexpr FloatFormat kBinary32 = {23, -126, 127};
inline constexpr FloatFormat kBinary16 = {10, -14, 15};
inline constexpr FloatFormat kBfloat16 = {7, -126, 127};

struct Rounded {
  float value;    // zero is +0
  bool overflow;  // beyond the largest finite number: infinity, or that number if rounding stops
                  // there
};
Rounded Round(const Exact& x, const FloatFormat& format, AddRounding rounding);

// x / 2^unit as an integer, |x.integer| below 2^63. What is 2^64 or more in magnitude comes out as
// some multiple of 2^64 with its sign: no register of 64 bits can tell the difference.
Int128 RoundToUnit(const Exact& x, int unit, AddRounding rounding);

}  // namespace nibble::numerics
