#include "sw/report/quality.h"

#include <catch2/catch.hpp>

namespace nibble::report {
namespace {

TEST_CASE("SQNR of an error a tenth of the signal is 20 dB, over all images together") {
  QualityMeter meter;
  meter.Add({1.1f, 2.2f, 3.3f}, {1.0f, 2.0f, 3.0f});
  CHECK(meter.Result().sqnr_db == Approx(20.0).margin(0.005));
  meter.Add({9.0f, 18.0f}, {10.0f, 20.0f});
  CHECK(meter.Result().sqnr_db == Approx(20.0).margin(0.005));
  CHECK(meter.Result().images == 2);
  CHECK_FALSE(meter.Result().exact);
}

TEST_CASE("equal outputs are exact") {
  QualityMeter meter;
  meter.Add({1, 2}, {1, 2});
  CHECK(meter.Result().exact);
  CHECK_FALSE(meter.Result().accuracy);
}

TEST_CASE("agreement is with FP32's class, accuracy with the label") {
  const std::vector<float> fp32 = {0, 1, 2, 3, 4, 5, 9};
  QualityMeter meter;
  meter.Add({0, 1, 2, 3, 4, 5, 9}, fp32, 6);  // agrees, right
  meter.Add({0, 1, 2, 3, 4, 9, 5}, fp32, 5);  // FP32's class second, label first
  meter.Add({9, 8, 7, 6, 5, 1, 0}, fp32, 5);  // neither FP32's class nor the label among five
  const Quality q = meter.Result();
  CHECK(q.images == 3);
  CHECK(q.top1_agree == 1);
  CHECK(q.top5_agree == 2);
  REQUIRE(q.accuracy);
  CHECK(q.accuracy->top1 == 2);
  CHECK(q.accuracy->top5 == 2);
  CHECK(q.accuracy->fp32_top1 == 1);
  CHECK(q.accuracy->fp32_top5 == 3);
}

TEST_CASE("outputs of different sizes are refused") {
  QualityMeter meter;
  CHECK_THROWS_AS(meter.Add({1, 2}, {1}), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::report
