#include "models/memory/sram.h"

#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <random>
#include <set>

using namespace nibble;
using memory::BankConflict;
using memory::ConflictOf;
using memory::Sram;
using memory::SramConfig;
using memory::SramPort;

TEST_CASE(
    "scratchpad accesses are counted per bank port and take the cycles of all banks together") {
  Sram sram("act", {1024, 4, 16}, 2, true);
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
  for (const uint64_t bytes : {1, 64, 65, 640}) {
    CHECK(sram.PortCycles(bytes) == sram.Read(0, bytes));
  }
  *sram.data(1023) = 9;
  CHECK(*sram.data(1023) == 9);
}

TEST_CASE("scratchpad counters are registered with the flags that the energy model relies on") {
  SramConfig config{1024, 4, 16};
  const auto keys = [](const Sram& sram) {
    sim::CounterRegistry registry;
    sram.RegisterCounters(registry);
    std::map<std::string, bool> costs;
    for (const auto& column : registry.columns()) {
      costs[column.info.key()] = column.info.costs_energy;
      if (column.info.name == "reads") CHECK(column.read(0) == 2);
    }
    return costs;
  };
  Sram plain("act", config, 1, false);
  plain.Read(0, 32);
  for (const auto& [key, costs] : keys(plain)) {
    CHECK(costs == (key == "sram.act.reads" || key == "sram.act.writes"));
    CHECK(key.find("check") == std::string::npos);
    CHECK(key.find("fault") == std::string::npos);
  }
  config.ecc = memory::Ecc::kAll;
  config.error_rate = 0.1;
  Sram all("act", config, 1, false);
  all.Read(0, 32);
  const auto costs = keys(all);
  CHECK(costs.at("sram.act.check_read_bits"));
  CHECK(costs.at("sram.act.check_write_bits"));
  CHECK(costs.count("sram.act.fault_bits") == 1);
}

TEST_CASE("check bits are read and written for every protected word, however little of it") {
  SramConfig config{1024, 1, 16};
  for (const memory::Ecc ecc : {memory::Ecc::kNone, memory::Ecc::kScales, memory::Ecc::kAll}) {
    config.ecc = ecc;
    Sram sram("act", config, 1, false);
    sram.Read(0, 100, 20);
    sram.Write(0, 80, 8);
    const uint64_t read = ecc == memory::Ecc::kAll ? 13 : ecc == memory::Ecc::kScales ? 3 : 0;
    const uint64_t written = ecc == memory::Ecc::kAll ? 10 : ecc == memory::Ecc::kScales ? 1 : 0;
    CHECK(sram.rows()[0].check_read_bits == 8 * read);
    CHECK(sram.rows()[0].check_write_bits == 8 * written);
  }
}

namespace {

// Serves the accesses of each step one by one: a bank gives one word a cycle, and the next step
// begins when all are there.
uint64_t StepByStep(const SramConfig& config, uint64_t pitch, uint64_t run_bytes, uint32_t parallel,
                    uint32_t count) {
  uint64_t cycles = 0;
  for (uint32_t first = 0; first < count; first += parallel) {
    std::set<uint64_t> wanted;
    for (uint32_t item = first; item < first + parallel && item < count; ++item) {
      for (uint64_t byte = 0; byte < run_bytes; ++byte) {
        wanted.insert((item * pitch + byte) / config.width);
      }
    }
    for (; !wanted.empty(); ++cycles) {
      std::set<uint64_t> busy;
      for (auto word = wanted.begin(); word != wanted.end();) {
        const uint64_t row = *word / config.banks;
        const uint64_t bank = (config.swizzle ? *word ^ row : *word) % config.banks;
        word = busy.insert(bank).second ? wanted.erase(word) : std::next(word);
      }
    }
  }
  return cycles;
}

}  // namespace

TEST_CASE("bank conflicts are those of a simulation access by access") {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    SramConfig config{1 << 20, 1u << random() % 7, random() % 2 ? 16u : 8u};
    config.swizzle = random() % 2;
    const uint64_t pitch = 1 + random() % 600, run = 1 + random() % 40;
    const uint32_t parallel = 1 + random() % 16, count = 1 + random() % 40;
    const BankConflict conflict = ConflictOf(config, pitch, run, parallel, count);
    REQUIRE(conflict.cycles == StepByStep(config, pitch, run, parallel, count));
    REQUIRE(conflict.without <= conflict.cycles);
    REQUIRE(conflict.without >= (count + parallel - 1) / parallel);
  }
}

TEST_CASE("linear banks collide by the common factor of pitch and banks, swizzled ones do not") {
  SramConfig config{1 << 20, 8, 16};
  for (uint32_t pitch = 1; pitch <= 64; ++pitch) {  // words
    config.swizzle = false;
    const uint32_t banks_hit = config.banks / std::gcd(config.banks, pitch);
    const BankConflict linear = ConflictOf(config, pitch * config.width, 16, 8, 8);
    CHECK(linear.cycles == 8 / banks_hit);
    CHECK(linear.without == 1);
    config.swizzle = true;
    if ((pitch & (pitch - 1)) == 0 && pitch <= 8) {  // powers of two up to the banks
      CHECK(ConflictOf(config, pitch * config.width, 16, 8, 8).cycles == 1);
    }
  }
  config.swizzle = false;
  Sram sram("act", config, 1, false);
  const BankConflict four = ConflictOf(config, 8 * 16, 16, 4, 4);
  CHECK(sram.Read(0, 8 * 16 * 10, 0, four) == 40);
  CHECK(sram.rows()[0].bank_conflict_cycles == 30);
  CHECK(sram.rows()[0].reads == 80);  // energy is that of the words
}

TEST_CASE("reads and writes share one port and have one each of two") {
  SramConfig config{1024, 4, 16};
  CHECK(Sram("acc", config, 1, false).Together(10, 7) == 17);
  config.ports = 2;
  CHECK(Sram("acc", config, 1, false).Together(10, 7) == 10);
}
