// Accumulators against references in binary64, which holds every sum of these small cases exactly,
// and against laws that any implementation must obey.
#include "models/numerics/accumulate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/numerics/operands.h"

namespace nibble::numerics {
namespace {

float TowardZero(double x) {
  const auto nearest = static_cast<float>(x);
  return std::fabs(double{nearest}) > std::fabs(x) ? std::nextafterf(nearest, 0.0f) : nearest;
}

TEST_CASE("fp32-rz never rounds away from zero", "[accumulate]") {
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    const Operands x = Nvfp4(random);
    float acc = 0;
    for (int b = 0; b < x.blocks; ++b) acc = TowardZero(double{acc} + Value(x, b));
    CHECK(FloatBits(Run(Spec(Accumulation::kFp32Rz), x)) == FloatBits(acc));
  }
}

// D3 in binary64: at most 35 bits below the largest exponent, 11 above and the additions.
float Fused(const AccumulatorSpec& spec, const Operands& x) {
  struct Addend {
    double value;
    int exponent;
  };
  std::vector<Addend> addends;
  for (int b = 0; b < x.blocks; ++b) {
    for (int i = 0; i < x.block; i += 16) {
      const double value = Value(x, b, i, std::min(i + 16, x.block));
      const double a = ScaleValue(x.a_scales[static_cast<size_t>(b)]);
      const double w = ScaleValue(x.w_scales[static_cast<size_t>(b)]);
      int exponent = -126;
      if (a != 0 && w != 0) {
        exponent = std::max(std::ilogb(a), -6) + std::max(std::ilogb(w), -6);
        if (spec.fused_normalise && value != 0) exponent = std::ilogb(value);
      }
      addends.push_back({value, exponent});
    }
  }
  float acc = 0;
  for (size_t begin = 0; begin < addends.size(); begin += static_cast<size_t>(spec.fused_group)) {
    const size_t end = std::min(begin + static_cast<size_t>(spec.fused_group), addends.size());
    std::vector<Addend> step(addends.begin() + static_cast<ptrdiff_t>(begin),
                             addends.begin() + static_cast<ptrdiff_t>(end));
    step.push_back({acc, acc == 0 ? -126 : std::ilogb(acc)});
    int top = -126;
    for (const Addend& addend : step) top = std::max(top, addend.exponent);
    double sum = 0;
    for (const Addend& addend : step) {
      sum += std::trunc(std::ldexp(addend.value, spec.fused_bits - top));
    }
    sum = std::ldexp(sum, top - spec.fused_bits);
    acc =
        spec.fused_rounding == AddRounding::kTowardZero ? TowardZero(sum) : static_cast<float>(sum);
  }
  return acc;
}

TEST_CASE("fused steps align, truncate and round once", "[accumulate]") {
  Random random(5);
  for (int i = 0; i < 3000; ++i) {
    const Operands x = Nvfp4(random);
    AccumulatorSpec spec = Spec(Accumulation::kFused);
    spec.fused_bits = random.Int(1, 35);
    spec.fused_group = random.Int(1, 8);
    spec.fused_normalise = random.Int(0, 1) != 0;
    if (random.Int(0, 1) != 0) spec.fused_rounding = AddRounding::kNearestEven;
    CHECK(FloatBits(Run(spec, x)) == FloatBits(Fused(spec, x)));
  }
}

TEST_CASE("a term under a zero scale aligns nothing in a fused step", "[accumulate]") {
  AccumulatorSpec spec = Spec(Accumulation::kFused);
  spec.fused_bits = 6;
  spec.fused_group = 2;
  Accumulator accumulator(spec, 16);
  // 5 quarters of 2^-18, aligned at 2^-12 and cut to units of 2^-18.
  accumulator.Add(MakeTerm(5, Format::kNvfp4, 0x01, Format::kNvfp4, 0x01));
  accumulator.Add(MakeTerm(5, Format::kNvfp4, 0x00, Format::kNvfp4, 0x7E));
  CHECK(accumulator.Result() == 0x1p-18f);
}

TEST_CASE("lanes add like elements, then pairs of lanes", "[accumulate]") {
  Random random(6);
  for (int i = 0; i < 500; ++i) {
    const Operands x = Nvfp4(random);
    std::vector<float> lanes(static_cast<size_t>(x.block), 0.0f);
    for (int b = 0; b < x.blocks; ++b) {
      for (int l = 0; l < x.block; ++l) {
        lanes[static_cast<size_t>(l)] += static_cast<float>(Value(x, b, l, l + 1));
      }
    }
    for (; lanes.size() > 1; lanes.resize(lanes.size() / 2)) {  // blocks are powers of two
      for (size_t l = 0; l < lanes.size(); l += 2) lanes[l / 2] = lanes[l] + lanes[l + 1];
    }
    CHECK(FloatBits(Run(Spec(Accumulation::kLanes), x)) == FloatBits(lanes[0]));
  }
}

// The nearest of all finite codes of a 16-bit format, ties to the even code; infinity from half a
// step above the largest.
float Nearest16(double x, float (*decode)(uint16_t), int infinity) {
  const double magnitude = std::fabs(x);
  int low = 0, high = infinity;  // decode(low) <= magnitude
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (double{decode(static_cast<uint16_t>(middle))} <= magnitude ? low : high) = middle;
  }
  const double below = decode(static_cast<uint16_t>(low));
  const double step = high < infinity ? double{decode(static_cast<uint16_t>(high))} - below
                                      : below - double{decode(static_cast<uint16_t>(low - 1))};
  const double rest = magnitude - below;
  const bool up = rest > step / 2 || (rest == step / 2 && low % 2 != 0);
  const double value = !up               ? below
                       : high < infinity ? below + step
                                         : std::numeric_limits<double>::infinity();
  return static_cast<float>(x < 0 && value != 0 ? -value : value);
}

TEST_CASE("fp16 and bf16 round every sum to the nearest of their numbers", "[accumulate]") {
  Random random(7);
  int infinite = 0;
  for (int i = 0; i < 3000; ++i) {
    const Operands x = Nvfp4(random);
    const bool half = random.Int(0, 1) != 0;
    AccumulatorSpec spec = Spec(half ? Accumulation::kFp16 : Accumulation::kBf16);
    spec.pre_shift = random.Int(0, 16);
    double acc = 0;
    for (int b = 0; b < x.blocks && !std::isinf(acc); ++b) {
      const double sum = acc + std::ldexp(Value(x, b), -spec.pre_shift);
      acc = half ? Nearest16(sum, DecodeFp16, 0x7C00) : Nearest16(sum, DecodeBf16, 0x7F80);
    }
    infinite += std::isinf(acc) ? 1 : 0;
    uint64_t overflows;
    CHECK(FloatBits(Run(spec, x, &overflows)) ==
          FloatBits(static_cast<float>(std::ldexp(acc, spec.pre_shift))));
    CHECK(overflows == (std::isinf(acc) ? 1 : 0));
  }
  CHECK(infinite > 20);
}

TEST_CASE("fixed point: rounding of terms, saturation and wrapping", "[accumulate]") {
  Random random(8);
  int64_t total = 0;
  for (int i = 0; i < 4000; ++i) {
    const Operands x = Nvfp4(random);
    AccumulatorSpec spec = Spec(Accumulation::kFixed);
    spec.fixed_bits = random.Int(2, 50);
    spec.fixed_lsb = random.Int(-20, 12);
    spec.fixed_rounding = static_cast<AddRounding>(random.Int(0, 2));
    spec.fixed_saturate = random.Int(0, 1) != 0;
    const double range = std::ldexp(1.0, spec.fixed_bits);
    double acc = 0;  // in units, an integer below 2^52
    uint64_t expected = 0;
    for (int b = 0; b < x.blocks; ++b) {
      const double term = std::ldexp(Value(x, b), -spec.fixed_lsb);
      acc += spec.fixed_rounding == AddRounding::kDown         ? std::floor(term)
             : spec.fixed_rounding == AddRounding::kTowardZero ? std::trunc(term)
                                                               : std::nearbyint(term);
      if (acc >= -range / 2 && acc < range / 2) continue;
      ++expected;
      if (spec.fixed_saturate) {
        acc = acc < 0 ? -range / 2 : range / 2 - 1;
      } else {
        acc -= range * std::floor(acc / range + 0.5);
      }
    }
    uint64_t overflows;
    const float result = Run(spec, x, &overflows);
    CHECK(FloatBits(result) ==
          FloatBits(static_cast<float>(std::ldexp(acc + 0.0, spec.fixed_lsb))));
    CHECK(overflows == expected);
    total += static_cast<int64_t>(expected);
  }
  CHECK(total > 1000);
}

TEST_CASE("one rounding of acc and exact term, or the term first", "[accumulate]") {
  // 2^24 + (1 + 2^-24): the term alone rounds to 1, a tie that goes to 2^24; the exact sum lies
  // above the tie.
  ExactTerm big, term;
  big.sum = int64_t{1} << 24;
  term.sum = (int64_t{1} << 24) + 1;
  term.exponent = -24;
  for (const bool round_term : {true, false}) {
    AccumulatorSpec spec;
    spec.round_term = round_term;
    Accumulator accumulator(spec, 16);
    accumulator.Add(big);
    accumulator.Add(term);
    CHECK(accumulator.Result() == (round_term ? 0x1p24f : 0x1p24f + 2));
  }
}

TEST_CASE("sums of numbers far apart round as exact ones do", "[accumulate]") {
  // A speck below the last place decides what truncation and floor do, and what a tie does.
  for (const int distance : {30, 61, 62, 63, 64, 100, 126, 127, 128, 200, 1000}) {
    INFO(distance);
    for (const int sign : {1, -1}) {
      const Exact one{Int128{1} << 24, -24};
      const Exact sum = Sum(one, {sign, -distance});
      CHECK(Round(sum, kBinary32, AddRounding::kTowardZero).value ==
            (sign > 0 ? 1.0f : 1.0f - 0x1p-24f));
      CHECK(Round(sum, kBinary32, AddRounding::kNearestEven).value == 1.0f);
      const Exact tie{(Int128{1} << 24) + 1, -24};  // between 1 and 1 + 2^-23
      CHECK(Round(Sum({sign, -distance}, tie), kBinary32, AddRounding::kNearestEven).value ==
            (sign > 0 ? 1.0f + 0x1p-23f : 1.0f));
    }
  }
}

TEST_CASE("blocks of zeros change no accumulator but the number of fused steps", "[accumulate]") {
  Random random(10);
  const uint16_t zeros[128] = {};
  for (int kind = 0; kind < 8; ++kind) {
    AccumulatorSpec spec = Spec(static_cast<Accumulation>(kind));
    spec.fused_group = 1;
    for (int i = 0; i < 50; ++i) {
      const Operands x = Nvfp4(random);
      Accumulator padded(spec, x.block);
      for (int b = 0; b < x.blocks; ++b) {
        padded.AddBlock(x.Block(b));
        padded.AddBlock({Format::kNvfp4, zeros, 0, Format::kNvfp4, zeros, 0, x.block});
      }
      CHECK(FloatBits(padded.Result()) == FloatBits(Run(spec, x)));
    }
  }
}

}  // namespace
}  // namespace nibble::numerics
