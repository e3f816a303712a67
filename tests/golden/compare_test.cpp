#include "sw/golden/compare.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

namespace nibble::golden {
namespace {

using numerics::Format;

TEST_CASE("SQNR of a tenth of the amplitude is 20 dB") {
  const std::vector<float> x = {4, -8, 16};
  REQUIRE(Sqnr(x, {4.5f, -9, 18}) == Approx(20 * std::log10(8.0)));
  REQUIRE(std::isinf(Sqnr(x, x)));
  REQUIRE_THROWS_AS(Sqnr(x, {1}), std::invalid_argument);
}

TEST_CASE("the best come first, of equals the lower index, NaN last") {
  const float nan = std::nanf("");
  const std::vector<float> x = {1, nan, 5, 3, 5, -2, 3};
  REQUIRE(TopK(x, 7) == std::vector<int>{2, 4, 3, 6, 0, 5, 1});
  REQUIRE(TopK(x, 3) == std::vector<int>{2, 4, 3});
  REQUIRE(TopK(x, 0).empty());
  REQUIRE(TopK(x, 100).size() == 7);
  REQUIRE(InTopK(x, 4, 2));
  REQUIRE_FALSE(InTopK(x, 4, 1));
}

numerics::StoredActivations Tensor(Format format) {
  const std::vector<float> x = {1, 2, 3, -4, 5, 6};  // two pixels of three channels
  return numerics::StoreTensor({format, 8, 2, 3}, {}, x.data());
}

TEST_CASE("equal tensors have no mismatch") {
  for (const Format format : {Format::kNvfp4, Format::kFp4, Format::kFp32}) {
    REQUIRE_FALSE(FirstMismatch("t", Tensor(format), Tensor(format)));
  }
}

TEST_CASE("the first difference is named and decoded") {
  const auto fp4 = Tensor(Format::kFp4);
  auto changed = fp4;
  changed.codes[2] ^= 0x70;  // second pixel, its second channel: 5 is stored as 4
  auto m = FirstMismatch("t", fp4, changed);
  REQUIRE(m);
  CHECK(m->tensor == "t");
  CHECK(m->field == "codes");
  CHECK(m->index == 4);
  CHECK(m->expected_code == 6);
  CHECK(m->expected_value == 4);
  CHECK(m->actual_code == 1);
  CHECK(m->actual_value == 0.5f);
  CHECK(ToString(*m) == "tensor \"t\" codes[4]: expected 0x6 (4), got 0x1 (0.5)");

  changed = fp4;
  changed.codes[1] ^= 0xF0;  // the code that fills the first pixel's last byte
  m = FirstMismatch("t", fp4, changed);
  REQUIRE(m);
  CHECK(m->field == "padding");

  const auto nvfp4 = Tensor(Format::kNvfp4);
  changed = nvfp4;
  changed.scales[1] = 0x40;
  m = FirstMismatch("t", nvfp4, changed);
  REQUIRE(m);
  CHECK(m->field == "scales");
  CHECK(m->index == 1);
  CHECK(m->actual_value == 2);

  changed = nvfp4;
  changed.scale.decode = 0.5f;
  m = FirstMismatch("t", nvfp4, changed);
  REQUIRE(m);
  CHECK(m->field == "scale");
  CHECK(m->expected_value == 1);

  m = FirstMismatch("t", nvfp4, fp4);
  REQUIRE(m);
  CHECK(m->field == "layout");

  auto fp32 = Tensor(Format::kFp32);
  fp32.codes[4 * 5 + 3] ^= 0x80;  // the sign of the last element
  m = FirstMismatch("t", Tensor(Format::kFp32), fp32);
  REQUIRE(m);
  CHECK(m->index == 5);
  CHECK(m->expected_value == 6);
  CHECK(m->actual_value == -6);
}

}  // namespace
}  // namespace nibble::golden
