// Samples: different points that the plan allows, spread evenly.
#include "sw/study/sample.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "tests/cli/sim.h"

namespace nibble::study {
namespace {

Plan Read(const std::string& text) {
  const cli_test::Folder folder;
  cli_test::WriteFile(folder / "p.cfg", text);
  return ReadPlan(folder / "p.cfg");
}

constexpr char kWide[] =
    "trace = a.trc\nplatform = accel\n"
    "tensor.rows = 1..64 +1\ntensor.cols = 1..64 +1\ndatapath.block = 8..128 x2\n";

TEST_CASE("a sample has as many different points as asked for, the same for the same seed") {
  const Plan plan = Read(kWide);
  const Space space(plan);
  for (const uint64_t count : {1, 2, 17, 500}) {
    const std::vector<uint64_t> sample = Sample(space, count, 7);
    CHECK(sample.size() == count);
    CHECK(std::is_sorted(sample.begin(), sample.end()));
    CHECK(std::set<uint64_t>(sample.begin(), sample.end()).size() == count);
    CHECK(sample.back() < space.size());
    CHECK(Sample(space, count, 7) == sample);
  }
  CHECK(Sample(space, 100, 1) != Sample(space, 100, 2));
}

TEST_CASE("every value of an axis gets its share, more evenly than by chance") {
  const Plan plan = Read(kWide);
  const Space space(plan);
  const size_t count = 640;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    std::map<std::string, int> of_rows, of_block, quarters;
    for (const uint64_t n : Sample(space, count, seed)) {
      const Point p = space.At(n);
      ++of_rows[p.settings[0].second];
      ++of_block[p.settings[2].second];
      // Which of 4 x 4 fields of rows and cols: pairs of axes are even, too.
      const int field = (std::stoi(p.settings[0].second) - 1) / 16 * 4 +
                        (std::stoi(p.settings[1].second) - 1) / 16;
      ++quarters[std::to_string(field)];
    }
    CHECK(of_rows.size() == 64);
    // By chance, shares of 10, 128 and 40 have standard deviations of 3.1, 10 and 6.1.
    for (const auto& [value, hits] : of_rows) CHECK(std::abs(hits - 10) <= 3);
    for (const auto& [value, hits] : of_block) CHECK(std::abs(hits - 128) <= 6);
    CHECK(quarters.size() == 16);
    for (const auto& [field, hits] : quarters) CHECK(std::abs(hits - 40) <= 8);
  }
}

TEST_CASE("a sample keeps to the constraints, and ends with the space") {
  const Plan plan = Read(
      "trace = a.trc\nplatform = accel\ntensor.rows = 1..32 +1\ntensor.cols = 1..32 +1\n"
      "where tensor.rows * tensor.cols == 32\n");
  const Space space(plan);
  const std::vector<uint64_t> grid = space.Grid();
  REQUIRE(grid.size() == 6);
  CHECK(Sample(space, 4, 0).size() == 4);
  const std::vector<uint64_t> all = Sample(space, 100, 0);
  CHECK(std::includes(grid.begin(), grid.end(), all.begin(), all.end()));
}

}  // namespace
}  // namespace nibble::study
