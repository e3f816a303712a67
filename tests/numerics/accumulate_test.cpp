// Accumulators against references in binary64, which holds every sum of these small cases exactly,
// and against laws that any implementation must obey.
#include "models/numerics/accumulate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "models/numerics/dot.h"
#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr Format kFormats[] = {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16};

bool Finite(Format format, uint16_t code) {
  if (format == Format::kFp8) return !IsNanE4M3(static_cast<uint8_t>(code));
  return format != Format::kFp16 || (code & 0x7C00) != 0x7C00;
}

// A run of whole blocks of random bits; NaN only if asked for.
struct Operands {
  Format activations, weights;
  int block, blocks;
  std::vector<uint8_t> a;
  std::vector<uint16_t> w;
  std::vector<int> a_scales, w_scales;

  Operands(Random& random, Format activation_format, Format weight_format, int block_size,
           int count, bool nan = false)
      : activations(activation_format), weights(weight_format), block(block_size), blocks(count) {
    const auto code = [&](Format format) {
      for (;;) {
        const auto bits = static_cast<uint16_t>(random.Word() & ((1u << ElementBits(format)) - 1));
        if (nan || Finite(format, bits)) return bits;
      }
    };
    for (int i = 0; i < block * blocks; ++i) {
      a.push_back(static_cast<uint8_t>(code(activations)));
      w.push_back(code(weights));
    }
    // Scales near each other in some runs, so that rounding and cancellation happen, wide in
    // others.
    const int base = random.Int(0, 120);
    const int spread = random.Int(0, 1) != 0 ? 6 : 126 - base;
    const auto scale = [&](Format format) {
      if (!HasBlockScale(format)) return kNoScale;
      if (nan && random.Int(0, 9) == 0) return 0x7F;
      return base + random.Int(0, spread) + 128 * random.Int(0, 1);  // bit 7 is ignored
    };
    for (int b = 0; b < blocks; ++b) {
      a_scales.push_back(scale(activations));
      w_scales.push_back(scale(weights));
    }
  }

  OperandBlock Block(int b) const {
    const auto at = static_cast<size_t>(b), begin = at * static_cast<size_t>(block);
    return {activations, &a[begin], a_scales[at], weights, &w[begin], w_scales[at], block};
  }
};

Operands Nvfp4(Random& random) {
  return {random, Format::kNvfp4, Format::kNvfp4, random.Block(), random.Int(1, 24)};
}

float Run(const AccumulatorSpec& spec, const Operands& x, uint64_t* overflows = nullptr) {
  Accumulator accumulator(spec, x.block);
  for (int b = 0; b < x.blocks; ++b) accumulator.AddBlock(x.Block(b));
  if (overflows != nullptr) *overflows = accumulator.overflows();
  return accumulator.Result();
}

AccumulatorSpec Spec(Accumulation kind) {
  AccumulatorSpec spec;
  spec.kind = kind;
  return spec;
}

double ScaleValue(int scale) {
  return scale == kNoScale ? 1.0 : double{DecodeE4M3(static_cast<uint8_t>(scale & 0x7F))};
}

// The exact value of elements first..last-1 of block b. Exact: NVFP4 terms are multiples of 2^-20
// below 2^30.
double Value(const Operands& x, int b, int first, int last) {
  double sum = 0;
  for (int i = first; i < last; ++i) {
    const auto at = static_cast<size_t>(b * x.block + i);
    sum += double{DecodeE2M1(x.a[at])} * double{DecodeE2M1(static_cast<uint8_t>(x.w[at]))};
  }
  const auto block = static_cast<size_t>(b);
  return sum * ScaleValue(x.a_scales[block]) * ScaleValue(x.w_scales[block]);
}
double Value(const Operands& x, int b) { return Value(x, b, 0, x.block); }

float TowardZero(double x) {
  const auto nearest = static_cast<float>(x);
  return std::fabs(double{nearest}) > std::fabs(x) ? std::nextafterf(nearest, 0.0f) : nearest;
}

TEST_CASE("fp32 adds the terms that BlockTerm defines", "[accumulate]") {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const Format activations = random.Int(0, 1) != 0 ? Format::kNvfp4 : Format::kFp4;
    const Operands x(random, activations, kFormats[random.Int(0, 3)], random.Block(),
                     random.Int(1, 12), random.Int(0, 3) == 0);
    float acc = 0;
    for (int b = 0; b < x.blocks; ++b) {
      const OperandBlock block = x.Block(b);
      acc += BlockTerm(block.a, block.a_scale, block.w, block.w_scale, block.weights, block.count);
    }
    if (std::isnan(acc)) acc = BitsFloat(kCanonicalNan);
    CHECK(FloatBits(Run(Spec(Accumulation::kFp32), x)) == FloatBits(acc));
  }
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

TEST_CASE("exact rounds the exact sum once", "[accumulate]") {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const Operands x = Nvfp4(random);
    double sum = 0;
    for (int b = 0; b < x.blocks; ++b) sum += Value(x, b);
    // Multiples of 2^-20 below 2^33 where no block exceeds 16 elements of the largest scales.
    if (std::fabs(sum) >= 0x1p31) continue;
    CHECK(FloatBits(Run(Spec(Accumulation::kExact), x)) == FloatBits(static_cast<float>(sum)));
  }
}

TEST_CASE("exact does not depend on the order of the terms", "[accumulate]") {
  Random random(4);
  for (const Format weights : kFormats) {
    for (int i = 0; i < 200; ++i) {
      const Operands x(random, Format::kNvfp4, weights, random.Block(), 16);
      std::vector<int> order;
      for (int b = 0; b < x.blocks; ++b) {
        order.insert(order.begin() + random.Int(0, b), b);
      }
      Accumulator shuffled(Spec(Accumulation::kExact), x.block);
      for (const int b : order) shuffled.AddBlock(x.Block(b));
      CHECK(FloatBits(shuffled.Result()) == FloatBits(Run(Spec(Accumulation::kExact), x)));
    }
  }
}

TEST_CASE("exact keeps the least term beside the largest", "[accumulate]") {
  for (const Format weights : kFormats) {
    INFO(FormatName(weights));
    const std::vector<uint8_t> sixes(128, 7), half(128, 1);
    const uint16_t largest = weights == Format::kFp8 ? 0x7E : weights == Format::kFp16 ? 0x7BFF : 7;
    const uint16_t sign = weights == Format::kFp8 ? 0x80 : weights == Format::kFp16 ? 0x8000 : 8;
    const std::vector<uint16_t> most(128, largest), least(128, 1),
        negative(128, static_cast<uint16_t>(largest | sign));
    const bool scaled = HasBlockScale(weights);
    const auto block = [&](const std::vector<uint8_t>& a, int scale, const std::vector<uint16_t>& w,
                           int count) {
      return OperandBlock{
          Format::kNvfp4, a.data(), scale, weights, w.data(), scaled ? scale : kNoScale, count};
    };
    Accumulator accumulator(Spec(Accumulation::kExact), 128);
    for (int i = 0; i < 1000; ++i) accumulator.AddBlock(block(sixes, 0x7E, most, 128));
    const OperandBlock one = block(half, 1, least, 1);
    accumulator.AddBlock(one);
    for (int i = 0; i < 1000; ++i) accumulator.AddBlock(block(sixes, 0x7E, negative, 128));
    const float term = BlockTerm(one.a, one.a_scale, one.w, one.w_scale, weights, 1);
    CHECK(term != 0.0f);
    CHECK(FloatBits(accumulator.Result()) == FloatBits(term));
  }
}

TEST_CASE("the exact register refuses what it cannot hold", "[accumulate]") {
  Accumulator accumulator(Spec(Accumulation::kExact), 16);
  ExactTerm term;
  term.sum = 1;
  term.exponent = internal::ExactRegister::kLeastExponent - 1;
  CHECK_THROWS_AS(accumulator.Add(term), std::range_error);
  term.exponent = internal::ExactRegister::kMostExponent;
  CHECK_THROWS_AS(accumulator.Add(term), std::range_error);
  term.exponent = internal::ExactRegister::kMostExponent - 1;
  accumulator.Add(term);
  CHECK(accumulator.Result() == std::ldexp(1.0f, term.exponent));
}

TEST_CASE("width of the exact register", "[accumulate]") {
  // Notes, section 3: 56 bits for K = 4096; 36 * 448^2 * 4096 in units of 2^-20 is below 2^55.
  CHECK(ExactRegisterBits(Format::kNvfp4, Format::kNvfp4, 4096) == 56);
  // Unscaled: 36 K in quarters; 144 * 16 = 2304 needs 12 bits and the sign.
  CHECK(ExactRegisterBits(Format::kFp4, Format::kFp4, 16) == 13);
  CHECK(ExactRegisterBits(Format::kNvfp4, Format::kFp16, 1 << 20) <= 128);
  CHECK_THROWS_AS(ExactRegisterBits(Format::kFp4, Format::kFp32, 16), std::invalid_argument);
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

TEST_CASE("a NaN scale or weight makes the canonical NaN, whatever the accumulator",
          "[accumulate]") {
  Random random(9);
  for (int kind = 0; kind < 8; ++kind) {
    const AccumulatorSpec spec = Spec(static_cast<Accumulation>(kind));
    for (const Format weights : kFormats) {
      Operands x(random, Format::kNvfp4, weights, 16, 5);
      if (weights == Format::kFp8) {
        x.w[20] = 0xFF;
      } else if (weights == Format::kFp16) {
        x.w[20] = 0xFC00;
      } else {
        x.a_scales[1] = 0xFF;
      }
      Accumulator accumulator(spec, x.block);
      for (int b = 0; b < x.blocks; ++b) accumulator.AddBlock(x.Block(b));
      CHECK(FloatBits(accumulator.Result()) == kCanonicalNan);
      accumulator.Reset();
      CHECK(FloatBits(accumulator.Result()) == 0);
    }
  }
}

TEST_CASE("blocks of zeros change no accumulator but the number of fused steps", "[accumulate]") {
  Random random(10);
  const uint8_t zeros[128] = {};
  const uint16_t wide_zeros[128] = {};
  for (int kind = 0; kind < 8; ++kind) {
    AccumulatorSpec spec = Spec(static_cast<Accumulation>(kind));
    spec.fused_group = 1;
    for (int i = 0; i < 50; ++i) {
      const Operands x = Nvfp4(random);
      Accumulator padded(spec, x.block);
      for (int b = 0; b < x.blocks; ++b) {
        padded.AddBlock(x.Block(b));
        padded.AddBlock({Format::kNvfp4, zeros, 0, Format::kNvfp4, wide_zeros, 0, x.block});
      }
      CHECK(FloatBits(padded.Result()) == FloatBits(Run(spec, x)));
    }
  }
}

TEST_CASE("names and ranges of the accumulator's fields", "[accumulate]") {
  for (int kind = 0; kind < 8; ++kind) {
    const auto accumulation = static_cast<Accumulation>(kind);
    CHECK(ParseAccumulator(AccumulatorName(accumulation)) == accumulation);
  }
  for (int i = 0; i < 3; ++i) {
    const auto rounding = static_cast<AddRounding>(i);
    CHECK(ParseAddRounding(AddRoundingName(rounding)) == rounding);
  }
  CHECK_THROWS_WITH(ParseAccumulator("fp64"), Catch::Contains("fp64") && Catch::Contains("lanes"));
  CHECK_THROWS_WITH(ParseAddRounding("up"), Catch::Contains("up") && Catch::Contains("floor"));
  AccumulatorSpec spec = Spec(Accumulation::kFixed);
  spec.fixed_bits = 65;
  CHECK_THROWS_WITH(Accumulator(spec, 16), Catch::Contains("fixed_bits = 65"));
  CHECK_THROWS_AS(Accumulator(AccumulatorSpec{}, 0), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
