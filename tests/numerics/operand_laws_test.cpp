// What all pairs of formats obey in every accumulator: which operands it takes, and what must
// change nothing.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "models/numerics/accumulate.h"
#include "tests/numerics/long_hand.h"
#include "tests/numerics/operand_pairs.h"

namespace nibble::numerics {
namespace {

// The largest magnitudes of a format: elements as integers in units of its smallest one, and
// significands.
struct Largest {
  explicit Largest(Format format) {
    const Element element = SpecOf(format).element;
    for (uint32_t code = 0; code < 1u << ElementBits(format); ++code) {
      const long_hand::Number x = long_hand::ElementValue(element, static_cast<uint16_t>(code));
      if (!x.finite) continue;
      significand = std::max(significand, Magnitude(x.integer));
      unit = std::min(unit, x.exponent);
    }
    const long_hand::Number x = long_hand::ElementValue(element, LargestCode(element));
    integer = Magnitude(x.integer);
    if (element != Element::kBf16) integer <<= x.exponent - unit;
  }
  int unit = 0;
  Uint128 integer = 0, significand = 0;
};

TEST_CASE("units and bits of products and scales", "[pairs]") {
  ForAllPairs([](Format activations, Format weights) {
    if (activations == Format::kBf16 || weights == Format::kBf16) return;
    const Largest a(activations), w(weights);
    CHECK(ProductExponent(activations, weights) == a.unit + w.unit);
    CHECK(ProductBits(activations, weights) == BitLength(a.integer * w.integer));
    CHECK(ScaleSignificandBits(activations) == ScaleBits(SpecOf(activations).block_scale));
    // What AddsBlocksExactly promises.
    if (AddsBlocksExactly(activations, weights))
      CHECK(BitLength(a.integer * w.integer * 128) <= 63);
  });
}

TEST_CASE("an accumulator refuses exactly the operands that do not fit it", "[pairs]") {
  ForAllPairs([](Format activations, Format weights) {
    const Largest a(activations), w(weights);
    const Uint128 sum = long_hand::OneByOne(activations, weights) ? a.significand * w.significand
                                                                  : a.integer * w.integer * 128;
    const int bits = BitLength(sum) + ScaleBits(SpecOf(activations).block_scale) +
                     ScaleBits(SpecOf(weights).block_scale);
    const auto spans_too_much = [](Format format) {
      const BlockScale scale = SpecOf(format).block_scale;
      return scale == BlockScale::kE8M0 || scale == BlockScale::kFp32 || format == Format::kBf16;
    };
    for (const Accumulation kind : kKinds) {
      INFO(AccumulatorName(kind) << ": " << bits << " bits");
      bool expected = bits <= 63;
      if (kind == Accumulation::kFp32 || kind == Accumulation::kFp32Rz ||
          kind == Accumulation::kLanes) {
        expected = true;
      } else if (kind == Accumulation::kExact) {
        expected = !spans_too_much(activations) && !spans_too_much(weights);
      }
      CHECK(Takes(Spec(kind), activations, weights) == expected);
    }
  });
  using Catch::Contains;
  for (const Accumulation kind : kKinds) {
    CHECK_THROWS_WITH(CheckOperands(Spec(kind), Format::kFp32, Format::kNvfp4), Contains("fp32"));
    CHECK_THROWS_WITH(CheckOperands(Spec(kind), Format::kNvfp4, Format::kFp32), Contains("fp32"));
  }
  CHECK_THROWS_WITH(CheckOperands(Spec(Accumulation::kExact), Format::kMxfp4, Format::kNvfp4),
                    Contains("mxfp4"));
  CHECK_THROWS_WITH(CheckOperands(Spec(Accumulation::kExact), Format::kNvfp4, Format::kBf16),
                    Contains("bf16"));
  CHECK_THROWS_WITH(CheckOperands(Spec(Accumulation::kFused), Format::kInt8Fp32, Format::kInt4Fp32),
                    Contains("int8-fp32") && Contains("int4-fp32"));
}

// Choices of an accumulator's fields at the ends of their ranges.
std::vector<AccumulatorSpec> Specs(Accumulation kind) {
  std::vector<AccumulatorSpec> specs = {Spec(kind), Spec(kind), Spec(kind)};
  specs[0].round_term = false;
  specs[0].fused_bits = 64;
  specs[0].fused_group = 64;
  specs[0].fixed_bits = 64;
  specs[0].fixed_lsb = -64;
  specs[1].fused_bits = 1;
  specs[1].fused_group = 1;
  specs[1].fused_normalise = true;
  specs[1].pre_shift = 64;
  specs[1].fixed_bits = 2;
  specs[1].fixed_lsb = 64;
  specs[1].fixed_rounding = AddRounding::kDown;
  specs[1].fixed_saturate = false;
  return specs;
}

// Overflow of a signed integer and the like are found by the sanitizer that runs this.
TEST_CASE("what an accumulator takes it adds, however large or small", "[pairs]") {
  Random random(75);
  ForAllPairs([&](Format activations, Format weights) {
    for (const Accumulation kind : kKinds) {
      if (!Takes(Spec(kind), activations, weights)) continue;
      INFO(AccumulatorName(kind));
      for (const AccumulatorSpec& spec : Specs(kind)) {
        for (const Draw draw : kDraws) {
          const Dot dot(random, activations, weights, draw, 200);
          bool finite = true;
          for (const OperandBlock& block : dot.Blocks()) {
            for (const auto& term : long_hand::Terms(block)) finite = finite && term.finite;
          }
          const float sum = BitsFloat(dot.Sum(spec));
          if (!finite) CHECK(FloatBits(sum) == kCanonicalNan);
          // Only where infinities of both signs meet.
          const bool infinite = kind == Accumulation::kFp32 || kind == Accumulation::kFp32Rz ||
                                kind == Accumulation::kLanes;
          if (finite && !infinite) CHECK(!std::isnan(sum));
        }
      }
    }
  });
}

TEST_CASE("the order inside a block that is added exactly changes nothing", "[pairs]") {
  Random random(76);
  ForAllPairs([&](Format activations, Format weights) {
    if (!AddsBlocksExactly(activations, weights)) return;
    for (const Accumulation kind : kKinds) {
      // Lanes add products, fused steps sub-blocks of 16.
      if (kind == Accumulation::kLanes || kind == Accumulation::kFused) continue;
      if (!Takes(Spec(kind), activations, weights)) continue;
      const Dot dot(random, activations, weights, Draw::kWide);
      Dot shuffled = dot;
      for (int begin = 0; begin < dot.a.length; begin += dot.block()) {
        const int end = std::min(begin + dot.block(), dot.a.length);
        for (int i = end - 1; i > begin; --i) {
          const auto x = static_cast<size_t>(i), y = static_cast<size_t>(random.Int(begin, i));
          std::swap(shuffled.a.codes[x], shuffled.a.codes[y]);
          std::swap(shuffled.w.codes[x], shuffled.w.codes[y]);
        }
      }
      CHECK(shuffled.Sum(Spec(kind)) == dot.Sum(Spec(kind)));
    }
  });
}

TEST_CASE("zeros that fill up a block add nothing", "[pairs]") {
  Random random(77);
  ForAllPairs([&](Format activations, Format weights) {
    for (const Accumulation kind : kKinds) {
      if (!Takes(Spec(kind), activations, weights)) continue;
      // A fused step of zeros still aligns, and more terms fall into other steps.
      if (kind == Accumulation::kFused) continue;
      INFO(AccumulatorName(kind));
      Dot dot(random, activations, weights, Draw::kWide);
      const uint32_t sum = dot.Sum(Spec(kind));
      const int tail = dot.a.length % dot.block();
      if (tail == 0) continue;
      const int length = dot.a.length + random.Int(1, dot.block() - tail);
      for (AnyRows* row : {&dot.a, &dot.w}) {
        row->length = length;
        row->codes.resize(static_cast<size_t>(length), 0);
      }
      CHECK(dot.Sum(Spec(kind)) == sum);
    }
  });
}

}  // namespace
}  // namespace nibble::numerics
