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

// Calls visit(encode) with the encoder of `element`: one switch, however many values follow.
template <typename Visit>
void WithEncoder(Element element, Visit visit) {
  switch (element) {
    case Element::kE2M1:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<E2M1>(x, Overflow::kSaturate, round); });
    case Element::kE2M3:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<E2M3>(x, Overflow::kSaturate, round); });
    case Element::kE3M2:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<E3M2>(x, Overflow::kSaturate, round); });
    case Element::kE4M3:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<E4M3>(x, Overflow::kSaturate, round); });
    case Element::kE5M2:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<E5M2>(x, Overflow::kSaturate, round); });
    case Element::kInt4:
      return visit([](float x, auto round) { return EncodeInteger<3>(x, round); });
    case Element::kInt8:
      return visit([](float x, auto round) { return EncodeInteger<7>(x, round); });
    case Element::kFp16:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<Fp16>(x, Overflow::kSaturate, round); });
    case Element::kBf16:
      return visit(
          [](float x, auto round) { return EncodeMinifloat<Bf16>(x, Overflow::kSaturate, round); });
    case Element::kFp32:
      break;
  }
  ThrowNoCode();
}

template <typename Visit>
void WithDecoder(Element element, Visit visit) {
  switch (element) {
    case Element::kE2M1:
      return visit([](uint16_t code) { return DecodeE2M1(static_cast<uint8_t>(code)); });
    case Element::kE2M3:
      return visit([](uint16_t code) { return DecodeE2M3(static_cast<uint8_t>(code)); });
    case Element::kE3M2:
      return visit([](uint16_t code) { return DecodeE3M2(static_cast<uint8_t>(code)); });
    case Element::kE4M3:
      return visit([](uint16_t code) { return DecodeE4M3(static_cast<uint8_t>(code)); });
    case Element::kE5M2:
      return visit([](uint16_t code) { return DecodeE5M2(static_cast<uint8_t>(code)); });
    case Element::kInt4:
      return visit([](uint16_t code) { return DecodeInt4(static_cast<uint8_t>(code)); });
    case Element::kInt8:
      return visit([](uint16_t code) { return DecodeInt8(static_cast<uint8_t>(code)); });
    case Element::kFp16:
      return visit(DecodeFp16);
    case Element::kBf16:
      return visit(DecodeBf16);
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
  uint16_t code = 0;
  EncodeElements(element, &x, 1, rounding, index, &code);
  return code;
}

void EncodeElements(Element element, const float* x, int count, const Rounding& rounding,
                    uint64_t index, uint16_t* codes) {
  if (rounding.mode == RoundingMode::kStochastic && (rounding.bits < 1 || rounding.bits > 32)) {
    throw std::invalid_argument("stochastic rounding takes 1 to 32 bits, not " +
                                std::to_string(rounding.bits));
  }
  WithEncoder(element, [&](auto encode) {
    const auto all = [&](auto rounder) {
      for (int i = 0; i < count; ++i) codes[i] = static_cast<uint16_t>(encode(x[i], rounder(i)));
    };
    switch (rounding.mode) {
      case RoundingMode::kNearestEven:
        return all([](int) { return RoundNearestEven{}; });
      case RoundingMode::kTowardZero:
        return all([](int) { return RoundTowardZero{}; });
      case RoundingMode::kStochastic:
        return all([&](int i) {
          const uint64_t random = SplitMix64(rounding.seed, index + static_cast<uint64_t>(i));
          return RoundStochastic{random >> (64 - rounding.bits), rounding.bits};
        });
    }
  });
}

float DecodeElement(Element element, uint16_t code) {
  float value = 0;
  DecodeElements(element, &code, 1, &value);
  return value;
}

void DecodeElements(Element element, const uint16_t* codes, int count, float* values) {
  WithDecoder(element, [&](auto decode) {
    for (int i = 0; i < count; ++i) values[i] = decode(codes[i]);
  });
}

uint8_t EncodeInt4(float x) { return static_cast<uint8_t>(EncodeInteger<3>(x)); }
uint8_t EncodeInt8(float x) { return static_cast<uint8_t>(EncodeInteger<7>(x)); }

}  // namespace nibble::numerics
