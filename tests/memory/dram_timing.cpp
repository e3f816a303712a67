// Time against closed forms: a pattern limited by one resource takes that resource's time per
// burst, stretched by the share of time that refresh takes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/memory/devices.h"

using namespace nibble::memory;

namespace {

double Stretch(const DramDevice& d) {
  return 1.0 / (1.0 - static_cast<double>(d.rfc_ab) / static_cast<double>(d.refi));
}

}  // namespace

TEST_CASE("a sequential stream runs at the rate of the data bus") {
  for (const char* name : kDevices) {
    for (const bool write : {false, true}) {
      for (const uint64_t call : {256u, 4096u, 65536u}) {
        const DramDevice d = ReadDramDevice(DevicePath(name));
        Dram dram(d, 1, kInterleaved, 1);
        const uint64_t bytes = 16u << 20;
        uint64_t end = 0;
        for (uint64_t a = 0; a < bytes; a += call) end = dram.Access(a, call, write, 0, 0);
        const double law = static_cast<double>(bytes / d.burst_bytes * d.burst) * Stretch(d);
        INFO(name << (write ? " write" : " read") << ", calls of " << call << " bytes");
        // Each refresh also closes the rows: write recovery, precharge, activate and the latency of
        // the first data.
        CHECK(static_cast<double>(end) > law);
        CHECK(static_cast<double>(end) < law * (write ? 1.03 : 1.02));
      }
    }
  }
}

// Clocks that cycle-ticked simulators take for the same requests with the same timings:
// Ramulator 2.1 (c5b1c3a4) for LPDDR5, DRAMsim3 (29817593) for LPDDR4. Streams of 16 MiB; 20,000
// reads of one bank, each of the next row.
TEST_CASE("streams and row conflicts agree with cycle-ticked simulators within 1 %") {
  struct Peer {
    const char* device;
    double read, write, conflict;
  };
  for (const Peer& peer : {Peer{kDevices[0], 1122773, 1134740, 1035595},
                           Peer{kDevices[1], 4587207, 4598728, 2100296}}) {
    const DramDevice d = ReadDramDevice(DevicePath(peer.device));
    INFO(peer.device);
    for (const bool write : {false, true}) {
      Dram dram(d, 1, kInterleaved, 1);
      uint64_t end = 0;
      for (uint64_t a = 0; a < 16u << 20; a += 1024) end = dram.Access(a, 1024, write, 0, 0);
      CHECK(static_cast<double>(end) == Approx(write ? peer.write : peer.read).epsilon(0.01));
    }
    Dram dram(d, 1, kInterleaved, 1);
    uint64_t end = 0;
    for (uint32_t i = 0; i < 20000; ++i) {
      end = dram.Access(dram.mapping().Address({0, i, 0, 0}), d.burst_bytes, false, 0, 0);
    }
    CHECK(static_cast<double>(end) == Approx(peer.conflict).epsilon(0.01));
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

TEST_CASE("bursts of one bank group come at tCCD_L") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram dram(d, 1, "row bank bankgroup column channel", 1);
  const uint64_t end = dram.Access(0, d.row_bytes, false, 0, 0);
  CHECK(end == d.rcd + (d.columns() - 1) * d.ccd_l + d.cl + d.burst);
}

TEST_CASE("row conflicts in one bank come at tRC") {
  for (const char* name : kDevices) {
    const DramDevice d = ReadDramDevice(DevicePath(name));
    Dram dram(d, 1, kInterleaved, 1);
    const uint32_t n = 20000;
    uint64_t end = 0;
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t address = dram.mapping().Address({0, i, 0, 0});
      end = dram.Access(address, d.burst_bytes, false, 0, 0);
    }
    INFO(name);
    const double law = static_cast<double>(n * d.rc) * Stretch(d);
    CHECK(std::abs(static_cast<double>(end) / law - 1) < 0.01);
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
      end = in_turn.Access(in_turn.mapping().Address({0, row, i % d.banks(), column}),
                           d.burst_bytes, false, 0, 0);
      end_uniform = uniform.Access(uniform.mapping().Address({0, row, bank, column}), d.burst_bytes,
                                   false, 0, 0);
    }
    INFO(name);
    const double law = static_cast<double>(n * std::max(d.rrd, d.faw / 4)) * Stretch(d);
    CHECK(std::abs(static_cast<double>(end) / law - 1) < 0.08);
    // Without reordering, two accesses to one bank soon after each other hold up those behind them.
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
        REQUIRE(end - now == d.rp + d.rcd + d.cl + d.burst);
        ++measured;
      }
      now = end + d.rc;
    }
    CHECK(measured > 500);
  }
}

TEST_CASE("the data bus turns around between reads and writes") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const auto run = [&d](bool first, bool second, uint32_t second_bank) {
    Dram dram(d, 1, kInterleaved, 1);
    const auto& map = dram.mapping();
    dram.Access(map.Address({0, 0, 0, 0}), d.burst_bytes, false, 0, 0);  // open both rows
    dram.Access(map.Address({0, 0, second_bank, 1}), d.burst_bytes, false, 0, 0);
    const uint64_t one = dram.Access(map.Address({0, 0, 0, 2}), d.burst_bytes, first, 200, 0);
    const uint64_t two =
        dram.Access(map.Address({0, 0, second_bank, 3}), d.burst_bytes, second, 200, 0);
    return two - one;
  };
  const uint32_t other_group = d.banks_per_group;  // bank 0 of group 1
  CHECK(run(false, true, other_group) == d.rtw_gap + d.burst);
  CHECK(run(true, false, other_group) == d.wtr_s + d.cl + d.burst);
  CHECK(run(true, false, 0) == d.wtr_l + d.cl + d.burst);
  CHECK(run(false, false, other_group) == d.ccd_s);
  CHECK(run(false, false, 0) == d.ccd_l);
}

TEST_CASE("a read after a write to another row of the bank waits for write recovery") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  Dram dram(d, 1, kInterleaved, 1);
  const uint64_t written =
      dram.Access(dram.mapping().Address({0, 0, 0, 0}), d.burst_bytes, true, 0, 0);
  const uint64_t read =
      dram.Access(dram.mapping().Address({0, 1, 0, 0}), d.burst_bytes, false, 0, 0);
  CHECK(read - written == d.wr + d.rp + d.rcd + d.cl + d.burst);
}

TEST_CASE("activates hide under earlier data, never before the start of the call") {
  const DramDevice d = ReadDramDevice(DevicePath("lpddr5-6400-x16"));
  const uint64_t row_of_group =
      uint64_t{d.row_bytes} * d.bank_groups;  // then the next bank follows
  const uint64_t start = 1000;
  Dram together(d, 1, kInterleaved, 1), apart(d, 1, kInterleaved, 1);
  const uint64_t hidden = together.Access(0, 2 * row_of_group, false, start, 0);
  const uint64_t first = apart.Access(0, row_of_group, false, start, 0);
  const uint64_t second = apart.Access(row_of_group, row_of_group, false, first, 0);
  const uint64_t bursts = 2 * row_of_group / d.burst_bytes;
  // The four bank groups open one after the other, tRRD apart, and the first burst of each waits
  // for its own.
  const uint64_t opening = (d.bank_groups - 1) * (d.rrd - d.ccd_s);
  CHECK(hidden == start + d.rcd + opening + d.cl + bursts * d.burst);
  CHECK(second >= first + d.rcd + d.cl + bursts / 2 * d.burst);
}
