// The table multiplier against the exact product of the decoded values, over all pairs of codes.
#include "models/numerics/multiplier_lut.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "models/numerics/accumulate.h"
#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

TEST_CASE("the table multiplier is exact over all pairs of codes", "[multiplier]") {
  for (const Format weights : {Format::kNvfp4, Format::kFp4, Format::kFp8}) {
    INFO(FormatName(weights));
    const bool fp8 = weights == Format::kFp8;
    const int unit = ProductExponent(Format::kFp4, weights);
    for (int a = 0; a < 16; ++a) {
      for (int w = 0; w < (fp8 ? 256 : 16); ++w) {
        if (fp8 && (w & 0x7F) == 0x7F) continue;
        INFO(a << " * " << w);
        const auto a_code = static_cast<uint8_t>(a), w_byte = static_cast<uint8_t>(w);
        const LutProduct product = MultiplyByTable(a_code, w_byte, weights);
        const float exact =
            DecodeE2M1(a_code) * (fp8 ? DecodeE4M3(w_byte) : DecodeE2M1(w_byte));  // 6 bits
        CHECK(product.Integer(unit) == static_cast<int64_t>(std::ldexp(exact, -unit)));
        CHECK(product.negative == std::signbit(exact));
        const uint16_t a_wide = a_code, w_wide = w_byte;
        const ExactTerm term =
            MakeTerm({Format::kFp4, &a_wide, kNoScale, weights, &w_wide, kNoScale, 1});
        CHECK(term.exponent == unit);
        CHECK(product.Integer(term.exponent) == term.sum);
      }
    }
  }
}

TEST_CASE("the table has as many entries and bits as its products need", "[multiplier]") {
  for (const Format weights : {Format::kNvfp4, Format::kFp8}) {
    const int codes = weights == Format::kFp8 ? 256 : 16;
    int32_t largest = 0;
    for (int a = 0; a < 16; ++a) {
      for (int w = 0; w < codes; ++w) {
        const auto code = static_cast<uint16_t>(w);
        largest =
            std::max(largest, MultiplyByTable(static_cast<uint8_t>(a), code, weights).significand);
      }
    }
    const LutSize size = MultiplierTableSize(weights);
    CHECK(largest < 1 << size.width);
    CHECK(largest >= 1 << (size.width - 1));
  }
  CHECK(MultiplierTableSize(Format::kNvfp4).bits() == 64);  // 2 x 2 bits in, 4 out
  CHECK(MultiplierTableSize(Format::kFp8).bits() == 384);   // 2 x 4 bits in, 6 out
  CHECK_THROWS_AS(MultiplierTableSize(Format::kFp16), std::invalid_argument);
  CHECK_THROWS_AS(MultiplyByTable(0, 0, Format::kFp32), std::invalid_argument);
}

TEST_CASE("the shifter and the exponent adder take every product", "[multiplier]") {
  for (const Format weights : {Format::kNvfp4, Format::kFp8}) {
    const int codes = weights == Format::kFp8 ? 256 : 16;
    const int unit = ProductExponent(Format::kFp4, weights);
    int most_places = 0;
    int64_t largest = 0;
    for (int a = 0; a < 16; ++a) {
      for (int w = 0; w < codes; ++w) {
        if (weights == Format::kFp8 && (w & 0x7F) == 0x7F) continue;
        const LutProduct p =
            MultiplyByTable(static_cast<uint8_t>(a), static_cast<uint16_t>(w), weights);
        most_places = std::max(most_places, p.exponent - unit);
        largest = std::max(largest, p.Integer(unit));
      }
    }
    const LutSize size = MultiplierTableSize(weights);
    CHECK(1 << size.shift_stages > most_places);
    CHECK(1 << (size.shift_stages - 1) <= most_places);
    CHECK(largest < int64_t{1} << size.aligned_bits);
    CHECK(largest >= int64_t{1} << (size.aligned_bits - 1));
  }
  CHECK(MultiplierTableSize(Format::kNvfp4).muxes() == 15 * 4 + 3 * 8);
  CHECK(MultiplierTableSize(Format::kFp8).muxes() == 63 * 6 + 5 * 22);
  CHECK(MultiplierTableSize(Format::kNvfp4).exponent_bits == 2);
  CHECK(MultiplierTableSize(Format::kFp8).exponent_bits == 4);
}

TEST_CASE("tables cover E2M1 by E2M1 or E4M3 elements under any scales", "[multiplier]") {
  for (const FormatSpec& a : AllFormats()) {
    for (const FormatSpec& w : AllFormats()) {
      INFO(a.name << " by " << w.name);
      CHECK_NOTHROW(CheckMultiplier(Multiplier::kArray, a.format, w.format));
      const bool covered = a.element == Element::kE2M1 &&
                           (w.element == Element::kE2M1 || w.element == Element::kE4M3);
      if (covered) {
        CHECK_NOTHROW(CheckMultiplier(Multiplier::kTable, a.format, w.format));
        CHECK(MultiplierTableSize(w.format).entries > 0);
      } else {
        const std::string culprit = a.element == Element::kE2M1 ? w.name : a.name;
        CHECK_THROWS_WITH(CheckMultiplier(Multiplier::kTable, a.format, w.format),
                          Catch::Contains(culprit));
      }
    }
  }
}

TEST_CASE("terms are the same by array and by table, NaN included", "[multiplier]") {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const Format weights = i % 2 == 0 ? Format::kMxfp4 : Format::kMxfp8;
    std::vector<uint16_t> a, w;
    const int count = random.Int(1, 128);
    for (int k = 0; k < count; ++k) {
      a.push_back(static_cast<uint16_t>(random.Int(0, 15)));
      w.push_back(static_cast<uint16_t>(random.Int(0, weights == Format::kMxfp4 ? 15 : 0xFE)));
      if (w.back() == 0x7F && random.Int(0, 9) > 0) w.back() = 0;
    }
    OperandBlock block{Format::kMxfp4, a.data(), 120, weights, w.data(), 130, count};
    const ExactTerm array = MakeTerm(block);
    block.multiplier = Multiplier::kTable;
    const ExactTerm table = MakeTerm(block);
    CHECK(table.nan == array.nan);
    CHECK(table.sum == array.sum);
    CHECK(table.exponent == array.exponent);
  }
}

}  // namespace
}  // namespace nibble::numerics
