// Fronts and hypervolumes against their definitions.
#include "sw/study/objectives.h"

#include <catch2/catch.hpp>
#include <random>

namespace nibble::study {
namespace {

using Catch::Matchers::Contains;
using Points = std::vector<std::vector<double>>;

Points RandomPoints(size_t count, size_t objectives, uint32_t seed) {
  std::mt19937 random(seed);
  Points points(count, std::vector<double>(objectives));
  for (auto& p : points) {
    for (double& x : p) x = random() % 16;  // few values, so that there are ties
  }
  return points;
}

TEST_CASE("a front is what no other point dominates") {
  for (size_t objectives = 1; objectives <= 4; ++objectives) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const Points points = RandomPoints(60, objectives, seed);
      std::vector<size_t> expected;
      for (size_t i = 0; i < points.size(); ++i) {
        bool beaten = false;
        for (size_t j = 0; j < points.size(); ++j) {
          beaten |= Dominates(points[j], points[i]) || (j < i && points[j] == points[i]);
        }
        if (!beaten) expected.push_back(i);
      }
      CHECK(Front(points) == expected);
    }
  }
}

TEST_CASE("a hypervolume is the number of grid cells that a point dominates") {
  for (size_t objectives = 1; objectives <= 4; ++objectives) {
    const std::vector<double> reference(objectives, 14);
    for (uint32_t seed = 0; seed < 10; ++seed) {
      const Points points = RandomPoints(8, objectives, seed);
      uint64_t cells = 0, all = 1;
      for (size_t o = 0; o < objectives; ++o) all *= 14;
      for (uint64_t cell = 0; cell < all; ++cell) {
        bool dominated = false;
        for (const auto& p : points) {
          bool inside = true;
          uint64_t rest = cell;
          for (size_t o = 0; o < objectives; ++o, rest /= 14) {
            inside &= p[o] <= static_cast<double>(rest % 14);
          }
          dominated |= inside;
        }
        cells += dominated;
      }
      CHECK(Hypervolume(points, reference) == static_cast<double>(cells));
    }
  }
  CHECK(Hypervolume({}, {1, 1}) == 0);
}

Row RowWith(const std::string& totals) {
  Row row;
  row.totals = totals;
  return row;
}

TEST_CASE("objectives of a row, in their units") {
  const auto energy_latency = ParseObjectives("energy, latency");
  const Row timing = RowWith(R"({"energy_pj": 2500000, "latency_ns": 4000})");
  CHECK(*ValuesOf(timing, energy_latency) == std::vector<double>{2.5, 4});
  CHECK_THROWS_WITH(ValuesOf(timing, ParseObjectives("accuracy")), Contains("timing_only"));
  const auto accuracy = ParseObjectives("accuracy");
  const Row labelled =
      RowWith(R"({"quality": {"images": 8, "top1_images": 6, "top1_agree_images": 4}})");
  CHECK(*ValuesOf(labelled, accuracy) == std::vector<double>{75});
  CHECK(Costs({75}, accuracy) == std::vector<double>{-75});
  const Row agreeing = RowWith(R"({"quality": {"images": 8, "top1_agree_images": 4}})");
  CHECK(*ValuesOf(agreeing, accuracy) == std::vector<double>{50});
  const Row single =
      RowWith(R"({"quality": {"images": 1, "top1_agree_images": 1, "sqnr_db": 17}})");
  CHECK(*ValuesOf(single, accuracy) == std::vector<double>{17});
  // What has no SQNR is either equal or lost: NaN is no accuracy.
  const auto without = [&](const std::string& equal) {
    const Row row =
        RowWith(R"({"quality": {"images": 1, "sqnr_db": null, "output_equal": )" + equal + "}}");
    return ValuesOf(row, accuracy)->front();
  };
  CHECK(without("true") > 100);
  CHECK(without("false") < 0);
  Row refused;
  refused.status = Status::kRefused;
  CHECK_FALSE(ValuesOf(refused, energy_latency).has_value());
  CHECK_THROWS_WITH(ParseObjectives("energy,speed"), Contains("speed") && Contains("latency"));
  CHECK_THROWS_WITH(ParseObjectives("energy,energy"), Contains("twice"));
  CHECK_THROWS(ParseObjectives(""));
}

}  // namespace
}  // namespace nibble::study
