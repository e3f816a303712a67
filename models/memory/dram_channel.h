// The controller of one DRAM channel: a bounded window of reads and a write buffer, a scheduler, a
// page policy, refresh and power-down, on the timing state of dram_timing.h. Plain C++, no clock:
// each step finds the command that can be given first and gives it, so that the cost of a run is in
// its commands and not in its clocks.
//
// Reads go first. Writes are acknowledged when they enter the write buffer; they drain when the
// buffer reaches its high mark, down to the low mark, and whenever no read waits. A read of an
// address that waits in the write buffer drains the buffer before it is served (no forwarding: what
// was asked for is what passes the pins); a write of an address that a read waits for is not
// accepted before that read is served.
//
// Among the requests of the present direction each bank offers one command: the column command of
// its oldest request that hits the open row, or PRE or ACT for its oldest request. The scheduler
// gives the one that is ready first; of several, a column command before others, then the oldest
// request (FR-FCFS). One command at a time occupies the command bus.
#pragma once

#include <cstdint>
#include <vector>

#include "models/memory/dram_config.h"
#include "models/memory/dram_timing.h"

namespace nibble::memory {

class DramChannel {
 public:
  // A read that was served, in clocks: when the controller accepted it, and when its last beat of
  // data had passed.
  struct Served {
    uint64_t accepted, done;
  };

  // A command as it was given. `bank` counts through the ranks (of kRefreshAll: the rank's first).
  struct Command {
    enum class Kind : uint8_t { kRead, kWrite, kActivate, kPrecharge, kRefreshAll, kRefreshBank };
    Kind kind;
    uint32_t bank;
    int64_t row;
    uint64_t time;
  };

  // Events are counted in `rows` (one per layer).
  DramChannel(const DramDevice& device, const DramConfig& config, std::vector<DramCounters>& rows);
  // Reads served from now on are appended to `served`, unless null.
  void RecordReads(std::vector<Served>* served) { served_ = served; }
  // Commands given from now on are appended to `commands`, in the order in which they were decided
  // on (an auto-precharge or a refresh may lie in the future), unless null.
  void RecordCommands(std::vector<Command>* commands) { commands_ = commands; }

  // Requests that follow are those of another transaction, which may begin earlier than commands
  // that were given: those do not stand in the way of its commands on the command bus.
  void Begin(uint64_t start);
  // Accepts one burst, not before `arrival`: at most one a clock, when there is room for it. `bank`
  // counts through the ranks. Returns the clock of acceptance.
  uint64_t Accept(bool write, uint32_t bank, uint32_t row, uint32_t column, uint64_t arrival,
                  uint32_t layer);
  // Gives all commands that can be given before clock `t`.
  void RunUntil(uint64_t t);
  // Serves all reads that wait; returns the end of the last data of a read since Begin (or its
  // start).
  uint64_t ServeReads();
  // Serves everything that waits; returns the clock when the last data has passed.
  uint64_t Drain();
  uint32_t reads_waiting() const { return queue_[0].waiting; }
  // The clock of the next command; UINT64_MAX: nothing waits.
  uint64_t NextTime();
  // Gives the next command. Something must wait.
  void Step();

  // For all-bank work: refreshes up to `now`, then the earliest clock >= `start` at which all rows
  // are closed and all banks idle (nothing must wait) ...
  void RefreshUntil(uint64_t now, uint32_t layer);
  uint64_t IdleTime(uint64_t start) const;
  // ... and the work itself, which ends at `end`, with the refreshes due in it, all-bank or not,
  // done by then: `next` is due next.
  void Occupy(uint64_t begin, uint64_t end, uint64_t refreshes_per_rank, uint32_t layer);
  uint64_t next_refresh() const { return next_refresh_.front(); }

  // Adds the time up to `now` to the residency counters of row `layer`.
  void AccountTime(uint64_t now_ps, uint32_t layer);

 private:
  static constexpr uint64_t kLatency = 1;  // clocks from acceptance to the first command
  static constexpr uint16_t kNone = UINT16_MAX;
  static constexpr uint64_t kNever = UINT64_MAX;
  enum class Kind : uint8_t { kColumn, kActivate, kPrecharge };

  struct Request {
    uint64_t accepted = 0, ready = 0, order = 0;
    uint32_t row = 0, column = 0, layer = 0;
    uint16_t next = kNone;  // in its bank's list
    bool missed = false;    // a row was opened or closed for it
  };
  struct Queue {  // of one direction
    std::vector<Request> requests;
    std::vector<uint64_t> free_at;  // ring of slots: when each was or will be left, ...
    std::vector<uint16_t> slots;    // ... and which it is
    uint32_t first_free = 0, waiting = 0;
    uint64_t banks = 0;  // bit set: which have a request
  };
  struct List {  // of one bank and direction, oldest first
    uint16_t head = kNone, tail = kNone;
    uint16_t next = kNone;    // the one to be served: the oldest hit, or the oldest
    uint16_t before = kNone;  // its predecessor
    bool hit = false;
    // Its command: the gate that it passes (what the bank shares with others, see Choose), when
    // bank and request are ready for it, and the age of the request.
    uint32_t gate = 0;
    Kind kind = Kind::kColumn;
    uint64_t ready = 0, order = 0;
  };
  struct Choice {
    uint64_t time = kNever, order = 0;
    uint32_t bank = 0;
    bool column = false;
    bool Before(const Choice& other) const;
  };

  void Record(Command::Kind kind, uint32_t bank, uint64_t time) {
    if (commands_ != nullptr) {
      commands_->push_back({kind, bank, timing_.bank(bank).open_row, time});
    }
  }
  const Choice& Choose();
  bool Waits(bool write, uint32_t bank, uint32_t row, uint32_t column) const;
  bool Direction() const;  // writes?
  Choice Offered(uint32_t bank) const;
  uint64_t BankOfOldest() const;
  void Find(uint32_t bank, bool write);   // the bank's next request in that direction
  void Offer(uint32_t bank, bool write);  // the command that it needs
  void GiveColumn(uint32_t bank, uint64_t t);
  void LearnOpened(uint32_t bank, uint32_t row);
  void LearnClosed(uint32_t bank);
  void ApplyPagePolicy(uint32_t bank, uint64_t t, DramCounters& count);
  bool RowWanted(uint32_t bank) const;
  void Refresh(uint32_t rank, DramCounters& count);
  void RefreshAll(uint32_t rank, uint64_t due, DramCounters& count);
  void RefreshBanks(uint32_t rank, uint64_t due, DramCounters& count);
  uint64_t Block(uint32_t first, uint32_t banks, uint64_t due, uint64_t duration,
                 DramCounters& count);
  uint64_t Wake(uint32_t rank, uint64_t t);

  const DramDevice& d_;
  const DramConfig config_;
  std::vector<DramCounters>& rows_;
  std::vector<Served>* served_ = nullptr;
  std::vector<Command>* commands_ = nullptr;
  DramTiming timing_;
  Queue queue_[2];                      // reads, writes
  std::vector<List> lists_[2];          // by bank
  struct Usage {                        // of a bank, for the adaptive page policy
    int64_t row = DramTiming::kClosed;  // the last one opened
    uint32_t columns = 0;               // commands to it
    uint32_t useless = 0;               // 0..3: rows of late that need not have stayed open
  };
  std::vector<Usage> usage_;
  std::vector<uint64_t> gates_;  // of ACT by bank group, of RD or WR by bank group, of PRE
  bool writing_ = false;         // the present direction
  bool draining_ = false;  // a read waits for a write of its address: until the buffer is empty
  uint64_t order_ = 0;
  uint64_t next_accept_ = 0;
  uint64_t command_bus_[2] = {0, 0};  // free from: row commands, column commands
  uint64_t command_clocks_[3];        // by Kind
  uint64_t read_end_ = 0, last_end_ = 0;
  Choice choice_;
  bool chosen_ = false;

  uint64_t refresh_interval_;           // between two refresh commands to a rank
  std::vector<uint64_t> next_refresh_;  // by rank
  std::vector<uint32_t> refresh_bank_;  // by rank, per-bank refresh: whose turn it is
  uint64_t refresh_due_;                // the earliest of them
  std::vector<uint64_t> ready_;         // by rank: woken up
  std::vector<uint32_t> rank_waiting_;  // requests
  struct Accounted {
    uint64_t active = 0, active_power_down = 0, precharge_power_down = 0;  // ps
  };
  std::vector<Accounted> accounted_;  // by rank
  uint64_t accounted_until_ps_ = 0;
};

}  // namespace nibble::memory
