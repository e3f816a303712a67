#include "models/sim_core/counters.h"

#include <catch2/catch.hpp>
#include <stdexcept>

namespace nibble::sim {
namespace {

struct Row {
  uint64_t apples = 0, pears = 0;
};

TEST_CASE("the registry reads rows where they lie") {
  std::vector<Row> rows(3);
  CounterRegistry registry;
  registry.Register<Row>(
      "basket", rows,
      {{"apples", "1", "round", &Row::apples, true}, {"pears", "bytes", "not round", &Row::pears}});
  registry.RegisterColumn({"basket", "sum", "1", "both"},
                          [&rows](size_t layer) { return rows[layer].apples + rows[layer].pears; });
  rows[1] = {5, 6};  // after registration
  REQUIRE(registry.columns().size() == 3);
  const auto& apples = registry.columns()[0];
  CHECK(apples.info.key() == "basket.apples");
  CHECK(apples.info.unit == "1");
  CHECK(apples.info.meaning == "round");
  CHECK(apples.info.costs_energy);
  CHECK_FALSE(registry.columns()[1].info.costs_energy);
  CHECK(apples.read(0) == 0);
  CHECK(apples.read(1) == 5);
  CHECK(registry.columns()[1].read(1) == 6);
  CHECK(registry.columns()[2].read(1) == 11);
}

TEST_CASE("totals are sums over the layers") {
  RunStats stats;
  stats.counters = {{"a", "x", "1", ""}, {"b", "x", "1", ""}};
  stats.values = {{1, 10}, {2, 20}, {4, uint64_t{1} << 40}};
  CHECK(stats.Total("a.x") == 7);
  CHECK(stats.Total("b.x") == 30 + (uint64_t{1} << 40));
  CHECK(stats.Value(1, "b.x") == 20);
  CHECK(stats.Index("b.x") == 1);
  CHECK(stats.Has("a.x"));
  CHECK_FALSE(stats.Has("a"));
  CHECK_THROWS_AS(stats.Total("a.y"), std::out_of_range);
  CHECK_THROWS_WITH(stats.Index("a.y"), Catch::Matchers::Contains("a.y"));
}

}  // namespace
}  // namespace nibble::sim
