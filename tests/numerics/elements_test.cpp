// Elements: rounding modes against the codes' values, integers, the table of formats.
#include "models/numerics/elements.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr Element kElements[] = {Element::kE2M1, Element::kE2M3, Element::kE3M2,
                                 Element::kE4M3, Element::kE5M2, Element::kInt4,
                                 Element::kInt8, Element::kFp16, Element::kBf16};

bool IsInteger(Element element) { return element == Element::kInt4 || element == Element::kInt8; }

// Finite values of the magnitude codes, ascending from 0.
std::vector<float> Magnitudes(Element element) {
  std::vector<float> values;
  for (int code = 0; code < 1 << (ElementBits(element) - 1); ++code) {
    const float value = DecodeElement(element, static_cast<uint16_t>(code));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

// A magnitude at random: any binade, or near one of the values.
float Magnitude(Random& random, const std::vector<float>& values) {
  if (random.Int(0, 1) == 0) return BitsFloat(random.Word() & 0x7F7FFFFF);
  const float value =
      values[static_cast<size_t>(random.Int(0, static_cast<int>(values.size()) - 1))];
  return value * (1.0f + static_cast<float>(random.Int(-64, 64)) * 0x1p-7f);
}

TEST_CASE("elements know their range") {
  for (Element element : kElements) {
    const std::vector<float> values = Magnitudes(element);
    INFO("element " << static_cast<int>(element));
    CHECK(values[0] == 0.0f);
    CHECK(values[1] == ElementStep(element));
    CHECK(values.back() == ElementMax(element));
    CHECK(EncodeElement(element, std::numeric_limits<float>::infinity()) == values.size() - 1);
  }
}

TEST_CASE("the general encoder is the encoder of each format") {
  Random random(31);
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const float x = i % 2 == 0 ? BitsFloat(random.Word()) : 16 * random.Value();
    wrong += EncodeElement(Element::kE2M1, x) != EncodeE2M1(x);
    wrong += EncodeElement(Element::kE2M3, x) != EncodeE2M3(x);
    wrong += EncodeElement(Element::kE3M2, x) != EncodeE3M2(x);
    wrong += EncodeElement(Element::kE4M3, x) != EncodeE4M3(x);
    wrong += EncodeElement(Element::kE5M2, x) != EncodeE5M2(x);
    wrong += EncodeElement(Element::kFp16, x) != EncodeFp16(x);
    wrong += EncodeElement(Element::kBf16, x) != EncodeBf16(x);
    wrong += EncodeElement(Element::kInt4, x) != EncodeInt4(x);
    wrong += EncodeElement(Element::kInt8, x) != EncodeInt8(x);
  }
  CHECK(wrong == 0);
}

TEST_CASE("integers round to the nearest, ties to even, and clip symmetrically") {
  for (int half = -300; half <= 300; ++half) {
    const float x = static_cast<float>(half) / 2;
    const double rounded = std::nearbyint(x);
    CHECK(DecodeInt4(EncodeInt4(x)) == std::fmin(std::fmax(rounded, -7), 7));
    CHECK(DecodeInt8(EncodeInt8(x)) == std::fmin(std::fmax(rounded, -127), 127));
    const float above = std::nextafter(x, 1e9f);
    CHECK(DecodeInt8(EncodeInt8(above)) == std::fmin(std::fmax(std::nearbyint(above), -127), 127));
  }
  CHECK(EncodeInt4(BitsFloat(kCanonicalNan)) == 7);
  CHECK(EncodeInt8(-std::numeric_limits<float>::infinity()) == 0x81);
}

TEST_CASE("toward zero gives the largest value not above the input") {
  Random random(32);
  Rounding rounding;
  rounding.mode = RoundingMode::kTowardZero;
  for (Element element : kElements) {
    const std::vector<float> values = Magnitudes(element);
    INFO("element " << static_cast<int>(element));
    int wrong = 0;
    for (int i = 0; i < 3000; ++i) {
      const float x = Magnitude(random, values);
      const auto above = std::upper_bound(values.begin(), values.end(), x);
      const float expected = *(above - 1);
      wrong += DecodeElement(element, EncodeElement(element, x, rounding)) != expected;
      wrong += DecodeElement(element, EncodeElement(element, -x, rounding)) != -expected;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("stochastic rounding goes to the neighbours, as often as their nearness says") {
  Random random(33);
  for (Element element : kElements) {
    const std::vector<float> values = Magnitudes(element);
    INFO("element " << static_cast<int>(element));
    for (int i = 0; i < 12; ++i) {
      const auto low =
          static_cast<size_t>(random.Int(0, std::min(static_cast<int>(values.size()) - 2, 200)));
      const float step = values[low + 1] - values[low];
      const int eighths = random.Int(0, 7);
      const float x = values[low] + step * static_cast<float>(eighths) / 8;
      Rounding rounding;
      rounding.mode = RoundingMode::kStochastic;
      rounding.seed = random.Word();
      rounding.bits = 3 + i;
      constexpr int kTrials = 4096;
      int up = 0, wrong = 0;
      for (uint64_t index = 0; index < kTrials; ++index) {
        const float y = DecodeElement(element, EncodeElement(element, x, rounding, index));
        up += y == values[low + 1];
        wrong += y != values[low] && y != values[low + 1];
      }
      CHECK(wrong == 0);
      // Six standard deviations of a binomial distribution are below 6 * sqrt(4096) / 2.
      CHECK(std::abs(up - kTrials * eighths / 8) <= (eighths == 0 ? 0 : 192));
    }
  }
}

TEST_CASE("stochastic rounding is floor(|y| / ulp + r) with the number of its index") {
  Rounding rounding;
  rounding.mode = RoundingMode::kStochastic;
  rounding.seed = 20260606;
  rounding.bits = 10;
  Random random(34);
  for (uint64_t index = 0; index < 2000; ++index) {
    const float x = random.Value() * 60;
    const double r = std::ldexp(static_cast<double>(SplitMix64(rounding.seed, index) >> 54), -10);
    const double expected = std::fmin(std::floor(std::fabs(double{x}) + r), 127);
    CHECK(DecodeElement(Element::kInt8, EncodeElement(Element::kInt8, x, rounding, index)) ==
          std::copysign(expected, x));
  }
  // Published outputs for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
  const uint64_t published[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                4593380528125082431u, 16408922859458223821u};
  for (uint64_t i = 0; i < 5; ++i) CHECK(SplitMix64(1234567, i) == published[i]);
}

TEST_CASE("stochastic rounding keeps what is exact and saturates") {
  Rounding rounding;
  rounding.mode = RoundingMode::kStochastic;
  for (Element element : kElements) {
    for (int bits : {1, 16, 32}) {
      rounding.bits = bits;
      const std::vector<float> values = Magnitudes(element);
      int wrong = 0;
      for (size_t code = 0; code < values.size(); ++code) {
        wrong += EncodeElement(element, values[code], rounding, code) != code;
      }
      wrong += EncodeElement(element, 3.4e38f, rounding) != values.size() - 1 &&
               element != Element::kBf16;
      wrong += EncodeElement(element, std::numeric_limits<float>::infinity(), rounding) !=
               values.size() - 1;
      CHECK(wrong == 0);
    }
  }
  rounding.bits = 33;
  CHECK_THROWS_WITH(EncodeElement(Element::kE2M1, 1, rounding), Catch::Contains("1 to 32"));
  CHECK_THROWS_AS(EncodeElement(Element::kFp32, 1), std::invalid_argument);
}

TEST_CASE("the table of formats is complete and its names are parsed back") {
  for (const FormatSpec& spec : AllFormats()) {
    INFO(spec.name);
    CHECK(ParseFormat(spec.name) == spec.format);
    CHECK(std::string(FormatName(spec.format)) == spec.name);
    CHECK(ElementBits(spec.format) == ElementBits(spec.element));
    CHECK(HasBlockScale(spec.format) == (BlockScaleBits(spec.format) > 0));
    if (IsInteger(spec.element)) CHECK(spec.block_scale != BlockScale::kE8M0);
  }
  CHECK(BlockScaleBits(Format::kInt4) == 16);
  CHECK(BlockScaleBits(Format::kMxfp6) == 8);
  CHECK(ElementBits(Format::kMxfp6) == 6);
  CHECK_THROWS_WITH(SpecOf(static_cast<Format>(200)), Catch::Contains("200"));
}

}  // namespace
}  // namespace nibble::numerics
