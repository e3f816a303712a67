// Counts of zeros and toggles against counting one code, one bit at a time.
#include "models/numerics/density.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "models/numerics/dot.h"
#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "tests/numerics/scale_value.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

float Decode(Format format, uint16_t code) { return DecodeElement(SpecOf(format).element, code); }

// Any format with codes of at most `bits` bits.
Format AnyFormat(Random& random, int bits) {
  for (;;) {
    const FormatSpec& spec =
        AllFormats()[static_cast<size_t>(random.Int(0, static_cast<int>(AllFormats().size()) - 1))];
    if (ElementBits(spec.format) <= bits) return spec.format;
  }
}

// Random bits with many zeros of both signs.
uint16_t Code(Random& random, Format format) {
  const int bits = ElementBits(format);
  const int sign = random.Int(0, 1) << (bits - 1);
  if (random.Int(0, 2) == 0) return static_cast<uint16_t>(sign);
  return static_cast<uint16_t>(random.Word() & ((1u << bits) - 1));
}

// The bits of a block scale: zero, NaN or any number.
int64_t Scale(Random& random, Format format) {
  const int kind = random.Int(0, 9);
  const auto pick = [&](int nan) -> int64_t {
    return kind == 0 ? 0 : kind == 1 ? nan : random.Int(1, nan - 1);
  };
  switch (SpecOf(format).block_scale) {
    case BlockScale::kE4M3:
      return pick(0x7F) | random.Int(0, 1) << 7;
    case BlockScale::kE8M0:
      return pick(0xFF);
    case BlockScale::kFp16:
      return pick(0x7C00);
    case BlockScale::kFp32:
      return pick(0x7F800000);
    default:
      return kNoScale;
  }
}

TEST_CASE("zeros are counted as the decoded numbers say", "[density]") {
  Random random(1);
  uint64_t zero_blocks = 0;
  for (int i = 0; i < 4000; ++i) {
    const Format activations = AnyFormat(random, 16), weights = AnyFormat(random, 16);
    const int count = random.Int(1, random.Int(0, 1) != 0 ? 3 : 128);
    std::vector<uint16_t> a, w;
    ZeroCounts expected;
    bool finite = true;
    for (int k = 0; k < count; ++k) {
      a.push_back(Code(random, activations));
      w.push_back(Code(random, weights));
      const float x = Decode(activations, a.back()), y = Decode(weights, w.back());
      finite = finite && std::isfinite(x) && std::isfinite(y);
      expected.zero_activations += x == 0 ? 1 : 0;
      expected.zero_weights += y == 0 ? 1 : 0;
      // Not for NaN or infinity times zero. In binary64 no product underflows.
      expected.zero_products += double{x} * double{y} == 0 ? 1 : 0;
    }
    const OperandBlock block = {activations, a.data(), Scale(random, activations),
                                weights,     w.data(), Scale(random, weights),
                                count};
    const ZeroCounts counts = CountZeros(block);
    CHECK(counts.products == static_cast<uint64_t>(count));
    CHECK(counts.blocks == 1);
    CHECK(counts.zero_activations == expected.zero_activations);
    CHECK(counts.zero_weights == expected.zero_weights);
    CHECK(counts.zero_products == expected.zero_products);
    CHECK(CountZeroCodes(activations, a.data(), count) == expected.zero_activations);
    CHECK(CountZeroCodes(weights, w.data(), count) == expected.zero_weights);
    const double scale =
        double{ScaleValue(activations, block.a_scale)} * double{ScaleValue(weights, block.w_scale)};
    const bool zero = finite && std::isfinite(scale) &&
                      (scale == 0 || expected.zero_products == static_cast<uint64_t>(count));
    CHECK(counts.zero_blocks == (zero ? 1 : 0));
    CHECK(counts.products_of_zero_blocks == (zero ? counts.products : 0));
    zero_blocks += counts.zero_blocks;
  }
  CHECK(zero_blocks > 100);
}

TEST_CASE("counts of blocks add up", "[density]") {
  const uint16_t a[] = {0, 8, 3, 5};
  const uint16_t w[] = {1, 2, 0, 7};
  ZeroCounts sum;
  sum += CountZeros({Format::kNvfp4, a, 0x38, Format::kNvfp4, w, 0x38, 3});  // all products zero
  sum += CountZeros({Format::kNvfp4, a, 0x38, Format::kNvfp4, w, 0x38, 4});
  sum += CountZeros({Format::kNvfp4, a + 3, 0x80, Format::kNvfp4, w + 3, 0x38, 1});  // scale zero
  CHECK(sum.products == 8);
  CHECK(sum.zero_activations == 4);
  CHECK(sum.zero_weights == 2);
  CHECK(sum.zero_products == 6);
  CHECK(sum.blocks == 3);
  CHECK(sum.zero_blocks == 2);
  CHECK(sum.products_of_zero_blocks == 4);
}

// Field of bit `bit` of an element: 0 mantissa, 1 exponent, 2 sign.
int FieldOf(Format format, int bit) {
  const int bits = ElementBits(format);
  if (bit == bits - 1) return 2;
  switch (SpecOf(format).element) {
    case Element::kE2M1:
      return bit < 1 ? 0 : 1;
    case Element::kE3M2:
    case Element::kE5M2:
      return bit < 2 ? 0 : 1;
    case Element::kE2M3:
    case Element::kE4M3:
      return bit < 3 ? 0 : 1;
    case Element::kBf16:
      return bit < 7 ? 0 : 1;
    case Element::kFp16:
      return bit < 10 ? 0 : 1;
    default:
      return 0;
  }
}

template <typename Code16or8>
void CheckToggles(Random& random, Format format) {
  const int lanes = random.Int(1, 40);
  OperandRegisters<Code16or8> registers(format, lanes);
  std::vector<unsigned> held(static_cast<size_t>(lanes), 0);
  for (int run = 0; run < 6; ++run) {
    std::vector<Code16or8> codes(static_cast<size_t>(random.Int(0, 150)));
    uint64_t expected[3] = {};
    for (size_t i = 0; i < codes.size(); ++i) {
      codes[i] = static_cast<Code16or8>(Code(random, format));
      unsigned& lane = held[i % static_cast<size_t>(lanes)];
      for (int bit = 0; bit < ElementBits(format); ++bit) {
        expected[FieldOf(format, bit)] += (lane ^ codes[i]) >> bit & 1;
      }
      lane = codes[i];
    }
    const Toggles toggles = registers.Load(codes.data(), static_cast<int>(codes.size()));
    CHECK(toggles.mantissa == expected[0]);
    CHECK(toggles.exponent == expected[1]);
    CHECK(toggles.sign == expected[2]);
    CHECK(toggles.total() == expected[0] + expected[1] + expected[2]);
  }
}

TEST_CASE("toggles are the bits that change in each lane", "[density]") {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    CheckToggles<uint16_t>(random, AnyFormat(random, 16));
    CheckToggles<uint8_t>(random, AnyFormat(random, 8));
  }
}

TEST_CASE("the same code again toggles nothing, its negative one sign bit a lane", "[density]") {
  OperandRegisters<uint8_t> registers(Format::kNvfp4, 16);
  std::vector<uint8_t> codes(16, 5);
  CHECK(registers.Load(codes.data(), 16).total() == 32);  // from zero: 0101
  CHECK(registers.Load(codes.data(), 16).total() == 0);
  codes.assign(16, 13);
  const Toggles toggles = registers.Load(codes.data(), 16);
  CHECK(toggles.sign == 16);
  CHECK(toggles.total() == 16);
}

TEST_CASE("counts refuse what they do not know", "[density]") {
  const uint16_t code = 0;
  CHECK_THROWS_AS(CountZeroCodes(Format::kFp32, &code, 1), std::invalid_argument);
  const std::vector<uint16_t> codes(129, 0);
  CHECK_THROWS_AS(MaskOf(Format::kFp4, codes.data(), kNoScale, 129), std::invalid_argument);
  CHECK_THROWS_AS(OperandRegisters<uint8_t>(Format::kFp16, 16), std::invalid_argument);
  CHECK_THROWS_AS(OperandRegisters<uint8_t>(Format::kNvfp4, 0), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
