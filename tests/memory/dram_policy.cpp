// What each choice of the controller does, where its effect is known.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "models/memory/request_run.h"
#include "tests/memory/devices.h"

using namespace nibble::memory;

namespace {

DramDevice Device(const char* name = "lpddr5-6400-x16") { return ReadDramDevice(DevicePath(name)); }

RequestRunResult Run(const DramDevice& d, const DramConfig& config,
                     const std::vector<MemoryRequest>& requests, uint32_t outstanding = 0,
                     uint32_t channels = 1) {
  Dram dram(d, channels, "row rank bank column bankgroup channel", 1, config);
  return RunRequests(dram, requests, outstanding);
}

std::vector<MemoryRequest> Random(const DramDevice& d, uint32_t count, bool writes) {
  std::mt19937_64 random(1);
  std::vector<MemoryRequest> requests;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t address = random() % (uint64_t{d.rows} * d.row_bytes * d.banks());
    requests.push_back({address, writes && random() % 2 == 0});
  }
  return requests;
}

std::vector<MemoryRequest> Stream(const DramDevice& d, uint64_t count) {
  std::vector<MemoryRequest> requests;
  for (uint64_t i = 0; i < count; ++i) requests.push_back({i * d.burst_bytes, false});
  return requests;
}

DramConfig With(DramConfig::Page page) {
  DramConfig c;
  c.page = page;
  return c;
}

}  // namespace

TEST_CASE("a closed page saves the precharge of random reads and costs lone streams their hits") {
  const DramDevice d = Device();
  const auto random = Random(d, 3000, false);
  const auto open = Run(d, With(DramConfig::Page::kOpen), random, 1);
  const auto closed = Run(d, With(DramConfig::Page::kClosed), random, 1);
  const auto adaptive = Run(d, With(DramConfig::Page::kAdaptive), random, 1);
  // Those that would find another row open save tRP.
  CHECK(closed.latency.mean() < open.latency.mean() - 0.6 * static_cast<double>(d.rp));
  CHECK(closed.latency.Percentile(0.5) == 1 + d.rcd + d.cl + d.burst);
  CHECK(adaptive.latency.mean() < open.latency.mean() - 0.5 * static_cast<double>(d.rp));
  // One read at a time of the same row.
  const auto stream = Stream(d, 3000);
  CHECK(Run(d, With(DramConfig::Page::kOpen), stream, 1).counters.row_hits > 2800);
  CHECK(Run(d, With(DramConfig::Page::kClosed), stream, 1).counters.row_hits == 0);
  CHECK(Run(d, With(DramConfig::Page::kAdaptive), stream, 1).counters.row_hits > 2800);
  // With many at a time the row stays open for those that wait.
  CHECK(Run(d, With(DramConfig::Page::kClosed), stream, 0).counters.row_hits > 2600);
}

TEST_CASE("an adaptive page goes back to open when rows are used again") {
  const DramDevice d = Device();
  std::vector<MemoryRequest> requests = Random(d, 2000, false);
  const auto stream = Stream(d, 20000);
  requests.insert(requests.end(), stream.begin(), stream.end());
  const auto result = Run(d, With(DramConfig::Page::kAdaptive), requests, 1);
  CHECK(result.counters.row_hits > 19000);
}

TEST_CASE("FR-FCFS reorders, FCFS does not") {
  const DramDevice d = Device();
  // Two rows of one bank in turn.
  std::vector<MemoryRequest> requests;
  const uint64_t row = uint64_t{d.row_bytes} * d.banks();
  for (uint64_t i = 0; i < 2000; ++i) {
    requests.push_back({i % 2 * row + i / 2 % 16 * d.burst_bytes * d.bank_groups, false});
  }
  DramConfig fcfs;
  fcfs.scheduler = DramConfig::Scheduler::kFcfs;
  const auto in_order = Run(d, fcfs, requests), reordered = Run(d, {}, requests);
  CHECK(in_order.counters.activates >= 2000);
  CHECK(in_order.cycles >= 2000 * d.rc);
  CHECK(reordered.counters.activates < 2000 / 8);
  CHECK(reordered.cycles < in_order.cycles / 4);
  // A window of one sees nothing to reorder.
  DramConfig narrow;
  narrow.window = 1;
  CHECK(Run(d, narrow, requests).counters.activates == in_order.counters.activates);
}

TEST_CASE("writes wait, and are served when the buffer is at its mark or nothing else waits") {
  const DramDevice d = Device();
  DramConfig c;
  c.write_buffer = 16;
  c.write_high = 8;
  c.write_low = 2;
  Dram dram(d, 1, kInterleaved, 1, c);
  DramChannel& channel = dram.channel(0);
  std::vector<DramChannel::Command> commands;
  channel.RecordCommands(&commands);
  // Reads and writes of one row each, in turn.
  for (uint32_t i = 0; i < 64; ++i) {
    channel.Accept(false, 0, 0, i % d.columns(), 0, 0);
    channel.Accept(true, 4, 0, i % d.columns(), 0, 0);
  }
  channel.Drain();
  // Runs of writes: from the high mark down to the low one, and on to what arrives meanwhile.
  uint32_t run = 0;
  std::vector<uint32_t> runs;
  for (const auto& command : commands) {
    if (command.kind == DramChannel::Command::Kind::kWrite) {
      ++run;
    } else if (command.kind == DramChannel::Command::Kind::kRead && run > 0) {
      runs.push_back(run);
      run = 0;
    }
  }
  REQUIRE(runs.size() > 3);
  CHECK(*std::min_element(runs.begin(), runs.end()) >= c.write_high - c.write_low);

  // Alone, a write does not wait for company.
  Dram idle(d, 1, kInterleaved, 1);
  CHECK(idle.Access(0, 32, true, 0, 0) == 1);
  idle.AccountTime(1000 * d.tck_ps, 0);
  CHECK(idle.rows()[0].writes == 1);
}

TEST_CASE("larger write batches turn the bus less often") {
  const DramDevice d = Device();
  std::vector<MemoryRequest> mixed;
  for (uint64_t i = 0; i < 30000; ++i) mixed.push_back({i * d.burst_bytes, i % 3 == 2});
  uint64_t before = UINT64_MAX;
  for (const uint32_t size : {4u, 8u, 16u, 32u, 64u}) {
    DramConfig c;
    c.write_buffer = c.write_high = size;
    c.write_low = 0;
    const uint64_t cycles = Run(d, c, mixed).cycles;
    CHECK(cycles < before);
    before = cycles;
  }
}

TEST_CASE("a read finds what was written before it") {
  const DramDevice d = Device();
  Dram dram(d, 1, kInterleaved, 1);
  std::vector<DramChannel::Command> commands;
  dram.channel(0).RecordCommands(&commands);
  dram.Access(0, 32, true, 0, 0);    // waits in the buffer
  dram.Access(32, 32, false, 0, 0);  // another burst: overtakes it
  dram.Access(64, 32, true, 0, 0);
  dram.Access(0, 32, false, 0, 0);  // the same burst
  using Kind = DramChannel::Command::Kind;
  std::vector<Kind> columns;
  for (const auto& c : commands) {
    if (c.kind == Kind::kRead || c.kind == Kind::kWrite) columns.push_back(c.kind);
  }
  CHECK(columns == std::vector<Kind>{Kind::kRead, Kind::kWrite, Kind::kWrite, Kind::kRead});
}

TEST_CASE("a write does not overtake a read of the same burst") {
  DramConfig c;
  c.write_high = 1;  // drains at once
  c.write_low = 0;
  Dram dram(Device(), 1, kInterleaved, 1, c);
  DramChannel& channel = dram.channel(0);
  std::vector<DramChannel::Command> commands;
  channel.RecordCommands(&commands);
  channel.Accept(false, 0, 1, 0, 0, 0);
  channel.Accept(true, 4, 1, 0, 0, 0);  // another burst: overtakes it
  channel.Accept(true, 0, 1, 0, 0, 0);  // the same
  channel.Drain();
  using Kind = DramChannel::Command::Kind;
  std::vector<Kind> of_bank;
  for (const auto& command : commands) {
    if (command.bank == 0) of_bank.push_back(command.kind);
  }
  CHECK(of_bank == std::vector<Kind>{Kind::kActivate, Kind::kRead, Kind::kWrite});
}

TEST_CASE("per-bank refresh keeps the other banks at work") {
  const DramDevice d = Device();
  DramConfig per_bank;
  per_bank.refresh = DramConfig::Refresh::kPerBank;
  const auto random = Random(d, 50000, false);
  const auto all = Run(d, {}, random), each = Run(d, per_bank, random);
  CHECK(each.cycles < all.cycles);
  CHECK(each.counters.refreshes == 0);
  CHECK(each.counters.bank_refreshes == each.cycles / d.refi_pb);
  // A read waits for the refresh of its own bank at most.
  CHECK(Run(d, per_bank, random, 1).latency.max() < Run(d, {}, random, 1).latency.max());
  CHECK_THROWS_WITH(Run(Device("ddr4-3200-x64"), per_bank, random),
                    Catch::Contains("dram.refresh") && Catch::Contains("no per-bank refresh"));
}

TEST_CASE("an idle rank is powered down, and wakes for a request and for refresh") {
  const DramDevice d = Device("ddr4-3200-x64");
  DramConfig c;
  c.power_down = 100;
  Dram dram(d, 1, kInterleaved, 1, c);
  const uint64_t first = dram.Access(0, 64, false, 0, 0);
  // Awake: no exit latency.
  CHECK(dram.Access(64, 64, false, first + 50, 0) == first + 50 + 1 + d.rcd + d.cl + d.burst);
  const uint64_t busy = first + 50 + 1 + d.rcd + d.cl + d.burst;
  const uint64_t start = busy + 1000;
  CHECK(dram.Access(0, 64, false, start, 0) == start + 1 + d.xp + d.cl + d.burst);
  dram.AccountTime(start * d.tck_ps, 0);
  CHECK(dram.rows()[0].active_power_down_ps == (1000 - 100 + 1) * d.tck_ps);
  CHECK(dram.rows()[0].precharge_power_down_ps == 0);

  // A refresh closes the rows; between refreshes the rank sleeps.
  Dram idle(d, 1, kInterleaved, 1, c);
  idle.AccountTime(10 * d.refi * d.tck_ps + 1, 0);
  const DramCounters& row = idle.rows()[0];
  CHECK(row.refreshes == 10);
  const auto asleep =
      static_cast<double>(row.precharge_power_down_ps) / static_cast<double>(row.rank_ps());
  const double awake =
      static_cast<double>(d.rfc_ab + d.xp + c.power_down) / static_cast<double>(d.refi);
  CHECK(asleep == Approx(1 - awake).epsilon(0.01));
  CHECK_THROWS_WITH(Dram(Device(), 1, kInterleaved, 1, c), Catch::Contains("dram.power_down"));
}

TEST_CASE("a limit of outstanding reads divides the latency") {
  const DramDevice d = Device();
  const auto random = Random(d, 5000, false);
  const auto one = Run(d, {}, random, 1), four = Run(d, {}, random, 4), all = Run(d, {}, random);
  CHECK(four.cycles < one.cycles);
  CHECK(all.cycles < four.cycles);
  CHECK(one.cycles >= static_cast<uint64_t>(5000 * one.latency.mean()));
  // Little's law: reads under way = rate x latency.
  CHECK(static_cast<double>(5000) / static_cast<double>(four.cycles) * four.latency.mean() <= 4.01);
  CHECK(Run(d, {}, random, 64).cycles == all.cycles);  // the window is smaller
  // Over several channels, too.
  const auto wide = Run(d, {}, random, 4, 2);
  CHECK(5000.0 / static_cast<double>(wide.cycles) * wide.latency.mean() <= 4.01);
  CHECK(wide.cycles < four.cycles);
}

TEST_CASE("latency percentiles are those of the sorted latencies") {
  LatencyHistogram h;
  CHECK(h.mean() == 0);
  CHECK(h.Percentile(0.5) == 0);
  std::mt19937 random(5);
  std::vector<uint64_t> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(random() % 700);
    h.Add(all.back());
  }
  all.push_back(5000000);
  h.Add(5000000);
  std::sort(all.begin(), all.end());
  for (const double p : {0.01, 0.5, 0.9, 0.99}) {
    CHECK(h.Percentile(p) == all[static_cast<size_t>(std::ceil(p * 1001)) - 1]);
  }
  CHECK(h.max() == 5000000);
  CHECK(h.count() == 1001);
}

TEST_CASE("initiators that ask for chunks get equal shares") {
  const DramDevice d = Device();
  Dram dram(d, 2, kInterleaved, 3);
  // Three initiators, each with two chunks of 4 KiB under way; the third writes.
  struct Initiator {
    uint64_t previous = 0, last = 0, next = 0, chunks = 0;
  } initiators[3];
  const uint64_t until = 100000;
  while (true) {
    auto turn =
        std::min_element(std::begin(initiators), std::end(initiators),
                         [](const auto& a, const auto& b) { return a.previous < b.previous; });
    if (turn->previous >= until) break;
    const auto who = static_cast<uint64_t>(turn - initiators);
    const uint64_t address = (who << 26) + turn->chunks++ * 4096;
    const uint64_t end = dram.Access(address, 4096, who == 2, turn->previous, who);
    turn->previous = turn->last;
    turn->last = end;
  }
  uint64_t bytes = 0;
  for (const Initiator& i : initiators) bytes += i.chunks * 4096;
  for (const Initiator& i : initiators) {
    CHECK(static_cast<double>(i.chunks * 4096) ==
          Approx(static_cast<double>(bytes) / 3).epsilon(0.1));
  }
  // And the memory is well used.
  const double peak = 2.0 * d.burst_bytes / static_cast<double>(d.burst);
  CHECK(static_cast<double>(bytes) > 0.7 * peak * static_cast<double>(until));
}

TEST_CASE("parameters that contradict each other are refused by name") {
  const DramDevice d = Device();
  const auto refused = [&d](auto change, const char* name) {
    DramConfig c;
    change(c);
    CHECK_THROWS_WITH(CheckDramConfig(d, c), Catch::Contains(name));
  };
  refused([](DramConfig& c) { c.window = 0; }, "dram.window");
  refused([](DramConfig& c) { c.window = 65; }, "dram.window");
  refused([](DramConfig& c) { c.write_buffer = 65; }, "dram.write_buffer");
  refused([](DramConfig& c) { c.write_high = 33; }, "dram.write_high");
  refused([](DramConfig& c) { c.write_low = 26; }, "dram.write_low");
  refused([](DramConfig& c) { c.ranks = 8; }, "dram.ranks");
}
