// Accumulators over all pairs of formats, against dot products by hand.
#include "tests/numerics/operand_pairs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>
#include <vector>

#include "models/numerics/accumulate.h"
#include "tests/numerics/long_hand.h"

namespace nibble::numerics {
namespace {

// The same number, whatever the power of two that was taken out.
bool Same(long_hand::Number x, long_hand::Number y) {
  for (long_hand::Number* n : {&x, &y}) {
    if (n->integer == 0) n->exponent = 0;
    for (; n->integer != 0 && n->integer % 2 == 0; ++n->exponent) n->integer /= 2;
  }
  return x.finite == y.finite &&
         (!x.finite || (x.integer == y.integer && x.exponent == y.exponent));
}

TEST_CASE("terms of all pairs of formats have the exact value of their operands", "[pairs]") {
  Random random(71);
  ForAllPairs([&](Format activations, Format weights) {
    CHECK(AddsBlocksExactly(activations, weights) == !long_hand::OneByOne(activations, weights));
    int differences = 0;
    for (const Draw draw : kDraws) {
      for (int trial = 0; trial < 3; ++trial) {
        const Dot dot(random, activations, weights, draw);
        for (OperandBlock block : dot.Blocks()) {
          if (long_hand::OneByOne(activations, weights)) block.count = 1;
          const ExactTerm term = MakeTerm(block);
          const long_hand::Number value{Int128{term.sum} * term.significand, term.exponent,
                                        !term.nan};
          differences += Same(value, long_hand::Terms(block).at(0)) ? 0 : 1;
        }
      }
    }
    CHECK(differences == 0);
  });
}

TEST_CASE("fp32 adds the rounded terms of all pairs of formats in order", "[pairs]") {
  Random random(72);
  int nan = 0, infinite = 0;
  ForAllPairs([&](Format activations, Format weights) {
    for (const Draw draw : kDraws) {
      for (int trial = 0; trial < 2; ++trial) {
        const Dot dot(random, activations, weights, draw);
        const float expected = long_hand::SumD0(dot.Blocks());
        CHECK(dot.Sum(Spec(Accumulation::kFp32)) == FloatBits(expected));
        nan += std::isnan(expected) ? 1 : 0;
        infinite += std::isinf(expected) ? 1 : 0;
      }
    }
  });
  CHECK(nan > 100);
  CHECK(infinite > 20);
}

TEST_CASE("lanes add like elements of all pairs of formats", "[pairs]") {
  Random random(73);
  ForAllPairs([&](Format activations, Format weights) {
    for (const Draw draw : {Draw::kNear, Draw::kWide}) {
      const Dot dot(random, activations, weights, draw);
      std::vector<float> lanes(static_cast<size_t>(dot.block()), 0.0f);
      for (const OperandBlock& block : dot.Blocks()) {
        const std::vector<long_hand::Number> products = long_hand::Terms(block, 1);
        for (size_t i = 0; i < products.size(); ++i) lanes[i] += long_hand::Rounded(products[i]);
      }
      for (; lanes.size() > 1; lanes.resize(lanes.size() / 2)) {  // blocks are powers of two
        for (size_t i = 0; i < lanes.size(); i += 2) lanes[i / 2] = lanes[i] + lanes[i + 1];
      }
      const float expected = std::isnan(lanes[0]) ? BitsFloat(kCanonicalNan) : lanes[0];
      CHECK(dot.Sum(Spec(Accumulation::kLanes)) == FloatBits(expected));
    }
  });
}

TEST_CASE("fp32-rz truncates the sums of the rounded terms of all pairs of formats", "[pairs]") {
  Random random(78);
  ForAllPairs([&](Format activations, Format weights) {
    for (const Draw draw : {Draw::kNear, Draw::kWide, Draw::kExtreme}) {
      const Dot dot(random, activations, weights, draw);
      float acc = 0;
      for (const OperandBlock& block : dot.Blocks()) {
        for (const long_hand::Number& term : long_hand::Terms(block)) {
          const float rounded = long_hand::Rounded(term);
          // A term beyond binary32 stops the register at the largest finite number.
          acc = std::isinf(rounded) ? std::copysign(FLT_MAX, rounded)
                                    : long_hand::TruncatedSum(acc, rounded);
        }
      }
      CHECK(dot.Sum(Spec(Accumulation::kFp32Rz)) == FloatBits(acc));
    }
  });
}

// Exponent of the leading bit of a normal number, and of all subnormal ones; an integer has the
// significand of its largest power of two. Elements and scales alike.
int FieldExponent(const long_hand::Number& x, int mantissa_bits) {
  const bool beyond = Magnitude(x.integer) >> (mantissa_bits + 1) != 0;  // -8 and -128
  return x.exponent + mantissa_bits + (beyond ? 1 : 0);
}

int MantissaBits(Format format) {
  switch (SpecOf(format).element) {
    case Element::kE2M1:
      return 1;
    case Element::kE3M2:
    case Element::kE5M2:
    case Element::kInt4:
      return 2;
    case Element::kE2M3:
    case Element::kE4M3:
      return 3;
    case Element::kInt8:
      return 6;
    case Element::kBf16:
      return 7;
    default:
      return 10;
  }
}

int ScaleMantissaBits(Format format) {
  return std::max(ScaleBits(SpecOf(format).block_scale) - 1, 0);
}

// Fused steps in binary64, which holds single products and what is left of them after alignment.
float FusedProducts(const AccumulatorSpec& spec, const std::vector<OperandBlock>& blocks) {
  struct Addend {
    double value;
    int exponent;
  };
  std::vector<Addend> addends;
  for (const OperandBlock& block : blocks) {
    for (int i = 0; i < block.count; ++i) {
      const auto a = long_hand::ElementValue(SpecOf(block.activations).element, block.a[i]);
      const auto w = long_hand::ElementValue(SpecOf(block.weights).element, block.w[i]);
      const auto a_scale = long_hand::ScaleValue(block.activations, block.a_scale);
      const auto w_scale = long_hand::ScaleValue(block.weights, block.w_scale);
      const long_hand::Number x = Product(Product(a, w), Product(a_scale, w_scale));
      const double value = std::ldexp(static_cast<double>(x.integer), x.exponent);
      int exponent = -126;
      if (value != 0) {
        exponent = FieldExponent(a, MantissaBits(block.activations)) +
                   FieldExponent(w, MantissaBits(block.weights)) +
                   FieldExponent(a_scale, ScaleMantissaBits(block.activations)) +
                   FieldExponent(w_scale, ScaleMantissaBits(block.weights));
        if (spec.fused_normalise) exponent = std::ilogb(value);
      }
      addends.push_back({value, exponent});
    }
  }
  float acc = 0;
  const auto group = static_cast<size_t>(spec.fused_group);
  for (size_t begin = 0; begin < addends.size(); begin += group) {
    std::vector<Addend> step = {{acc, acc == 0 ? -126 : std::ilogb(acc)}};
    for (size_t i = begin; i < std::min(begin + group, addends.size()); ++i) {
      step.push_back(addends[i]);
    }
    int top = -126;
    for (const Addend& addend : step) top = std::max(top, addend.exponent);
    double sum = 0;
    for (const Addend& addend : step) {
      sum += std::trunc(std::ldexp(addend.value, spec.fused_bits - top));
    }
    sum = std::ldexp(sum, top - spec.fused_bits);
    acc = static_cast<float>(sum);
    if (std::fabs(double{acc}) > std::fabs(sum)) acc = std::nextafterf(acc, 0.0f);
  }
  return acc;
}

TEST_CASE("fused steps align single products by the exponents of their operands", "[pairs]") {
  Random random(79);
  int pairs = 0;
  ForAllPairs([&](Format activations, Format weights) {
    if (AddsBlocksExactly(activations, weights)) return;
    ++pairs;
    for (int trial = 0; trial < 8; ++trial) {
      AccumulatorSpec spec = Spec(Accumulation::kFused);
      spec.fused_bits = random.Int(1, 30);
      spec.fused_group = random.Int(1, 8);
      spec.fused_normalise = random.Int(0, 1) != 0;
      const Dot dot(random, activations, weights, Draw::kNear);
      CHECK(dot.Sum(spec) == FloatBits(FusedProducts(spec, dot.Blocks())));
    }
  });
  CHECK(pairs > 50);
}

TEST_CASE("exact rounds the sum of all pairs of formats once, in any order", "[pairs]") {
  Random random(74);
  const AccumulatorSpec spec = Spec(Accumulation::kExact);
  int pairs = 0;
  ForAllPairs([&](Format activations, Format weights) {
    if (!Takes(spec, activations, weights)) return;
    ++pairs;
    for (const Draw draw : {Draw::kNear, Draw::kWide, Draw::kExtreme}) {
      const Dot dot(random, activations, weights, draw);
      std::vector<OperandBlock> blocks = dot.Blocks();
      long_hand::Number sum{0, -48, true};  // all terms are multiples of 2^-48
      for (const OperandBlock& block : blocks) {
        for (const long_hand::Number& term : long_hand::Terms(block)) {
          // Zero may have any exponent.
          if (term.integer == 0) continue;
          sum.integer += term.integer * (Int128{1} << (term.exponent + 48));
        }
      }
      CHECK(dot.Sum(spec) == FloatBits(long_hand::Rounded(sum)));
      for (size_t i = blocks.size() - 1; i > 0; --i) {
        std::swap(blocks[i], blocks[static_cast<size_t>(random.Int(0, static_cast<int>(i)))]);
      }
      Accumulator shuffled(spec, dot.block());
      for (const OperandBlock& block : blocks) shuffled.AddBlock(block);
      CHECK(FloatBits(shuffled.Result()) == dot.Sum(spec));
    }
  });
  // 11 formats without E8M0 or FP32 scales or bfloat16 elements.
  CHECK(pairs == 11 * 11);
}

// x / 2^unit, rounded, as an integer; beyond 64 bits some multiple of 2^64 with its sign.
Int128 Units(const long_hand::Number& x, int unit, AddRounding rounding) {
  const int shift = unit - x.exponent;
  if (x.integer == 0 || shift <= -64) {
    return (x.integer > 0 ? 1 : x.integer < 0 ? -1 : 0) * (Int128{1} << 64);
  }
  if (shift <= 0) return x.integer * (Int128{1} << -shift);
  const Int128 one = Int128{1} << std::min(shift, 100);  // terms are below 2^63
  Int128 floor = x.integer / one;
  if (floor * one > x.integer) --floor;
  const Int128 rest = x.integer - floor * one;  // 0 <= rest < one
  const bool odd = floor % 2 != 0;
  switch (rounding) {
    case AddRounding::kDown:
      return floor;
    case AddRounding::kTowardZero:
      return floor + (x.integer < 0 && rest != 0 ? 1 : 0);
    default:
      return floor + (2 * rest > one || (2 * rest == one && odd) ? 1 : 0);
  }
}

TEST_CASE("fixed point adds the rounded terms of all pairs of formats", "[pairs]") {
  Random random(70);
  uint64_t overflows = 0;
  ForAllPairs([&](Format activations, Format weights) {
    if (!Takes(Spec(Accumulation::kFixed), activations, weights)) return;
    for (const Draw draw : {Draw::kNear, Draw::kWide, Draw::kExtreme}) {
      AccumulatorSpec spec = Spec(Accumulation::kFixed);
      spec.fixed_bits = random.Int(2, 64);
      spec.fixed_lsb = random.Int(-64, 64);
      spec.fixed_rounding = static_cast<AddRounding>(random.Int(0, 2));
      spec.fixed_saturate = random.Int(0, 1) != 0;
      const Dot dot(random, activations, weights, draw);
      const Int128 range = Int128{1} << spec.fixed_bits;
      long_hand::Number acc{0, spec.fixed_lsb, true};
      uint64_t expected = 0;
      for (const OperandBlock& block : dot.Blocks()) {
        for (const long_hand::Number& term : long_hand::Terms(block)) {
          acc.integer += Units(term, spec.fixed_lsb, spec.fixed_rounding);
          if (acc.integer >= -range / 2 && acc.integer < range / 2) continue;
          ++expected;
          if (spec.fixed_saturate) {
            acc.integer = acc.integer < 0 ? -range / 2 : range / 2 - 1;
          } else {
            acc.integer = ((acc.integer + range / 2) % range + range) % range - range / 2;
          }
        }
      }
      Accumulator accumulator(spec, dot.block());
      for (const OperandBlock& block : dot.Blocks()) accumulator.AddBlock(block);
      CHECK(FloatBits(accumulator.Result()) == FloatBits(long_hand::Rounded(acc)));
      CHECK(accumulator.overflows() == expected);
      overflows += expected;
    }
  });
  CHECK(overflows > 1000);
}

}  // namespace
}  // namespace nibble::numerics
