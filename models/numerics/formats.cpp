#include "models/numerics/formats.h"

#include <algorithm>
#include <array>

namespace nibble::numerics {
namespace {

enum class Special : uint8_t {
  kIeee,  // the largest exponent field holds infinities and NaN
  kFn,    // only the code of all ones is NaN
};

// A format of one sign bit, `exponent_bits` and `mantissa_bits`.
template <int exponent_bits, int mantissa_bits, Special special>
struct Layout {
  static constexpr int kMantissaBits = mantissa_bits;
  static constexpr int kBias = (1 << (exponent_bits - 1)) - 1;
  static constexpr uint32_t kSign = 1u << (exponent_bits + mantissa_bits);
  static constexpr uint32_t kNan = kSign - 1;
  static constexpr uint32_t kTopExponent = ((1u << exponent_bits) - 1) << mantissa_bits;
  static constexpr uint32_t kMax = special == Special::kIeee ? kTopExponent - 1 : kNan - 1;
  static constexpr uint32_t kOverflow = special == Special::kIeee ? kTopExponent : kNan;
};
using E4M3 = Layout<4, 3, Special::kFn>;
using E5M2 = Layout<5, 2, Special::kIeee>;
using Fp16 = Layout<5, 10, Special::kIeee>;
using Bf16 = Layout<8, 7, Special::kIeee>;

// value / 2^shift to nearest, ties to even; shift in 1..31, value < 2^31.
uint32_t ShiftRne(uint32_t value, int shift) {
  const uint32_t odd = (value >> shift) & 1;
  return (value + (1u << (shift - 1)) - 1 + odd) >> shift;
}

template <typename F>
uint32_t Encode(float x, Overflow overflow) {
  const uint32_t magnitude = MagnitudeBits(x);
  if (magnitude > kInfinity) return F::kNan;
  const uint32_t sign = FloatBits(x) >> 31 != 0 ? F::kSign : 0;

  const int exponent = static_cast<int>(magnitude >> 23);  // field, bias 127
  uint32_t code;
  if (exponent > 127 - F::kBias) {
    // Normal in F. Exponent and mantissa are one integer, so that a mantissa that rounds up carries
    // into the exponent.
    code =
        ShiftRne(magnitude - (static_cast<uint32_t>(127 - F::kBias) << 23), 23 - F::kMantissaBits);
  } else {
    // Subnormal in F: the code counts units of 2^(1 - bias - mantissa bits). Rounding up to the
    // smallest normal number gives its code.
    const uint32_t significand = (magnitude & 0x7FFFFF) | (exponent > 0 ? 0x800000 : 0);
    const int shift = (1 - F::kBias - F::kMantissaBits) - (std::max(exponent, 1) - 150);
    code = shift <= 24 ? ShiftRne(significand, shift) : 0;  // below half a unit beyond that
  }
  if (code > F::kMax) code = overflow == Overflow::kSaturate ? F::kMax : F::kOverflow;
  return code | sign;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();  // 0x7FC00000

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

template <typename F>
constexpr std::array<float, 256> DecodeTable() {
  std::array<float, 256> table{};
  for (uint32_t code = 0; code < 256; ++code) {
    const uint32_t magnitude = code & ~F::kSign;
    if (magnitude <= F::kMax) {
      table[code] = DecodeFinite<F>(code);
    } else if (magnitude == F::kOverflow && F::kOverflow != F::kNan) {
      const float infinity = std::numeric_limits<float>::infinity();
      table[code] = (code & F::kSign) != 0 ? -infinity : infinity;
    } else {
      table[code] = kNan;
    }
  }
  return table;
}

constexpr std::array<float, 256> kE4M3 = DecodeTable<E4M3>();
constexpr std::array<float, 256> kE5M2 = DecodeTable<E5M2>();

}  // namespace

uint8_t EncodeE4M3(float x, Overflow overflow) {
  return static_cast<uint8_t>(Encode<E4M3>(x, overflow));
}

float DecodeE4M3(uint8_t code) { return kE4M3[code]; }

uint8_t EncodeE5M2(float x, Overflow overflow) {
  return static_cast<uint8_t>(Encode<E5M2>(x, overflow));
}

float DecodeE5M2(uint8_t code) { return kE5M2[code]; }

// The exponent field of binary32 is E8M0 but for the numbers below 2^-126.
uint8_t EncodeE8M0Floor(float x) {
  return static_cast<uint8_t>(std::min(MagnitudeBits(x), kInfinity) >> 23);
}

uint8_t EncodeE8M0Ceil(float x) {
  const uint32_t magnitude = MagnitudeBits(x);
  if (magnitude >= kInfinity) return 0xFF;
  if (magnitude < 0x800000) return magnitude > 0x400000 ? 1 : 0;  // 0x400000 is 2^-127
  return static_cast<uint8_t>(std::min((magnitude + 0x7FFFFF) >> 23, 254u));
}

float DecodeE8M0(uint8_t code) {
  if (code == 0xFF) return kNan;
  return code == 0 ? BitsFloat(0x400000) : PowerOfTwo(code - 127);
}

uint16_t EncodeFp16(float x, Overflow overflow) {
  return static_cast<uint16_t>(Encode<Fp16>(x, overflow));
}

float DecodeFp16(uint16_t code) {
  const int field = (code >> 10) & 31;
  const int mantissa = code & 0x3FF;
  const uint32_t sign = static_cast<uint32_t>(code >> 15) << 31;
  if (field == 31) return mantissa != 0 ? kNan : BitsFloat(sign | kInfinity);
  const int significand = field > 0 ? mantissa | 0x400 : mantissa;
  const float value = static_cast<float>(significand) * PowerOfTwo(std::max(field, 1) - 25);
  return BitsFloat(sign | FloatBits(value));
}

uint16_t EncodeBf16(float x, Overflow overflow) {
  return static_cast<uint16_t>(Encode<Bf16>(x, overflow));
}

float DecodeBf16(uint16_t code) {
  const uint32_t bits = static_cast<uint32_t>(code) << 16;
  return (bits & 0x7FFFFFFF) > kInfinity ? kNan : BitsFloat(bits);
}

ScaleParts SplitE4M3(uint8_t code) {
  const int field = (code >> 3) & 15;
  const int mantissa = code & 7;
  return {field > 0 ? mantissa | 8 : mantissa, std::max(field, 1) - 10};
}

}  // namespace nibble::numerics
