#include "models/numerics/exact.h"

#include <algorithm>
#include <cstring>

#include "models/numerics/bits.h"

namespace nibble::numerics {
namespace {

// 2^exponent, exponent in -1022..1023.
double DoublePowerOfTwo(int exponent) {
  const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

// |x| / 2^shift toward zero, with the last bit set if anything is lost; shift above 0.
Uint128 ShiftSticky(Uint128 magnitude, int shift) {
  if (shift >= 128) return magnitude != 0 ? 1 : 0;
  const Uint128 kept = magnitude >> shift;
  return kept | static_cast<Uint128>((kept << shift) != magnitude ? 1 : 0);
}

// magnitude / 2^shift, rounded; shift above 0, magnitude without its topmost bit.
template <typename Unsigned>
Unsigned ShiftRounded(Unsigned magnitude, int shift, bool negative, AddRounding rounding) {
  constexpr int kBits = static_cast<int>(8 * sizeof(Unsigned));
  const Unsigned kept = shift < kBits ? magnitude >> shift : 0;
  const Unsigned lost = shift < kBits ? magnitude - (kept << shift) : magnitude;
  if (lost == 0 || rounding == AddRounding::kTowardZero) return kept;
  if (rounding == AddRounding::kDown) return kept + (negative ? 1 : 0);
  if (shift >= kBits) return kept;  // less than half
  const Unsigned half = Unsigned{1} << (shift - 1);
  return kept + ((lost > half || (lost == half && (kept & 1) != 0)) ? 1 : 0);
}

// The same, in 64 bits where they suffice: twice as fast.
Uint128 ShiftWide(Uint128 magnitude, int shift, bool negative, AddRounding rounding) {
  if (magnitude >> 63 != 0) return ShiftRounded(magnitude, shift, negative, rounding);
  return ShiftRounded(static_cast<uint64_t>(magnitude), shift, negative, rounding);
}

}  // namespace

Exact ExactOf(float x) {
  const uint32_t bits = FloatBits(x);
  const int field = static_cast<int>(bits >> 23 & 0xFF);
  const auto fraction = static_cast<int32_t>(bits & 0x7FFFFF);
  const int32_t significand = field > 0 ? fraction | 0x800000 : fraction;
  return {bits >> 31 != 0 ? -significand : significand, std::max(field, 1) - 150};
}

Exact ExactOf(double x) {
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  const int field = static_cast<int>(bits >> 52 & 0x7FF);
  const auto fraction = static_cast<int64_t>(bits & ((uint64_t{1} << 52) - 1));
  const int64_t significand = field > 0 ? fraction | int64_t{1} << 52 : fraction;
  return {bits >> 63 != 0 ? -significand : significand, std::max(field, 1) - 1075};
}

Exact Sum(const Exact& a, const Exact& b) {
  if (a.integer == 0) return b;
  if (b.integer == 0) return a;
  const Exact& high = a.exponent >= b.exponent ? a : b;
  const Exact& low = a.exponent >= b.exponent ? b : a;
  const int distance = high.exponent - low.exponent;
  const int shift = std::min(distance, 125 - BitLength(Magnitude(high.integer)));
  const auto aligned = static_cast<Int128>(static_cast<Uint128>(high.integer) << shift);
  if (shift == distance) return {aligned + low.integer, low.exponent};
  const auto rest = static_cast<Int128>(ShiftSticky(Magnitude(low.integer), distance - shift));
  return {low.integer < 0 ? aligned - rest : aligned + rest, high.exponent - shift};
}

Rounded Round(const Exact& x, const FloatFormat& format, AddRounding rounding) {
  if (x.integer == 0) return {0.0f, false};
  const bool negative = x.integer < 0;
  const Uint128 magnitude = Magnitude(x.integer);
  // The last place of the result.
  int unit = std::max(FloorLog2(x), format.min_exponent) - format.mantissa_bits;
  const int shift = unit - x.exponent;
  const auto units = static_cast<uint32_t>(
      shift > 0 ? ShiftWide(magnitude, shift, negative, rounding) : magnitude << -shift);
  const int exponent = BitLength(units) - 1 + unit;
  float value;
  if (exponent > format.max_exponent) {
    const bool stops =
        rounding == AddRounding::kTowardZero || (rounding == AddRounding::kDown && !negative);
    const int top = format.max_exponent - format.mantissa_bits;
    value = stops ? static_cast<float>((2u << format.mantissa_bits) - 1) * PowerOfTwo(top)
                  : BitsFloat(kInfinity);
    return {negative ? -value : value, true};
  }
  value = static_cast<float>(units * DoublePowerOfTwo(unit));  // exact
  return {negative && units != 0 ? -value : value, false};
}

Int128 RoundToUnit(const Exact& x, int unit, AddRounding rounding) {
  const bool negative = x.integer < 0;
  const int shift = x.exponent - unit;
  if (shift >= 64) return (x.integer == 0 ? 0 : negative ? -1 : 1) * (Int128{1} << 64);
  if (shift >= 0) return x.integer * (Int128{1} << shift);
  const auto magnitude =
      static_cast<Int128>(ShiftWide(Magnitude(x.integer), -shift, negative, rounding));
  return negative ? -magnitude : magnitude;
}

}  // namespace nibble::numerics
