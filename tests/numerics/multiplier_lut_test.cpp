// The table multiplier against the exact product of the decoded values, over all pairs of codes.
#include "models/numerics/multiplier_lut.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "models/numerics/accumulate.h"
#include "models/numerics/formats.h"

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

}  // namespace
}  // namespace nibble::numerics
