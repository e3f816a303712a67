// All 2^32 inputs of the element encoders against the values of their codes. Minutes of CPU: a
// program of its own, in ctest configuration "exhaustive" only.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "models/numerics/elements.h"
#include "models/numerics/formats.h"

namespace nibble::numerics {
namespace {

// From `magnitude` (bits of |x|) upwards the code is `code`.
struct Transition {
  uint32_t magnitude;
  uint32_t code;
};

// The magnitude codes of a format as its decoder gives them: `count` finite values, ascending.
template <typename Decode>
std::vector<double> Values(uint32_t count, Decode decode) {
  std::vector<double> values;
  for (uint32_t code = 0; code < count; ++code) {
    values.push_back(decode(static_cast<uint8_t>(code)));
    REQUIRE(std::isfinite(values.back()));
    REQUIRE((code == 0 ? values[0] == 0 : values[code] > values[code - 1]));
  }
  return values;
}

// To nearest: the first input of a code is the midpoint below its value if the code is even, and
// the number after it if not. Midpoints are binary32 numbers.
std::vector<Transition> Nearest(const std::vector<double>& values) {
  std::vector<Transition> transitions = {{0, 0}};
  for (uint32_t code = 1; code < values.size(); ++code) {
    const auto middle = static_cast<float>((values[code - 1] + values[code]) / 2);
    REQUIRE(middle == (values[code - 1] + values[code]) / 2);
    transitions.push_back({FloatBits(middle) + code % 2, code});
  }
  return transitions;
}

std::vector<Transition> TowardZero(const std::vector<double>& values) {
  std::vector<Transition> transitions;
  for (uint32_t code = 0; code < values.size(); ++code) {
    transitions.push_back({FloatBits(static_cast<float>(values[code])), code});
  }
  return transitions;
}

// Walks through all magnitudes once, infinity included, and both signs; then all NaN.
template <typename Encode>
uint64_t CountWrong(std::vector<Transition> transitions, uint32_t sign, uint32_t nan,
                    Encode encode) {
  transitions.push_back({kInfinity + 1, 0});
  uint64_t wrong = 0;
  for (size_t i = 0; i + 1 < transitions.size(); ++i) {
    const uint32_t code = transitions[i].code;
    for (uint32_t bits = transitions[i].magnitude; bits < transitions[i + 1].magnitude; ++bits) {
      wrong += encode(BitsFloat(bits)) != code;
      wrong += encode(BitsFloat(bits | 0x80000000)) != (code | sign);
    }
  }
  for (uint32_t bits = kInfinity + 1; bits < 0x80000000; ++bits) {
    wrong += encode(BitsFloat(bits)) != nan;
    wrong += encode(BitsFloat(bits | 0x80000000)) != nan;
  }
  return wrong;
}

// `count` finite magnitudes; `nan` is the code of NaN.
template <typename Encode, typename Decode>
void CheckAll(Element element, uint32_t count, uint32_t nan, Encode encode, Decode decode) {
  const std::vector<double> values = Values(count, decode);
  const uint32_t sign = 1u << (ElementBits(element) - 1);
  CHECK(CountWrong(Nearest(values), sign, nan, encode) == 0);
  Rounding rounding;
  rounding.mode = RoundingMode::kTowardZero;
  CHECK(CountWrong(TowardZero(values), sign, nan,
                   [&](float x) { return EncodeElement(element, x, rounding); }) == 0);
}

TEST_CASE("all inputs of E2M1") { CheckAll(Element::kE2M1, 8, 7, EncodeE2M1, DecodeE2M1); }
TEST_CASE("all inputs of E2M3") { CheckAll(Element::kE2M3, 32, 31, EncodeE2M3, DecodeE2M3); }
TEST_CASE("all inputs of E3M2") { CheckAll(Element::kE3M2, 32, 31, EncodeE3M2, DecodeE3M2); }
TEST_CASE("all inputs of E4M3") {
  CheckAll(
      Element::kE4M3, 0x7F, 0x7F, [](float x) { return EncodeE4M3(x); }, DecodeE4M3);
}
TEST_CASE("all inputs of E5M2") {
  CheckAll(
      Element::kE5M2, 0x7C, 0x7F, [](float x) { return EncodeE5M2(x); }, DecodeE5M2);
}

}  // namespace
}  // namespace nibble::numerics
