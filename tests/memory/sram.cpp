#include "models/memory/sram.h"

#include <catch2/catch.hpp>

using namespace nibble;

TEST_CASE(
    "scratchpad accesses are counted per bank port and take the cycles of all banks together") {
  memory::Sram sram("act", {1024, 4, 16}, 2, true);
  CHECK(sram.Read(0, 64) == 1);
  CHECK(sram.Read(0, 65) == 2);
  CHECK(sram.Read(0, 0) == 0);
  CHECK(sram.Write(1, 1) == 1);
  CHECK(sram.Write(1, 640) == 10);
  CHECK(sram.rows()[0].reads == 4 + 5);
  CHECK(sram.rows()[0].read_bytes == 129);
  CHECK(sram.rows()[0].writes == 0);
  CHECK(sram.rows()[1].writes == 1 + 40);
  CHECK(sram.rows()[1].write_bytes == 641);
  *sram.data(1023) = 9;
  CHECK(*sram.data(1023) == 9);
}

TEST_CASE("scratchpad counters are registered with the flags that the energy model relies on") {
  memory::Sram sram("act", {1024, 4, 16}, 1, false);
  sram.Read(0, 32);
  sim::CounterRegistry registry;
  memory::RegisterSram(registry, "sram.act", sram.rows());
  uint64_t reads = 0;
  for (const auto& column : registry.columns()) {
    const std::string key = column.info.key();
    CHECK(column.info.costs_energy == (key == "sram.act.reads" || key == "sram.act.writes"));
    if (key == "sram.act.reads") reads = column.read(0);
  }
  CHECK(reads == 2);
}
