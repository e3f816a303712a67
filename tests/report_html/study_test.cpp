// Fronts and sensitivities against what they mean.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "sw/report_html/tornado.h"
#include "tests/report_html/sample.h"

namespace nibble::report_html_test {
namespace {

using namespace report_html;  // NOLINT: the folder under test

TEST_CASE("a front is the points that no other beats, whichever way is better") {
  std::mt19937 random(1);  // NOLINT: the same points every time
  StudyData data = SampleStudy();
  for (const bool most : {false, true}) {
    data.metrics[1].most = most;
    data.points.clear();
    std::vector<size_t> of;
    for (size_t i = 0; i < 200; ++i) {
      const double x = static_cast<double>(random() % 30), y = static_cast<double>(random() % 30);
      data.points.push_back({"", "", {}, {x, i % 17 == 0 ? NAN : y}, ""});
      if (i % 5 != 0) of.push_back(i);
    }
    const auto cost = [&](size_t i) {
      return std::pair(data.points[i].metrics[0], (most ? -1 : 1) * data.points[i].metrics[1]);
    };
    const std::vector<size_t> front = FrontOf(data, of, 0, 1);
    for (const size_t i : of) {
      if (std::isnan(data.points[i].metrics[1])) continue;
      bool beaten = false;
      for (const size_t j : of) {
        const auto [xi, yi] = cost(i);
        const auto [xj, yj] = cost(j);
        if (std::isnan(yj)) continue;
        beaten |= xj <= xi && yj <= yi && (xj < xi || yj < yi || j < i);
      }
      CAPTURE(i);
      CHECK((std::find(front.begin(), front.end(), i) != front.end()) == !beaten);
    }
  }
}

TEST_CASE("sensitivities of a product are its factors, over their geometric mean") {
  const StudyData data = SampleStudy();
  const auto all = SensitivitiesOf(data, 0);
  REQUIRE(all.size() == 2);  // the network is no choice, and what follows from others is none
  CHECK(all[0].key == "datapath.block");
  CHECK(all[0].groups == 4);
  const double mean = std::cbrt(kBlocks[0] * kBlocks[1] * kBlocks[2]);
  REQUIRE(all[0].ratios.size() == 3);
  CHECK(all[0].ratios[0].first == "16");
  CHECK(all[0].ratios[0].second == Approx(kBlocks[1] / mean));
  CHECK(all[0].ratios[1].second == Approx(kBlocks[2] / mean));
  CHECK(all[0].ratios[2].second == Approx(kBlocks[0] / mean));
  CHECK(all[0].span() == Approx(2));
  CHECK(all[1].key == "platform");
  CHECK(all[1].groups == 6);
  CHECK(all[1].span() == Approx(1.25));
}

TEST_CASE("points that differ in more than one parameter say nothing of either") {
  StudyData data = SampleStudy();
  data.points = {data.points[0], data.points[4]};  // another platform and another block
  CHECK(SensitivitiesOf(data, 0).empty());
  CHECK(Tornado(data, 0).empty());
}

}  // namespace
}  // namespace nibble::report_html_test
