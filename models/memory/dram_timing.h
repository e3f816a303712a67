// The timing state of one channel: for every bank, bank group and rank the earliest clock of its
// next commands, as integers. It answers "when could this command be given" and records "it is
// given at"; who goes first is the controller's affair (dram_channel.h).
//
// Times passed in need not grow from call to call, as long as each is at least what the state
// answered: all constraints between commands are kept by `max`.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "models/memory/dram_device.h"

namespace nibble::memory {

class DramTiming {
 public:
  static constexpr int64_t kClosed = -1;

  struct Bank {
    int64_t open_row = kClosed;
    uint64_t activate = 0, precharge = 0;  // earliest
    uint64_t column[2] = {0, 0};           // earliest read, write: tRCD
    uint32_t group = 0, rank = 0;
  };
  // How long a rank has been in which state, in clocks; see RankState.
  struct Residency {
    uint64_t active = 0;  // closed intervals
    uint64_t active_power_down = 0, precharge_power_down = 0;
  };

  // Banks are numbered rank * device.banks() + bank group * banks_per_group + bank.
  DramTiming(const DramDevice& device, uint32_t ranks);

  const Bank& bank(uint32_t b) const { return banks_[b]; }
  uint32_t banks() const { return static_cast<uint32_t>(banks_.size()); }
  uint32_t groups() const { return static_cast<uint32_t>(groups_.size()); }

  // A command to a bank can be given when both the bank (its activate, precharge or column) and
  // what it shares with others permit it. The latter: gates[g] is the earliest clock of an ACT in
  // bank group g, gates[groups() + g] that of a RD or WR. Not before `row_bus` and `column_bus`.
  void SharedGates(bool write, uint64_t row_bus, uint64_t column_bus, uint64_t* gates) const;

  void Activate(uint32_t b, int64_t row, uint64_t t);
  void Precharge(uint32_t b, uint64_t t);
  // Returns the clock after the last beat of data.
  uint64_t Column(uint32_t b, bool write, uint64_t t);

  // Closes the open rows of banks [first, first + count) of one rank as soon as they allow it, from
  // `due` on, and blocks the banks for `duration` more clocks. Returns when that begins; `close` is
  // when the rows are closed, and `closed` is increased by their number.
  uint64_t Block(uint32_t first, uint32_t count, uint64_t due, uint64_t duration, uint64_t& close,
                 uint64_t& closed);
  // No ACT in any bank of the rank before `t`: work of which the commands are not given here.
  void Hold(uint32_t rank, uint64_t t);
  // No ACT in the rank before `t`: a per-bank refresh is a row command as well.
  void DelayActivates(uint32_t rank, uint64_t t) { RaiseTo(ranks_[rank].activate, t); }

  // Power: the rank has been busy until; adds power-down time for idleness of more than `after`
  // clocks up to `now`. Returns whether it is powered down at `now`.
  uint64_t busy_until(uint32_t rank) const { return ranks_[rank].busy_until; }
  void SetBusy(uint32_t rank, uint64_t t) { RaiseTo(ranks_[rank].busy_until, t); }
  bool AddIdle(uint32_t rank, uint64_t now, uint64_t after);
  // Adds a time with rows open that no command told of (all-bank work near the memory).
  void AddActive(uint32_t rank, uint64_t clocks) { ranks_[rank].residency.active += clocks; }
  // Clocks with a row open until `now`. Intervals that were reserved beyond it count in full.
  uint64_t ActiveUntil(uint32_t rank, uint64_t now) const;
  const Residency& residency(uint32_t rank) const { return ranks_[rank].residency; }

 private:
  struct Group {
    uint64_t activate = 0;
    uint64_t column[2] = {0, 0};
  };
  struct Rank {
    uint64_t activate = 0;                // tRRD
    std::array<uint64_t, 4> window = {};  // tFAW after each of the last four ACTs
    uint32_t oldest = 0;                  // of the four
    uint64_t column[2] = {0, 0};          // data bus, turn-around
    uint32_t open = 0;                    // rows
    uint64_t active_since = 0, last_close = 0;
    uint64_t busy_until = 0, idle_counted = 0;
    Residency residency;
  };
  static void RaiseTo(uint64_t& time, uint64_t at_least) { time = std::max(time, at_least); }
  void Opened(Rank& rank, uint64_t t);
  void Closed(Rank& rank, uint64_t t);

  const DramDevice d_;
  std::vector<Bank> banks_;
  std::vector<Group> groups_;
  std::vector<Rank> ranks_;
};

inline void DramTiming::SharedGates(bool write, uint64_t row_bus, uint64_t column_bus,
                                    uint64_t* gates) const {
  const uint32_t groups = this->groups();
  uint32_t g = 0;
  for (const Rank& r : ranks_) {
    const uint64_t activate = std::max({r.activate, r.window[r.oldest], row_bus});
    const uint64_t column = std::max(r.column[write], column_bus);
    for (uint32_t i = 0; i < d_.bank_groups; ++i, ++g) {
      gates[g] = std::max(activate, groups_[g].activate);
      gates[groups + g] = std::max(column, groups_[g].column[write]);
    }
  }
}

inline void DramTiming::Opened(Rank& r, uint64_t t) {
  if (r.open++ == 0) r.active_since = std::max(t, r.last_close);
}

inline void DramTiming::Closed(Rank& r, uint64_t t) {
  RaiseTo(r.last_close, t);
  if (--r.open == 0) r.residency.active += r.last_close - std::min(r.last_close, r.active_since);
}

inline void DramTiming::Activate(uint32_t b, int64_t row, uint64_t t) {
  Bank& bank = banks_[b];
  Rank& rank = ranks_[bank.rank];
  bank.open_row = row;
  bank.activate = t + d_.rc;
  bank.column[0] = t + d_.rcd;
  bank.column[1] = t + d_.rcd_wr;
  bank.precharge = t + d_.ras;
  RaiseTo(groups_[bank.group].activate, t + d_.rrd_l);
  RaiseTo(rank.activate, t + d_.rrd_s);
  rank.window[rank.oldest] = t + d_.faw;
  rank.oldest = (rank.oldest + 1) % 4;
  Opened(rank, t);
}

inline void DramTiming::Precharge(uint32_t b, uint64_t t) {
  Bank& bank = banks_[b];
  bank.open_row = kClosed;
  RaiseTo(bank.activate, t + d_.rp);
  Closed(ranks_[bank.rank], t);
}

// Constraints on later column commands: column to column, then across a turn of the data bus or a
// change of rank. Reads and writes have different latencies, so that the order of commands alone
// does not keep data in order.
inline uint64_t DramTiming::Column(uint32_t b, bool write, uint64_t t) {
  Bank& bank = banks_[b];
  Group& group = groups_[bank.group];
  const uint64_t end = t + (write ? d_.cwl : d_.cl) + d_.burst;
  const auto before = [](uint64_t time, uint64_t clocks) {
    return time > clocks ? time - clocks : 0;
  };
  RaiseTo(group.column[write], t + d_.ccd_l);
  Rank& own = ranks_[bank.rank];
  RaiseTo(own.column[write], t + std::max(d_.ccd_s, d_.burst));
  if (write) {
    RaiseTo(own.column[0], end + d_.wtr_s);
    RaiseTo(group.column[0], end + d_.wtr_l);
    RaiseTo(bank.precharge, end + d_.wr);
  } else {
    RaiseTo(own.column[1], before(end + d_.rtw_gap, d_.cwl));
    RaiseTo(bank.precharge, t + d_.rtp);
  }
  for (Rank& other : ranks_) {
    if (&other == &own) continue;
    RaiseTo(other.column[0], before(end + d_.rank_gap, d_.cl));
    RaiseTo(other.column[1],
            before(end + (write ? d_.rank_gap : std::max(d_.rank_gap, d_.rtw_gap)), d_.cwl));
  }
  RaiseTo(own.busy_until, end);
  return end;
}

}  // namespace nibble::memory
