// Terms of NVFP4 activations by their definition, and the accumulator that loses nothing. Terms of
// all pairs of formats: operand_pairs_test.cpp.
#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "models/numerics/accumulate.h"
#include "models/numerics/dot.h"
#include "models/numerics/formats.h"
#include "tests/numerics/operands.h"

namespace nibble::numerics {
namespace {

TEST_CASE("fp32 adds the terms that BlockTerm defines", "[accumulate]") {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const Format activations = random.Int(0, 1) != 0 ? Format::kNvfp4 : Format::kFp4;
    const Operands x(random, activations, kOperandFormats[random.Int(0, 3)], random.Block(),
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
  for (const Format weights : kOperandFormats) {
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
  for (const Format weights : kOperandFormats) {
    INFO(FormatName(weights));
    const std::vector<uint16_t> sixes(128, 7), half(128, 1);
    const uint16_t largest = weights == Format::kFp8 ? 0x7E : weights == Format::kFp16 ? 0x7BFF : 7;
    const uint16_t sign = weights == Format::kFp8 ? 0x80 : weights == Format::kFp16 ? 0x8000 : 8;
    const std::vector<uint16_t> most(128, largest), least(128, 1),
        negative(128, static_cast<uint16_t>(largest | sign));
    const bool scaled = HasBlockScale(weights);
    const auto block = [&](const std::vector<uint16_t>& a, int64_t scale,
                           const std::vector<uint16_t>& w, int count) {
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
  CHECK(ExactRegisterBits(Format::kInt8, Format::kInt8, 1 << 19) <= 128);
  CHECK_THROWS_AS(ExactRegisterBits(Format::kFp4, Format::kFp32, 16), std::invalid_argument);
  CHECK_THROWS_AS(ExactRegisterBits(Format::kMxfp4, Format::kFp4, 16), std::invalid_argument);
}

TEST_CASE("a NaN scale or weight makes the canonical NaN, whatever the accumulator",
          "[accumulate]") {
  Random random(9);
  for (int kind = 0; kind < 8; ++kind) {
    const AccumulatorSpec spec = Spec(static_cast<Accumulation>(kind));
    for (const Format weights : kOperandFormats) {
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
