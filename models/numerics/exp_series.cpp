#include "models/numerics/exp_series.h"

#include <cstdint>
#include <cstring>

namespace nibble::numerics {
namespace {

// 2^n as a binary64, -1022 <= n <= 1023.
double PowerOfTwo(int n) {
  const uint64_t bits = static_cast<uint64_t>(n + 1023) << 52;
  double power = 0;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

}  // namespace

// With x = n ln 2 + r and |r| <= ln(2) / 2, 2^-n times the Taylor series of e^-r, whose terms
// beyond r^17 / 17! are below 2^-70.
double ExpOfMinus(double x) {
  constexpr double kLog2E = 0x1.71547652b82fep0;
  // ln 2 in two parts, of which the first has 21 trailing zeros: its product with n is exact.
  constexpr double kLn2High = 0x1.62e42fee00000p-1, kLn2Low = 0x1.a39ef35793c76p-33;
  const double quotient = x * kLog2E;
  const int down = static_cast<int>(quotient), n = quotient - down < 0.5 ? down : down + 1;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1;
  for (int k = 17; k >= 1; --k) sum = 1 - sum * r / k;
  return sum * PowerOfTwo(-n);
}

}  // namespace nibble::numerics
