// Encoders and decoders of small floating-point formats in terms of their layout. For the
// implementation of the formats; users include formats.h or elements.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"
#include "models/numerics/rounding.h"

namespace nibble::numerics {

enum class Special : uint8_t {
  kNone,  // every code is a number
  kIeee,  // the largest exponent field holds infinities and NaN
  kFn,    // only the code of all ones is NaN
};

// A format of one sign bit, `exponent_bits` and `mantissa_bits`.
template <int exponent_bits, int mantissa_bits, Special special>
struct MinifloatLayout {
  static constexpr int kMantissaBits = mantissa_bits;
  static constexpr int kBias = (1 << (exponent_bits - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (exponent_bits + mantissa_bits);
  static constexpr uint32_t kTopExponent = ((1u << exponent_bits) - 1) << mantissa_bits;
  static constexpr uint32_t kMax = special == Special::kIeee ? kTopExponent - 1
                                   : special == Special::kFn ? kSign - 2
                                                             : kSign - 1;
  static constexpr uint32_t kOverflow = special == Special::kIeee ? kTopExponent : kSign - 1;
  static constexpr uint32_t kNan = kSign - 1;  // which is kMax where there is no NaN
};
using E2M1 = MinifloatLayout<2, 1, Special::kNone>;
using E2M3 = MinifloatLayout<2, 3, Special::kNone>;
using E3M2 = MinifloatLayout<3, 2, Special::kNone>;
using E4M3 = MinifloatLayout<4, 3, Special::kFn>;
using E5M2 = MinifloatLayout<5, 2, Special::kIeee>;
using Fp16 = MinifloatLayout<5, 10, Special::kIeee>;
using Bf16 = MinifloatLayout<8, 7, Special::kIeee>;

template <typename F, typename Round = RoundNearestEven>
uint32_t EncodeMinifloat(float x, Overflow overflow, Round round = {}) {
  const uint32_t magnitude = MagnitudeBits(x);
  if (magnitude > kInfinity) return F::kNan;
  const uint32_t sign = FloatBits(x) >> 31 != 0 ? F::kSign : 0;

  const int exponent = static_cast<int>(magnitude >> 23);  // field, bias 127
  uint32_t code;
  if (exponent > 127 - F::kBias) {
    // Normal in F. Exponent and mantissa are one integer, so that a mantissa that rounds up carries
    // into the exponent.
    code = round(magnitude - (static_cast<uint32_t>(127 - F::kBias) << 23), 23 - F::kMantissaBits);
  } else {
    // Subnormal in F: the code counts units of 2^(1 - bias - mantissa bits). Rounding up to the
    // smallest normal number gives its code.
    const uint32_t significand = (magnitude & 0x7FFFFF) | (exponent > 0 ? 0x800000 : 0);
    code = round(significand, (1 - F::kBias - F::kMantissaBits) - (std::max(exponent, 1) - 150));
  }
  if (code > F::kMax) code = overflow == Overflow::kSaturate ? F::kMax : F::kOverflow;
  return code | sign;
}

constexpr float ConstexprPowerOfTwo(int exponent) {
  float power = 1;
  for (; exponent > 0; --exponent) power *= 2;
  for (; exponent < 0; ++exponent) power /= 2;
  return power;
}

template <typename F>
constexpr float DecodeFinite(uint32_t code) {
  const auto field = static_cast<int>((code & F::kTopExponent) >> F::kMantissaBits);
  const uint32_t mantissa = code & ((1u << F::kMantissaBits) - 1);
  const uint32_t significand = field > 0 ? mantissa | (1u << F::kMantissaBits) : mantissa;
  const float value = static_cast<float>(significand) *
                      ConstexprPowerOfTwo((field > 0 ? field : 1) - F::kBias - F::kMantissaBits);
  return (code & F::kSign) != 0 ? -value : value;
}

// The value of every code of a format of at most 8 bits.
template <typename F>
constexpr std::array<float, 2 * F::kSign> MinifloatTable() {
  std::array<float, 2 * F::kSign> table{};
  for (uint32_t code = 0; code < table.size(); ++code) {
    const uint32_t magnitude = code & ~F::kSign;
    if (magnitude <= F::kMax) {
      table[code] = DecodeFinite<F>(code);
    } else if (magnitude == F::kOverflow && F::kOverflow != F::kNan) {
      const float infinity = std::numeric_limits<float>::infinity();
      table[code] = (code & F::kSign) != 0 ? -infinity : infinity;
    } else {
      table[code] = std::numeric_limits<float>::quiet_NaN();  // 0x7FC00000
    }
  }
  return table;
}

}  // namespace nibble::numerics
