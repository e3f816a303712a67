// Conservation laws, refresh, all-bank work, address mapping and contents.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "models/memory/sparse_memory.h"
#include "tests/memory/devices.h"

using namespace nibble::memory;

namespace {

// A device with few rows, so that random accesses hit, miss and conflict.
DramDevice Small() {
  DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  d.rows = 4;
  return d;
}

DramCounters Sum(const Dram& dram) {
  DramCounters s;
  for (const DramCounters& r : dram.rows()) {
    for (const auto& field : DramCounterFields()) s.*field.member += r.*field.member;
  }
  return s;
}

// A device with few rows and a controller with any parameters that suit it.
Dram RandomDram(std::mt19937_64& random, size_t layers) {
  DramDevice d = ReadDramDevice(DevicePath(kDevices[random() % std::size(kDevices)]));
  d.rows = 4;
  DramConfig c;
  c.ranks = d.rank_gap > 0 ? 1 + random() % 2 : 1;
  c.page = static_cast<DramConfig::Page>(random() % 3);
  c.scheduler = random() % 4 == 0 ? DramConfig::Scheduler::kFcfs : DramConfig::Scheduler::kFrFcfs;
  if (d.rfc_pb > 0 && random() % 2 == 0) c.refresh = DramConfig::Refresh::kPerBank;
  if (d.xp > 0 && d.active_power_down_mw && random() % 2 == 0) c.power_down = 20;
  c.window = 1 + random() % 48;
  c.write_buffer = 1 + random() % 48;
  c.write_high = 1 + random() % c.write_buffer;
  c.write_low = random() % c.write_high;
  return Dram(d, 1u << (random() % 2), "row rank bank column bankgroup channel", layers, c);
}

}  // namespace

TEST_CASE("what is counted adds up, whatever the device and the controller") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Dram dram = RandomDram(random, 3);
    const DramDevice& d = dram.device();
    const DramConfig& config = dram.config();
    const bool all_bank = config.refresh == DramConfig::Refresh::kAllBank;
    uint64_t bursts = 0, written = 0, now = 0, last = 0, accounted = 0;
    for (int i = 0; i < 1000; ++i) {
      const uint64_t bytes = 1 + random() % 1000;
      const uint64_t address = random() % (dram.mapping().capacity() - bytes);
      const uint64_t start = now - std::min<uint64_t>(now, random() % 50);
      const bool write = random() % 3 == 0;
      const uint64_t end = dram.Access(address, bytes, write, start, random() % 3);
      const uint64_t touched = (address + bytes - 1) / d.burst_bytes - address / d.burst_bytes + 1;
      bursts += touched;
      written += write ? touched : 0;
      REQUIRE(end > start);
      if (!write) REQUIRE(end >= start + d.cl + d.burst);
      last = std::max(last, end);
      now = random() % 4 == 0 ? last + random() % 200 : now;
      if (all_bank && random() % 100 == 0) {
        now = last = dram.OccupyAllBanks(random() % 5000, now, 0);
      }
      if (random() % 50 == 0 && now * d.tck_ps > accounted) {
        accounted = now * d.tck_ps + random() % d.tck_ps;
        dram.AccountTime(accounted, random() % 3);
      }
    }
    // Closes every row at the end, so that each activate has its precharge.
    last = std::max(last, dram.Drain());
    last = dram.OccupyAllBanks(0, last, 0);
    dram.AccountTime(std::max(last * d.tck_ps, accounted), 2);
    const DramCounters s = Sum(dram);
    CHECK(s.reads + s.writes == bursts);
    CHECK(s.writes == written);
    CHECK(s.read_bytes == s.reads * d.burst_bytes);
    CHECK(s.write_bytes == s.writes * d.burst_bytes);
    CHECK(s.activates == s.precharges);
    CHECK(s.row_hits + s.activates >= bursts);  // a refresh may close a row before it was used
    CHECK(s.row_hits > 0);
    CHECK(s.row_hits < bursts);
    const uint64_t ranks = dram.channels() * config.ranks;
    const uint64_t time = std::max(last * d.tck_ps, accounted);
    CHECK(s.rank_ps() == time * ranks);
    CHECK((s.active_power_down_ps + s.precharge_power_down_ps == 0) == (config.power_down == 0));
    // A refresh that is due may wait for the commands before it, and the first of each rank but
    // rank 0 comes early.
    const uint64_t due = time / d.tck_ps / (all_bank ? d.refi : d.refi_pb) * ranks;
    const uint64_t refreshes = s.refreshes + s.bank_refreshes;
    CHECK(refreshes >= due);
    CHECK(refreshes <= due + ranks);
    CHECK((all_bank ? s.bank_refreshes : s.refreshes) == 0);
  }
}

TEST_CASE("refreshes equal elapsed time over tREFI, idle or not, in every channel") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram idle(d, 2, kInterleaved, 2);
  idle.AccountTime(1000 * d.refi * d.tck_ps, 0);
  CHECK(idle.rows()[0].refreshes == 2 * 1000);
  idle.AccountTime(500 * d.refi * d.tck_ps, 1);  // in the past: nothing
  CHECK(idle.rows()[1].refreshes == 0);
  CHECK(idle.rows()[1].rank_ps() == 0);
  CHECK(idle.rows()[0].rank_ps() == 2 * 1000 * d.refi * d.tck_ps);
  CHECK(idle.rows()[0].precharge_standby_ps == idle.rows()[0].rank_ps());

  Dram late(d, 1, kInterleaved, 1);
  late.Access(0, 64, false, 0, 0);
  const uint64_t end = late.Access(0, 64, false, 1000 * d.refi + 5, 0);
  CHECK(late.rows()[0].refreshes == 1000);
  CHECK(late.rows()[0].activates ==
        4);  // two bank groups, and the rows did not survive the refresh
  CHECK(end == 1000 * d.refi + d.rfc_ab + d.rcd + d.rrd_s + d.cl +
                   d.burst);  // waits for the end of the last one
}

TEST_CASE("work in all banks waits for the banks and includes its refreshes") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram dram(d, 2, kInterleaved, 1);
  CHECK(dram.OccupyAllBanks(100, 7, 0) == 107);
  // A row is open: closed first, no earlier than its tRAS allows.
  dram.Access(dram.mapping().Address({0, 5, 3, 0}), d.burst_bytes, false, 107, 0);
  CHECK(dram.OccupyAllBanks(100, 107, 0) == 108 + d.ras + d.rp_ab + 100);
  CHECK(dram.rows()[0].precharges == 1);
  // An access to any bank waits for the end.
  const uint64_t end = dram.OccupyAllBanks(50, 1000, 0);
  CHECK(dram.Access(0, d.burst_bytes, false, 0, 0) == end + d.rcd + d.cl + d.burst);

  Dram longer(d, 2, kInterleaved, 1);
  const uint64_t work = 100000;
  const uint64_t done = longer.OccupyAllBanks(work, 0, 0);
  CHECK(done == work + (done - 1) / d.refi * d.rfc_ab);
  CHECK(longer.rows()[0].refreshes == 2 * ((done - 1) / d.refi));
}

TEST_CASE("a mapping is a bijection, in which rows are contiguous when they come first") {
  DramDevice d = Small();
  d.row_bytes = 256;
  for (const std::string fields :
       {"row rank bank column bankgroup channel", "row bank bankgroup column rank channel",
        "row channel bank rank bankgroup column", "rank row column bankgroup bank channel"}) {
    for (const auto& [channels, ranks] :
         {std::pair(1u, 1u), std::pair(2u, 2u), std::pair(8u, 4u)}) {
      const DramMapping map(d, channels, fields, ranks);
      const uint64_t stripe = uint64_t{d.row_bytes} * d.banks() * channels * ranks;
      REQUIRE(map.capacity() == stripe * d.rows);
      CHECK(map.row_first() == (fields.substr(0, 3) == "row"));
      std::vector<bool> seen(map.capacity() / d.burst_bytes);
      for (uint64_t a = 0; a < map.capacity(); a += 8) {
        const DramLocation at = map.Locate(a);
        REQUIRE(at.channel < channels);
        REQUIRE(at.bank < d.banks());
        REQUIRE(at.column < d.columns());
        REQUIRE(at.rank < ranks);
        if (map.row_first()) REQUIRE(at.row == a / stripe);
        REQUIRE(map.Address(at) == a / d.burst_bytes * d.burst_bytes);
        seen[(((uint64_t{at.row} * d.banks() + at.bank) * d.columns() + at.column) * channels +
              at.channel) *
                 ranks +
             at.rank] = true;
      }
      CHECK(std::all_of(seen.begin(), seen.end(), [](bool b) { return b; }));
    }
  }
}

TEST_CASE("the default mapping sends consecutive bursts to channels, then bank groups") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const DramMapping map(d, 2, kInterleaved);
  for (uint32_t i = 0; i < 16; ++i) {
    const DramLocation at = map.Locate(uint64_t{i} * d.burst_bytes);
    CHECK(at.channel == i % 2);
    CHECK(at.bank == i / 2 % d.bank_groups * d.banks_per_group);
    CHECK(at.column == i / 2 / d.bank_groups);
  }
}

TEST_CASE("mappings that break a rule are refused by name") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const auto refused = [&d](const char* fields, uint32_t channels, const char* why) {
    CHECK_THROWS_WITH(DramMapping(d, channels, fields), Catch::Contains(why));
  };
  refused("row bank column channel", 1, "\"bankgroup\" is missing");
  refused("row bank bank column bankgroup channel", 1, "\"bank\" appears twice");
  refused("row bank subarray column bankgroup channel", 1, "unknown field \"subarray\"");
  refused("row rank bank rank column bankgroup channel", 1, "\"rank\" appears twice");
  CHECK_THROWS_WITH(DramMapping(d, 1, "row bank column bankgroup channel", 2),
                    Catch::Contains("\"rank\" is missing"));
  refused("", 1, "\"row\" is missing");
  refused(kInterleaved, 3, "channels must be a power of two, not 3");
}

TEST_CASE("accesses beyond the capacity are refused") {
  const DramDevice d = Small();
  Dram dram(d, 1, kInterleaved, 1);
  const uint64_t size = dram.mapping().capacity();
  CHECK_NOTHROW(dram.Access(size - 1, 1, false, 0, 0));
  CHECK_THROWS_AS(dram.Access(size - 1, 2, false, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(dram.Access(size, 1, false, 0, 0), std::out_of_range);
  CHECK_THROWS_AS(dram.Access(1, UINT64_MAX, false, 0, 0), std::out_of_range);
  CHECK(dram.Access(0, 0, false, 42, 0) == 42);
}

TEST_CASE("sparse memory reads back what was written, and zero elsewhere") {
  const uint64_t size = 1 << 20;
  SparseMemory memory(uint64_t{1} << 40);
  std::vector<uint8_t> copy(size);
  std::mt19937_64 random(3);
  const uint64_t base = (uint64_t{1} << 40) - size;  // at the very end
  for (int i = 0; i < 50; ++i) {
    std::vector<uint8_t> bytes(1 + random() % 70000);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
    const uint64_t at = random() % (size - bytes.size());
    memory.Write(base + at, bytes.data(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.begin() + static_cast<int64_t>(at));
  }
  std::vector<uint8_t> all(size, 0xAA);
  memory.Read(base, all.data(), size);
  CHECK(all == copy);
  uint8_t byte = 1;
  memory.Read(0, &byte, 1);
  CHECK(byte == 0);
  CHECK_THROWS_AS(memory.Read(base + size, &byte, 1), std::out_of_range);
  CHECK_THROWS_AS(memory.Write(UINT64_MAX, &byte, 2), std::out_of_range);
}
