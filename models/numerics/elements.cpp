#include "models/numerics/elements.h"

#include <algorithm>
#include <cfloat>
#include <stdexcept>

#include "models/numerics/minifloat.h"

namespace nibble::numerics {
namespace {

[[noreturn]] void ThrowNoCode() {
  throw std::invalid_argument("fp32 elements are stored as they are and have no code");
}

// -max..max in two's complement of bits + 1 bits, max = 2^bits - 1.
template <int bits, typename Round = RoundNearestEven>
uint32_t EncodeInteger(float x, Round round = {}) {
  constexpr uint32_t kMax = (1u << bits) - 1;
  const uint32_t magnitude = MagnitudeBits(x);
  if (magnitude > kInfinity) return kMax;
  uint32_t integer = kMax;
  if (magnitude < FloatBits(static_cast<float>(kMax))) {
    const int exponent = static_cast<int>(magnitude >> 23);
    const uint32_t significand = (magnitude & 0x7FFFFF) | (exponent > 0 ? 0x800000 : 0);
    integer = round(significand, 150 - std::max(exponent, 1));
  }
  const bool negative = FloatBits(x) >> 31 != 0;
  return (negative ? 0 - integer : integer) & (2 * kMax + 1);
}

template <typename Round>
uint32_t Encode(Element element, float x, Round round) {
  switch (element) {
    case Element::kE2M1:
      return EncodeMinifloat<E2M1>(x, Overflow::kSaturate, round);
    case Element::kE2M3:
      return EncodeMinifloat<E2M3>(x, Overflow::kSaturate, round);
    case Element::kE3M2:
      return EncodeMinifloat<E3M2>(x, Overflow::kSaturate, round);
    case Element::kE4M3:
      return EncodeMinifloat<E4M3>(x, Overflow::kSaturate, round);
    case Element::kE5M2:
      return EncodeMinifloat<E5M2>(x, Overflow::kSaturate, round);
    case Element::kInt4:
      return EncodeInteger<3>(x, round);
    case Element::kInt8:
      return EncodeInteger<7>(x, round);
    case Element::kFp16:
      return EncodeMinifloat<Fp16>(x, Overflow::kSaturate, round);
    case Element::kBf16:
      return EncodeMinifloat<Bf16>(x, Overflow::kSaturate, round);
    case Element::kFp32:
      break;
  }
  ThrowNoCode();
}

}  // namespace

int ElementBits(Element element) {
  switch (element) {
    case Element::kE2M1:
    case Element::kInt4:
      return 4;
    case Element::kE2M3:
    case Element::kE3M2:
      return 6;
    case Element::kE4M3:
    case Element::kE5M2:
    case Element::kInt8:
      return 8;
    case Element::kFp16:
    case Element::kBf16:
      return 16;
    case Element::kFp32:
      return 32;
  }
  return 0;
}

float ElementMax(Element element) {
  switch (element) {
    case Element::kE2M1:
      return 6;
    case Element::kE2M3:
      return 7.5f;
    case Element::kE3M2:
      return 28;
    case Element::kE4M3:
      return 448;
    case Element::kE5M2:
      return 57344;
    case Element::kInt4:
      return 7;
    case Element::kInt8:
      return 127;
    case Element::kFp16:
      return 65504;
    case Element::kBf16:
      return BitsFloat(0x7F7F0000);
    case Element::kFp32:
      return FLT_MAX;
  }
  return 0;
}

float ElementStep(Element element) {
  // Code 1 is the smallest positive value of every format.
  return element == Element::kFp32 ? BitsFloat(1) : DecodeElement(element, 1);
}

uint16_t EncodeElement(Element element, float x, const Rounding& rounding, uint64_t index) {
  switch (rounding.mode) {
    case RoundingMode::kNearestEven:
      return static_cast<uint16_t>(Encode(element, x, RoundNearestEven{}));
    case RoundingMode::kTowardZero:
      return static_cast<uint16_t>(Encode(element, x, RoundTowardZero{}));
    case RoundingMode::kStochastic:
      break;
  }
  if (rounding.bits < 1 || rounding.bits > 32) {
    throw std::invalid_argument("stochastic rounding takes 1 to 32 bits, not " +
                                std::to_string(rounding.bits));
  }
  const uint64_t random = SplitMix64(rounding.seed, index) >> (64 - rounding.bits);
  return static_cast<uint16_t>(Encode(element, x, RoundStochastic{random, rounding.bits}));
}

float DecodeElement(Element element, uint16_t code) {
  const auto byte = static_cast<uint8_t>(code);
  switch (element) {
    case Element::kE2M1:
      return DecodeE2M1(byte);
    case Element::kE2M3:
      return DecodeE2M3(byte);
    case Element::kE3M2:
      return DecodeE3M2(byte);
    case Element::kE4M3:
      return DecodeE4M3(byte);
    case Element::kE5M2:
      return DecodeE5M2(byte);
    case Element::kInt4:
      return DecodeInt4(byte);
    case Element::kInt8:
      return DecodeInt8(byte);
    case Element::kFp16:
      return DecodeFp16(code);
    case Element::kBf16:
      return DecodeBf16(code);
    case Element::kFp32:
      break;
  }
  ThrowNoCode();
}

uint8_t EncodeInt4(float x) { return static_cast<uint8_t>(EncodeInteger<3>(x)); }
uint8_t EncodeInt8(float x) { return static_cast<uint8_t>(EncodeInteger<7>(x)); }

}  // namespace nibble::numerics
