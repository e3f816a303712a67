// The space of a plan: numbering and constraints.
#include "sw/study/space.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/cli/sim.h"

namespace nibble::study {
namespace {

using Catch::Matchers::Contains;

Plan Read(const std::string& text) {
  const cli_test::Folder folder;
  cli_test::WriteFile(folder / "p.cfg", text);
  return ReadPlan(folder / "p.cfg");
}

constexpr char kPlan[] =
    "trace = a.trc, b.trc\n"
    "platform = accel, nearmem\n"
    "tensor.rows = 8..64 x2\n"
    "nearmem.lanes = 16, 32, 64\n"  // nearmem alone
    "datapath.block = 8, 16\n";

TEST_CASE("an axis multiplies the points of platforms that have it") {
  const Plan plan = Read(kPlan);
  const Space space(plan);
  CHECK(space.size() == 2 * (4 * 2 + 4 * 3 * 2));
  CHECK(space.Grid().size() == space.size());
}

TEST_CASE("numbers and points are one to one") {
  const Plan plan = Read(kPlan);
  const Space space(plan);
  std::set<std::string> seen;
  for (uint64_t n = 0; n < space.size(); ++n) {
    const Point p = space.At(n);
    std::string text = std::to_string(p.trace) + ' ' + std::to_string(p.machine);
    for (const auto& [key, value] : p.settings) text += ' ' + key + '=' + value;
    CHECK(seen.insert(text).second);
    CHECK(space.Number(space.BlockOf(n), space.Digits(n)) == n);
    CHECK(p.settings.size() == (p.machine == 0 ? 2 : 3));
  }
  CHECK(space.At(0).settings.back() == std::pair<std::string, std::string>("datapath.block", "8"));
  CHECK(space.At(1).settings.back() == std::pair<std::string, std::string>("datapath.block", "16"));
}

TEST_CASE("constraints leave exactly the points for which they hold") {
  const Plan plan = Read(
      "trace = a.trc\nplatform = accel\n"
      "tensor.rows = 8..128 x2\ntensor.cols = 1..16 x2\n"
      "where tensor.rows * tensor.cols <= 256\n"
      "where tensor.rows >= tensor.cols\n");
  const Space space(plan);
  size_t expected = 0;
  for (const int rows : {8, 16, 32, 64, 128}) {
    for (const int cols : {1, 2, 4, 8, 16}) expected += rows * cols <= 256 && rows >= cols;
  }
  CHECK(space.Grid().size() == expected);
  for (const uint64_t n : space.Grid()) {
    const Point p = space.At(n);
    CHECK(std::stoi(p.settings[0].second) * std::stoi(p.settings[1].second) <= 256);
  }
}

TEST_CASE("a constraint sees the preset's value, and the default where there is none") {
  const std::string axes = "datapath.block = 8, 16\n";
  const auto points = [&](const std::string& text) {
    const Plan plan = Read("trace = a.trc\n" + text);
    return Space(plan).Grid().size();
  };
  CHECK(points("platform = accel\n" + axes + "where tensor.cols == 4\n") == 2);
  CHECK(points("platform = accel\n" + axes + "where tensor.cols != 4\n") == 0);
  CHECK(points("preset = accel-large\n" + axes + "where tensor.rows * tensor.cols > 64\n") == 2);
  CHECK(points("platform = accel\n" + axes + "where trace == \"b.trc\"\n") == 0);
}

TEST_CASE("a space too large for all of it says what else can be done") {
  std::string text = "trace = a.trc\nplatform = accel\n";
  for (const char* key : {"tensor.rows", "tensor.cols", "fetch.batch", "fetch.queue_depth"}) {
    text += std::string(key) + " = 1..256 +1\n";
  }
  const Plan plan = Read(text);
  const Space space(plan);
  CHECK(space.size() == uint64_t{1} << 32);
  CHECK_THROWS_WITH(space.Grid(), Contains("--sample") && Contains("4294967296"));
}

}  // namespace
}  // namespace nibble::study
