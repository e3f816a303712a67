#include "models/numerics/formats.h"

#include <algorithm>
#include <limits>

#include "models/numerics/minifloat.h"

namespace nibble::numerics {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();  // 0x7FC00000

constexpr auto kE2M3 = MinifloatTable<E2M3>();
constexpr auto kE3M2 = MinifloatTable<E3M2>();
constexpr auto kE4M3 = MinifloatTable<E4M3>();
constexpr auto kE5M2 = MinifloatTable<E5M2>();

}  // namespace

uint8_t EncodeE2M3(float x) {
  return static_cast<uint8_t>(EncodeMinifloat<E2M3>(x, Overflow::kSaturate));
}

float DecodeE2M3(uint8_t code) { return kE2M3[code & 63]; }

uint8_t EncodeE3M2(float x) {
  return static_cast<uint8_t>(EncodeMinifloat<E3M2>(x, Overflow::kSaturate));
}

float DecodeE3M2(uint8_t code) { return kE3M2[code & 63]; }

uint8_t EncodeE4M3(float x, Overflow overflow) {
  return static_cast<uint8_t>(EncodeMinifloat<E4M3>(x, overflow));
}

float DecodeE4M3(uint8_t code) { return kE4M3[code]; }

uint8_t EncodeE5M2(float x, Overflow overflow) {
  return static_cast<uint8_t>(EncodeMinifloat<E5M2>(x, overflow));
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
  return static_cast<uint16_t>(EncodeMinifloat<Fp16>(x, overflow));
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
  return static_cast<uint16_t>(EncodeMinifloat<Bf16>(x, overflow));
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
