#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "platforms/energy_files.h"
#include "tests/platforms/support.h"

using namespace nibble::platforms;
using Catch::Contains;

TEST_CASE("the table of scratchpads is hit exactly at its rows") {
  std::ifstream file(std::string(NIBBLE_SOURCE_DIR) + "/platforms/energy/cacti.json");
  const nlohmann::json rows = nlohmann::json::parse(file)["rows"];
  CHECK(rows.size() == 3 * 3 * 2 * 9);  // nodes, cells, ports, sizes
  const SramTable table;
  for (const auto& r : rows) {
    const SramPrice p = table.Price(std::to_string(r["node_nm"].get<int>()), r["cell"],
                                    r["port_bits"], r["size_bytes"], "test");
    CHECK(p.read_pj == r["read_pJ_per_access"].get<double>());
    CHECK(p.write_pj == r["write_pJ_per_access"].get<double>());
    CHECK(p.leakage_mw == r["leakage_mW"].get<double>() + r["gate_leakage_mW"].get<double>());
  }
}

TEST_CASE("between its rows values rise with the size") {
  const SramTable table;
  for (const char* node : {"22", "32", "45"}) {
    for (const char* cell : {"itrs-hp", "itrs-lop", "itrs-lstp"}) {
      for (const uint32_t port : {64u, 128u}) {
        SramPrice last;
        for (uint32_t bytes = 8192; bytes <= 2u << 20; bytes += bytes / 16) {
          const SramPrice p = table.Price(node, cell, port, bytes, "test");
          REQUIRE(p.read_pj > last.read_pj);
          REQUIRE(p.write_pj > last.write_pj);
          REQUIRE(p.leakage_mw > last.leakage_mw);
          last = p;
        }
      }
    }
  }
  // Half way in log2(size).
  const SramPrice a = table.Price("22", "itrs-lstp", 128, 16384, "test");
  const SramPrice b = table.Price("22", "itrs-lstp", 128, 65536, "test");
  const SramPrice middle = table.Price("22", "itrs-lstp", 128, 32768, "test");
  CHECK(middle.read_pj > a.read_pj);
  CHECK(middle.read_pj < b.read_pj);
  CHECK(table.Price("22", "itrs-lstp", 128, 23170, "test").read_pj ==
        Approx((a.read_pj + middle.read_pj) / 2).epsilon(1e-4));
}

TEST_CASE("nothing is extrapolated") {
  const SramTable table;
  const auto price = [&table](const char* node, const char* cell, uint32_t port, uint32_t bytes) {
    return Refusal([&] { table.Price(node, cell, port, bytes, "sram.x"); });
  };
  CHECK(price("22", "itrs-hp", 64, 8192) == "accepted");
  CHECK_THAT(price("22", "itrs-hp", 64, 8191), Contains("sram.x") && Contains("8KiB..2MiB"));
  CHECK_THAT(price("22", "itrs-hp", 64, (2u << 20) + 1), Contains("8KiB..2MiB"));
  CHECK_THAT(price("7", "itrs-hp", 64, 8192), Contains("no rows for 7 nm"));
  CHECK_THAT(price("22", "itrs-hp", 256, 8192),
             Contains("256 bits; it has 22 nm itrs-hp 128 bits"));
}
