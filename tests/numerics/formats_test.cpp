// Exhaustive properties of the element and scale formats, derived from the values of their codes.
#include "models/numerics/formats.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "models/numerics/datapath.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// `sign` is the sign bit, and so one more than the largest magnitude code.
template <typename Encode, typename Decode>
void CheckFloatFormat(const std::string& name, uint32_t sign, uint32_t largest, Encode encode,
                      Decode decode) {
  INFO(name);
  int wrong = 0;  // one CHECK for each of 65536 codes would take seconds
  for (uint32_t code = 0; code < sign; ++code) {
    for (uint32_t s : {0u, sign}) {
      const float value = decode(code | s);
      const uint32_t expected = std::isnan(value) ? sign - 1 : code | s;
      wrong += encode(value, Overflow::kIeee) != expected;
      wrong += std::signbit(value) != (s != 0) && !std::isnan(value);
      if (std::isinf(value)) wrong += encode(value, Overflow::kSaturate) != (largest | s);
    }
  }
  CHECK(wrong == 0);

  for (uint32_t code = 0; code < largest; ++code) {
    const float low = decode(code), high = decode(code + 1);
    const auto middle = static_cast<float>((double{low} + double{high}) / 2);
    wrong += !(low < middle && middle < high);
    const uint32_t even = code % 2 == 0 ? code : code + 1;
    for (Overflow overflow : {Overflow::kSaturate, Overflow::kIeee}) {
      wrong += encode(middle, overflow) != even;
      wrong += encode(-middle, overflow) != (even | sign);
      wrong += encode(std::nextafter(middle, kInf), overflow) != code + 1;
      wrong += encode(std::nextafter(middle, 0.0f), overflow) != code;
    }
  }
  CHECK(wrong == 0);

  uint32_t before = 0;
  for (uint32_t bits = 0; bits <= kInfinity; bits += 1009) {  // magnitudes, ascending
    const uint32_t code = encode(BitsFloat(bits), Overflow::kSaturate);
    wrong += code < before || code > largest;
    wrong += encode(BitsFloat(bits | 0x80000000), Overflow::kSaturate) != (code | sign);
    before = code;
  }
  CHECK(before == largest);
  CHECK(wrong == 0);
}

// Sign, exponent and mantissa by the definition of the format.
float Value(uint32_t code, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const auto field = static_cast<int>(code >> mantissa_bits & ((1u << exponent_bits) - 1));
  const double mantissa = code & ((1u << mantissa_bits) - 1);
  const double significand = field > 0 ? std::ldexp(1.0, mantissa_bits) + mantissa : mantissa;
  const double value = std::ldexp(significand, std::max(field, 1) - bias - mantissa_bits);
  return static_cast<float>((code >> (exponent_bits + mantissa_bits) & 1) != 0 ? -value : value);
}

TEST_CASE("E2M1: identity, ties to even, monotone") {
  CheckFloatFormat(
      "e2m1", 8, 7, [](float x, Overflow) { return uint32_t{EncodeE2M1(x)}; },
      [](uint32_t code) { return DecodeE2M1(static_cast<uint8_t>(code)); });
  for (uint8_t code = 0; code < 16; ++code) CHECK(TwiceE2M1(code) == 2 * DecodeE2M1(code));
  CHECK(EncodeE2M1(kInf) == 7);
  CHECK(EncodeE2M1(-kInf) == 15);
  CHECK(EncodeE2M1(BitsFloat(0xFFC00000)) == 7);
}

TEST_CASE("E2M3 and E3M2: identity, ties to even, monotone, saturation") {
  CheckFloatFormat(
      "e2m3", 32, 31, [](float x, Overflow) { return uint32_t{EncodeE2M3(x)}; },
      [](uint32_t code) { return DecodeE2M3(static_cast<uint8_t>(code)); });
  CheckFloatFormat(
      "e3m2", 32, 31, [](float x, Overflow) { return uint32_t{EncodeE3M2(x)}; },
      [](uint32_t code) { return DecodeE3M2(static_cast<uint8_t>(code)); });
  for (uint32_t code = 0; code < 64; ++code) {
    CHECK(DecodeE2M3(static_cast<uint8_t>(code)) == Value(code, 2, 3));
    CHECK(DecodeE3M2(static_cast<uint8_t>(code)) == Value(code, 3, 2));
  }
  CHECK(EncodeE2M3(kInf) == 31);
  CHECK(EncodeE3M2(-kInf) == 63);
  CHECK(EncodeE2M3(BitsFloat(0xFFC00000)) == 31);
}

TEST_CASE("E4M3: identity, ties to even, monotone") {
  CheckFloatFormat(
      "e4m3", 0x80, 0x7E, [](float x, Overflow o) { return uint32_t{EncodeE4M3(x, o)}; },
      [](uint32_t code) { return DecodeE4M3(static_cast<uint8_t>(code)); });
  CHECK(EncodeE4M3(464.0f, Overflow::kIeee) == 0x7E);  // halfway to 480, which does not exist
  CHECK(EncodeE4M3(std::nextafter(464.0f, kInf), Overflow::kIeee) == 0x7F);
  for (int code = 0; code < 0x7F; ++code) {
    const ScaleParts parts = SplitE4M3(static_cast<uint8_t>(code));
    CHECK(std::ldexp(static_cast<float>(parts.significand), parts.exponent) ==
          DecodeE4M3(static_cast<uint8_t>(code)));
    CHECK(SplitE4M3(static_cast<uint8_t>(code | 0x80)).significand == parts.significand);
  }
}

TEST_CASE("E5M2: identity, ties to even, monotone") {
  CheckFloatFormat(
      "e5m2", 0x80, 0x7B, [](float x, Overflow o) { return uint32_t{EncodeE5M2(x, o)}; },
      [](uint32_t code) { return DecodeE5M2(static_cast<uint8_t>(code)); });
  CHECK(EncodeE5M2(61440.0f, Overflow::kIeee) == 0x7C);  // halfway to 65536, to the even side
}

TEST_CASE("FP16: identity, ties to even, monotone") {
  CheckFloatFormat(
      "fp16", 0x8000, 0x7BFF, [](float x, Overflow o) { return uint32_t{EncodeFp16(x, o)}; },
      [](uint32_t code) { return DecodeFp16(static_cast<uint16_t>(code)); });
  CHECK(EncodeFp16(65520.0f, Overflow::kIeee) == 0x7C00);
  CHECK(EncodeFp16(std::nextafter(65520.0f, 0.0f), Overflow::kIeee) == 0x7BFF);
  CHECK(EncodeFp16(BitsFloat(0xFFC00000)) == 0x7FFF);
}

TEST_CASE("BF16: identity, ties to even, monotone") {
  CheckFloatFormat(
      "bf16", 0x8000, 0x7F7F, [](float x, Overflow o) { return uint32_t{EncodeBf16(x, o)}; },
      [](uint32_t code) { return DecodeBf16(static_cast<uint16_t>(code)); });
  CHECK(EncodeBf16(std::numeric_limits<float>::max(), Overflow::kIeee) == 0x7F80);
  CHECK(EncodeBf16(BitsFloat(0xFFC00000)) == 0x7FFF);
}

TEST_CASE("FP16 and BF16 codes have their value") {
  int wrong = 0;
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const auto word = static_cast<uint16_t>(code);
    if ((code & 0x7C00) != 0x7C00) {
      wrong += FloatBits(DecodeFp16(word)) != FloatBits(Value(code, 5, 10));
    } else {
      wrong += std::isnan(DecodeFp16(word)) != ((code & 0x3FF) != 0);
    }
    if ((code & 0x7F80) != 0x7F80) {
      wrong += FloatBits(DecodeBf16(word)) != FloatBits(Value(code, 8, 7));
    } else {
      wrong += std::isnan(DecodeBf16(word)) != ((code & 0x7F) != 0);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("E8M0 brackets its input by powers of two") {
  for (int code = 0; code < 255; ++code) {
    const float power = DecodeE8M0(static_cast<uint8_t>(code));
    INFO("code " << code);
    CHECK(power == std::ldexp(1.0f, code - 127));
    CHECK(EncodeE8M0Floor(power) == code);
    CHECK(EncodeE8M0Ceil(power) == code);
    CHECK(EncodeE8M0Floor(-power) == code);
    CHECK(EncodeE8M0Floor(std::nextafter(power, 0.0f)) == std::max(code - 1, 0));
    CHECK(EncodeE8M0Ceil(std::nextafter(power, kInf)) == std::min(code + 1, 254));
  }
  CHECK(std::isnan(DecodeE8M0(255)));
  CHECK(EncodeE8M0Floor(0.0f) == 0);
  CHECK(EncodeE8M0Ceil(0.0f) == 0);
  CHECK(EncodeE8M0Floor(kInf) == 255);
  CHECK(EncodeE8M0Ceil(BitsFloat(kCanonicalNan)) == 255);
}

TEST_CASE("unknown format names are refused with the known ones") {
  CHECK_THROWS_WITH(ParseFormat("fp5"), Catch::Contains("\"fp5\"") && Catch::Contains("nvfp4"));
}

}  // namespace
}  // namespace nibble::numerics
