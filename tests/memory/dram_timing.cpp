// Time against closed forms: a pattern limited by one resource takes that resource's time per
// burst, stretched by the share of time that refresh takes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/memory/devices.h"

using namespace nibble::memory;

namespace {

// From the acceptance of a request to its first command.
constexpr uint64_t kHandOver = 1;

double Stretch(const DramDevice& d) {
  return 1.0 / (1.0 - static_cast<double>(d.rfc_ab) / static_cast<double>(d.refi));
}

// Bursts go round the bank groups, or where there are none, stay in a row.
bool BusLimited(const DramDevice& d) { return d.ccd_l == d.burst || d.bank_groups > 1; }

}  // namespace

TEST_CASE("a sequential stream runs at the rate of the data bus") {
  for (const char* name : kDevices) {
    for (const bool write : {false, true}) {
      for (const uint64_t call : {1024u, 4096u, 65536u}) {
        const DramDevice d = ReadDramDevice(DevicePath(name));
        REQUIRE(BusLimited(d));
        Dram dram(d, 1, kInterleaved, 1);
        const uint64_t bytes = 16u << 20;
        uint64_t end = 0;
        for (uint64_t a = 0; a < bytes; a += call) end = dram.Access(a, call, write, 0, 0);
        end = std::max(end, dram.Drain());
        const double law = static_cast<double>(bytes / d.burst_bytes * d.burst) * Stretch(d);
        INFO(name << (write ? " write" : " read") << ", calls of " << call << " bytes");
        // Each refresh also closes the rows: write recovery, precharge, activate and the latency of
        // the first data.
        CHECK(static_cast<double>(end) > law);
        CHECK(static_cast<double>(end) < law * (write ? 1.04 : 1.03));
      }
    }
  }
}

TEST_CASE("channels work in parallel") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const uint64_t bytes = 4u << 20;
  Dram one(d, 1, kInterleaved, 1), four(d, 4, kInterleaved, 1);
  const double ratio = static_cast<double>(one.Access(0, bytes, false, 0, 0)) /
                       static_cast<double>(four.Access(0, bytes, false, 0, 0));
  CHECK(ratio > 3.95);
  CHECK(ratio < 4.05);
}

TEST_CASE("ranks share the data bus, and their change costs clocks") {
  const DramDevice d = ReadDramDevice(DevicePath("ddr4-3200-x64"));
  DramConfig two;
  two.ranks = 2;
  Dram dram(d, 1, "row bank column bankgroup rank channel", 1, two);
  const uint64_t bursts = 1000;  // before the first refresh
  const uint64_t end = dram.Access(0, bursts * d.burst_bytes, false, 0, 0);
  // In order would take a gap at each burst; the scheduler serves those of one rank together.
  CHECK(end > bursts * d.burst);
  CHECK(end < bursts * (d.burst + d.rank_gap));
  two.scheduler = DramConfig::Scheduler::kFcfs;
  Dram in_order(d, 1, "row bank column bankgroup rank channel", 1, two);
  CHECK(in_order.Access(0, bursts * d.burst_bytes, false, 0, 0) >= bursts * (d.burst + d.rank_gap));
}

TEST_CASE("bursts of one bank group come at tCCD_L") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram dram(d, 1, "row bank bankgroup column channel", 1);
  const uint64_t end = dram.Access(0, d.row_bytes, false, 0, 0);
  CHECK(end == kHandOver + d.rcd + (d.columns() - 1) * d.ccd_l + d.cl + d.burst);
}

TEST_CASE("row conflicts in one bank come at tRC") {
  for (const char* name : kDevices) {
    const DramDevice d = ReadDramDevice(DevicePath(name));
    Dram dram(d, 1, kInterleaved, 1);
    const uint32_t n = 16384;
    uint64_t end = 0;
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t address = dram.mapping().Address({0, i, 0, 0});
      end = dram.Access(address, d.burst_bytes, false, 0, 0);
    }
    INFO(name);
    const double law = static_cast<double>(n * d.rc) * Stretch(d);
    CHECK(std::abs(static_cast<double>(end) / law - 1) < 0.015);
  }
}

TEST_CASE("random rows are limited by tRRD and tFAW") {
  for (const char* name : kDevices) {
    const DramDevice d = ReadDramDevice(DevicePath(name));
    Dram in_turn(d, 1, kInterleaved, 1), uniform(d, 1, kInterleaved, 1);
    std::mt19937 random(7);
    const uint32_t n = 100000;
    uint64_t end = 0, end_uniform = 0;
    for (uint32_t i = 0; i < n; ++i) {
      const auto row = static_cast<uint32_t>(random()) % d.rows;
      const auto column = static_cast<uint32_t>(random()) % d.columns();
      const auto bank = static_cast<uint32_t>(random()) % d.banks();
      // Banks in turn, the groups first.
      const uint32_t next =
          i % d.bank_groups * d.banks_per_group + i / d.bank_groups % d.banks_per_group;
      end = in_turn.Access(in_turn.mapping().Address({0, row, next, column}), d.burst_bytes, false,
                           0, 0);
      end_uniform = uniform.Access(uniform.mapping().Address({0, row, bank, column}), d.burst_bytes,
                                   false, 0, 0);
    }
    INFO(name);
    const double law =
        std::max(static_cast<double>(d.rrd_s), static_cast<double>(d.faw) / 4) * n * Stretch(d);
    CHECK(static_cast<double>(end) > law);
    CHECK(static_cast<double>(end) < law * 1.08);
    // Calls of one burst leave nothing to reorder: two accesses to one bank soon after each other
    // hold up those behind them.
    CHECK(static_cast<double>(end_uniform) > law);
  }
}

TEST_CASE("a single random read takes tRP + tRCD + CL + burst") {
  for (const char* name : kDevices) {
    const DramDevice d = ReadDramDevice(DevicePath(name));
    Dram dram(d, 1, kInterleaved, 1);
    std::mt19937 random(11);
    // Warm: every bank has a row open that is asked for never again. Then one access at a time, the
    // next one late enough that no earlier command is in its way.
    uint64_t now = 0;
    for (uint32_t b = 0; b < d.banks(); ++b) {
      now =
          dram.Access(dram.mapping().Address({0, d.rows - 1, b, 0}), d.burst_bytes, false, now, 0);
    }
    now += d.rc;
    uint32_t measured = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto row = static_cast<uint32_t>(random()) % (d.rows - 1);
      const uint64_t address =
          dram.mapping().Address({0, row, static_cast<uint32_t>(random()) % d.banks(), 0});
      const DramCounters before = dram.rows()[0];
      const uint64_t end = dram.Access(address, d.burst_bytes, false, now, 0);
      const DramCounters& after = dram.rows()[0];
      // Those in which a refresh or a closed row plays no part.
      if (after.refreshes == before.refreshes && after.precharges == before.precharges + 1) {
        REQUIRE(end - now == kHandOver + d.rp + d.rcd + d.cl + d.burst);
        ++measured;
      }
      now = end + d.rc;
    }
    CHECK(measured > 500);
  }
}

TEST_CASE("the data bus turns around between reads and writes") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  // Clocks between the commands of two bursts, in the same bank group or in another.
  const auto run = [&d](bool first, bool second, uint32_t second_bank) {
    DramTiming timing(d, 1);
    timing.Activate(0, 0, 0);
    if (second_bank != 0) timing.Activate(second_bank, 0, d.rrd_s);
    timing.Column(0, first, 200);
    std::vector<uint64_t> gates(2 * timing.groups());
    timing.SharedGates(second, 0, 0, gates.data());
    return gates[timing.groups() + timing.bank(second_bank).group] - 200;
  };
  const uint32_t other_group = d.banks_per_group;  // bank 0 of group 1
  CHECK(run(false, true, other_group) == d.cl + d.burst + d.rtw_gap - d.cwl);
  CHECK(run(true, false, other_group) == d.cwl + d.burst + d.wtr_s);
  CHECK(run(true, false, 0) == d.cwl + d.burst + d.wtr_l);
  CHECK(run(false, false, other_group) == d.ccd_s);
  CHECK(run(false, false, 0) == d.ccd_l);
}

TEST_CASE("a read after a write to another row of the bank waits for write recovery") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram dram(d, 1, kInterleaved, 1);
  CHECK(dram.Access(dram.mapping().Address({0, 0, 0, 0}), d.burst_bytes, true, 0, 0) == 1);
  const uint64_t written = dram.Drain();
  CHECK(written == kHandOver + d.rcd_wr + d.cwl + d.burst);
  const uint64_t read =
      dram.Access(dram.mapping().Address({0, 1, 0, 0}), d.burst_bytes, false, 0, 0);
  CHECK(read - written == d.wr + d.rp + d.rcd + d.cl + d.burst);
}

TEST_CASE("activates hide under earlier data, of the same call and of the one before") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const uint64_t row_of_group =
      uint64_t{d.row_bytes} * d.bank_groups;  // then the next bank follows
  const uint64_t start = 1000;
  const uint64_t bursts = 2 * row_of_group / d.burst_bytes;
  Dram together(d, 1, kInterleaved, 1), calls(d, 1, kInterleaved, 1), apart(d, 1, kInterleaved, 1);
  const uint64_t hidden = together.Access(0, 2 * row_of_group, false, start, 0);
  // Four bank groups open one after the other, tRRD apart, and the first burst of each waits for
  // its own; then the bus is never idle.
  const uint64_t opening = (d.bank_groups - 1) * (d.rrd_s - d.ccd_s);
  CHECK(hidden <= start + kHandOver + d.rcd + opening + d.cl + bursts * d.burst);
  CHECK(hidden >= start + kHandOver + d.rcd + d.cl + bursts * d.burst);
  // Two calls that both begin at once: as one.
  calls.Access(0, row_of_group, false, start, 0);
  CHECK(calls.Access(row_of_group, row_of_group, false, start, 0) <= hidden + d.burst);
  // The second begins when the first is done.
  const uint64_t first = apart.Access(0, row_of_group, false, start, 0);
  const uint64_t second = apart.Access(row_of_group, row_of_group, false, first, 0);
  CHECK(second >= first + kHandOver + d.rcd + d.cl + bursts / 2 * d.burst);
}
