// Every command that a controller gives, checked against the rules of the device pair by pair, in a
// program that shares nothing with the model: no pair of commands may be closer than its rule says,
// and no command may find its bank in a state in which it has no meaning.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "models/memory/request_run.h"
#include "tests/memory/devices.h"
#include "tests/support/sanitizers.h"

using namespace nibble::memory;

namespace {

using Command = DramChannel::Command;
using Kind = Command::Kind;

bool IsColumn(Kind k) { return k == Kind::kRead || k == Kind::kWrite; }

class Rules {
 public:
  explicit Rules(const DramDevice& device) : d_(device) {}

  // Clocks that must pass from `a` to a later `b`; 0: no rule.
  uint64_t Distance(const Command& a, const Command& b) const {
    const uint32_t banks = d_.banks();
    uint64_t least = 0;
    const auto rule = [&](Kind from, Kind to, uint64_t clocks) {
      if (a.kind == from && b.kind == to) least = std::max(least, clocks);
    };
    const uint64_t read_data = d_.cl + d_.burst, write_data = d_.cwl + d_.burst;
    if (a.bank / banks != b.bank / banks) {  // ranks: the data bus alone
      rule(Kind::kRead, Kind::kRead, d_.burst + d_.rank_gap);
      rule(Kind::kWrite, Kind::kWrite, d_.burst + d_.rank_gap);
      rule(Kind::kRead, Kind::kWrite, read_data + d_.rank_gap - d_.cwl);
      const uint64_t turn = write_data + d_.rank_gap;
      if (turn > d_.cl) rule(Kind::kWrite, Kind::kRead, turn - d_.cl);
      return least;
    }
    rule(Kind::kRead, Kind::kRead, d_.ccd_s);
    rule(Kind::kWrite, Kind::kWrite, d_.ccd_s);
    rule(Kind::kRead, Kind::kWrite, read_data + d_.rtw_gap - d_.cwl);
    rule(Kind::kWrite, Kind::kRead, write_data + d_.wtr_s);
    rule(Kind::kActivate, Kind::kActivate, d_.rrd_s);
    rule(Kind::kPrecharge, Kind::kRefreshAll, d_.rp);
    rule(Kind::kRefreshAll, Kind::kActivate, d_.rfc_ab);
    rule(Kind::kRefreshAll, Kind::kRefreshAll, d_.rfc_ab);
    if (a.bank / d_.banks_per_group == b.bank / d_.banks_per_group) {
      rule(Kind::kRead, Kind::kRead, d_.ccd_l);
      rule(Kind::kWrite, Kind::kWrite, d_.ccd_l);
      rule(Kind::kWrite, Kind::kRead, write_data + d_.wtr_l);
      rule(Kind::kActivate, Kind::kActivate, d_.rrd_l);
    }
    if (a.bank == b.bank) {
      rule(Kind::kActivate, Kind::kActivate, d_.rc);
      rule(Kind::kActivate, Kind::kRead, d_.rcd);
      rule(Kind::kActivate, Kind::kWrite, d_.rcd_wr);
      rule(Kind::kActivate, Kind::kPrecharge, d_.ras);
      rule(Kind::kPrecharge, Kind::kActivate, d_.rp);
      rule(Kind::kPrecharge, Kind::kRefreshBank, d_.rp);
      rule(Kind::kRead, Kind::kPrecharge, d_.rtp);
      rule(Kind::kWrite, Kind::kPrecharge, write_data + d_.wr);
      rule(Kind::kRefreshBank, Kind::kActivate, d_.rfc_pb);
    }
    return least;
  }

  // Clocks for which a command, of those that the scheduler chose, occupies the command bus.
  uint64_t BusClocks(Kind kind) const { return IsColumn(kind) ? d_.column_clocks : d_.act_clocks; }

 private:
  const DramDevice& d_;
};

void Check(const DramDevice& d, std::vector<Command> commands, bool command_bus) {
  std::stable_sort(commands.begin(), commands.end(),
                   [](const Command& a, const Command& b) { return a.time < b.time; });
  const Rules rules(d);
  const uint64_t horizon = d.rfc_ab + d.rc;
  std::map<uint32_t, int64_t> open;                     // bank -> row
  std::map<uint32_t, std::vector<uint64_t>> activates;  // rank -> times
  size_t first = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    const Command& c = commands[i];
    while (commands[first].time + horizon < c.time) ++first;
    for (size_t j = first; j < i; ++j) {
      const Command& before = commands[j];
      const uint64_t least = rules.Distance(before, c);
      if (c.time - before.time < least) {
        CAPTURE(i, j, static_cast<int>(before.kind), before.bank, before.time,
                static_cast<int>(c.kind), c.bank, c.time, least);
        FAIL("commands too close");
      }
      const auto scheduled = [](Kind k) { return IsColumn(k) || k == Kind::kActivate; };
      if (command_bus && d.command_buses == 1 && scheduled(before.kind) && scheduled(c.kind)) {
        REQUIRE(c.time - before.time >= rules.BusClocks(before.kind));
      }
    }
    CAPTURE(i, static_cast<int>(c.kind), c.bank, c.row, c.time);
    switch (c.kind) {
      case Kind::kActivate: {
        REQUIRE(open.count(c.bank) == 0);
        open[c.bank] = c.row;
        auto& times = activates[c.bank / d.banks()];
        if (times.size() >= 4) REQUIRE(c.time - times[times.size() - 4] >= d.faw);
        times.push_back(c.time);
        break;
      }
      case Kind::kPrecharge:
        REQUIRE(open.count(c.bank) == 1);
        open.erase(c.bank);
        break;
      case Kind::kRead:
      case Kind::kWrite:
        REQUIRE(open.count(c.bank) == 1);
        REQUIRE(open[c.bank] == c.row);
        break;
      case Kind::kRefreshBank:
        REQUIRE(open.count(c.bank) == 0);
        break;
      case Kind::kRefreshAll:
        REQUIRE(open.lower_bound(c.bank) == open.lower_bound(c.bank + d.banks()));
        break;
    }
  }
}

DramConfig RandomConfig(const DramDevice& d, std::mt19937_64& random) {
  DramConfig c;
  c.ranks = d.rank_gap > 0 ? 1 + random() % 2 : 1;
  c.page = static_cast<DramConfig::Page>(random() % 3);
  c.scheduler = random() % 4 == 0 ? DramConfig::Scheduler::kFcfs : DramConfig::Scheduler::kFrFcfs;
  if (d.rfc_pb > 0 && random() % 2 == 0) c.refresh = DramConfig::Refresh::kPerBank;
  c.window = 1 + random() % 64;
  return c;
}

constexpr char kRanked[] = "row rank bank column bankgroup channel";

}  // namespace

TEST_CASE("no two commands of a stream are closer than the device permits") {
  for (const char* name : kDevices) {
    for (uint32_t seed = 0; seed < 8; ++seed) {
      CAPTURE(name, seed);
      std::mt19937_64 random(seed);
      DramDevice d = ReadDramDevice(DevicePath(name));
      d.rows = 4;
      Dram dram(d, 1, kRanked, 1, RandomConfig(d, random));
      // Streams, rows and random bursts, in turn, so that hits, conflicts and turns all occur.
      std::vector<MemoryRequest> requests;
      for (int run = 0; run < 60; ++run) {
        const uint64_t stride = (random() % 3 == 0 ? d.row_bytes : 1) * uint64_t{d.burst_bytes};
        const uint64_t base = random() % dram.mapping().capacity();
        const uint64_t writes = random() % 3;  // none, some, all
        for (uint64_t i = 0; i < 60; ++i) {
          const uint64_t address = random() % 8 == 0 ? random() : base + i * stride;
          requests.push_back({address % dram.mapping().capacity(), random() % 2 < writes});
        }
      }
      std::vector<Command> commands;
      dram.channel(0).RecordCommands(&commands);
      RunRequests(dram, requests, random() % 3 == 0 ? 1 + random() % 8 : 0);
      CHECK(commands.size() > requests.size());
      Check(d, commands, true);
    }
  }
}

TEST_CASE("nor of transactions that overlap in time, and of work in all banks between them") {
  for (const char* name : kDevices) {
    for (uint32_t seed = 0; seed < nibble::test::Cases(8u); ++seed) {
      CAPTURE(name, seed);
      std::mt19937_64 random(seed);
      DramDevice d = ReadDramDevice(DevicePath(name));
      d.rows = 4;
      DramConfig config = RandomConfig(d, random);
      config.refresh = DramConfig::Refresh::kAllBank;
      Dram dram(d, 1, kRanked, 1, config);
      std::vector<Command> commands;
      dram.channel(0).RecordCommands(&commands);
      uint64_t now = 0, end = 0;
      for (int i = 0; i < 200; ++i) {
        const uint64_t bytes = 1 + random() % 4096;
        const uint64_t address = random() % (dram.mapping().capacity() - bytes);
        end = std::max(end, dram.Access(address, bytes, random() % 2 == 0, now, 0));
        if (random() % 3 == 0) now = end - std::min<uint64_t>(end, random() % 300);
        if (random() % 20 == 0) now = end = dram.OccupyAllBanks(random() % 3000, now, 0);
      }
      dram.Drain();
      Check(d, commands, false);
    }
  }
}
