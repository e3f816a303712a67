// Searches against the exhaustive grid.
#include "sw/study/search.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "sw/study/objectives.h"
#include "tests/cli/sim.h"

namespace nibble::study {
namespace {

using Costs = std::vector<double>;
using Table = std::vector<std::optional<Costs>>;  // by number of the space

constexpr char kSource[] = NIBBLE_SOURCE_DIR;

// The columns of search_space.csv of every point of plans/search_space.cfg, as costs; nothing for a
// refused point. Columns: latency, energy, accuracy, area.
Table Recorded(const std::vector<size_t>& columns) {
  std::ifstream file(std::string(kSource) + "/tests/data/study/search_space.csv");
  Table table;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    Costs all;
    for (std::string cell; std::getline(cells, cell, ',');) all.push_back(std::stod(cell));
    auto& costs = table.emplace_back();
    if (all.empty()) continue;
    all[2] = -all[2];
    costs.emplace();
    for (const size_t c : columns) costs->push_back(all[c]);
  }
  return table;
}

std::vector<Costs> FrontOf(const std::vector<Costs>& points) {
  std::vector<Costs> front;
  for (const size_t i : Front(points)) front.push_back(points[i]);
  return front;
}

// Volume under `points` in units of the grid's: both within the worst that the grid's front has in
// each objective, and a tenth of its range more.
double VolumeShare(const std::vector<Costs>& points, const std::vector<Costs>& grid) {
  const std::vector<Costs> front = FrontOf(grid);
  Costs reference;
  for (size_t o = 0; o < front[0].size(); ++o) {
    double least = front[0][o], most = least;
    for (const Costs& c : front) {
      least = std::min(least, c[o]);
      most = std::max(most, c[o]);
    }
    reference.push_back(most + 0.1 * (most - least));
  }
  return Hypervolume(FrontOf(points), reference) / Hypervolume(front, reference);
}

std::vector<Costs> Known(const Table& table) {
  std::vector<Costs> known;
  for (const auto& costs : table) {
    if (costs) known.push_back(*costs);
  }
  return known;
}

struct Outcome {
  std::vector<uint64_t> tried;
  std::vector<Costs> costs;
};

Outcome SearchTable(const Plan& plan, const Table& table, const SearchOptions& options) {
  const Space space(plan);
  REQUIRE(table.size() == space.size());
  Outcome outcome;
  std::set<uint64_t> asked;
  outcome.tried = Search(plan, space, options, [&](const std::vector<uint64_t>& numbers) {
    std::vector<std::optional<Costs>> costs;
    for (const uint64_t n : numbers) {
      CHECK(asked.insert(n).second);
      CHECK(space.Allows(n));
      costs.push_back(table[n]);
      if (table[n]) outcome.costs.push_back(*table[n]);
    }
    return costs;
  });
  CHECK(asked.size() == outcome.tried.size());
  CHECK(asked.size() <= options.runs);
  return outcome;
}

TEST_CASE("a search finds 99 % of the grid's hypervolume with a tenth of its runs") {
  const Plan plan = ReadPlan(std::string(kSource) + "/plans/search_space.cfg");
  const std::pair<const char*, std::vector<size_t>> objectives[] = {
      {"latency, energy", {0, 1}},
      {"latency, energy, accuracy", {0, 1, 2}},
      {"latency, energy, accuracy, area", {0, 1, 2, 3}}};
  for (const auto& [names, columns] : objectives) {
    const Table table = Recorded(columns);
    const std::vector<Costs> grid = Known(table);
    REQUIRE(table.size() == 5000);
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const Outcome outcome = SearchTable(plan, table, {500, seed});
      const double share = VolumeShare(outcome.costs, grid);
      INFO(names << ", seed " << seed << ": " << share << " of " << FrontOf(grid).size());
      CHECK(share >= 0.99);
      CHECK(share <= 1);
    }
  }
}

TEST_CASE("a search makes the same choices again, and other ones from another seed") {
  const Plan plan = ReadPlan(std::string(kSource) + "/plans/search_space.cfg");
  const Table table = Recorded({0, 1});
  const Outcome first = SearchTable(plan, table, {200, 5});
  CHECK(SearchTable(plan, table, {200, 5}).tried == first.tried);
  CHECK(SearchTable(plan, table, {200, 6}).tried != first.tried);
}

Plan ReadText(const std::string& text) {
  const cli_test::Folder folder;
  cli_test::WriteFile(folder / "p.cfg", text);
  return ReadPlan(folder / "p.cfg");
}

TEST_CASE("a search over two machines keeps to the constraints and ends with the space") {
  const Plan plan = ReadText(
      "trace = a.trc\nplatform = accel, nearmem\ntensor.rows = 1..8 +1\nnearmem.lanes = 16, 32, "
      "64\n"
      "where tensor.rows != 3\n");
  const Space space(plan);
  const Table table(space.size(), Costs{1, 2});
  const Outcome all = SearchTable(plan, table, {1000, 0});
  CHECK(all.tried.size() == space.Grid().size());
  Table none(space.size());  // every point refused
  CHECK(SearchTable(plan, none, {10, 0}).tried.size() <= 10);
}

TEST_CASE("a search of several traces is refused") {
  const Plan plan = ReadText("trace = a.trc, b.trc\nplatform = accel\ntensor.rows = 1, 2\n");
  CHECK_THROWS_WITH(Search(plan, Space(plan), {}, {}), Catch::Matchers::Contains("one trace"));
}

}  // namespace
}  // namespace nibble::study
