// Parameters of the memory controller, and what it counts.
#pragma once

#include <cstdint>
#include <vector>

#include "models/sim_core/counters.h"

namespace nibble::memory {

// Of every channel's controller. The defaults are those of the reference runs (docs/memory.md).
struct DramConfig {
  enum class Page : uint8_t {
    kOpen,     // a row stays open until another row of the bank, or a refresh, needs it closed
    kClosed,   // precharge with the last column command that waits for the row
    kAdaptive  // closed for a bank whose rows of late served one command each, open otherwise
  };
  enum class Refresh : uint8_t { kAllBank, kPerBank };
  enum class Scheduler : uint8_t {
    kFrFcfs,  // the command that is ready first; of those column commands, then the oldest request
    kFcfs     // the oldest request alone
  };

  uint32_t ranks = 1;
  Page page = Page::kOpen;
  Refresh refresh = Refresh::kAllBank;
  Scheduler scheduler = Scheduler::kFrFcfs;
  uint32_t window = 32;        // reads that the scheduler sees at a time
  uint32_t write_buffer = 32;  // writes that wait; they are acknowledged when they enter
  uint32_t write_high = 26;    // writes waiting that start a drain ...
  uint32_t write_low = 6;      // ... and that end it
  uint32_t power_down = 0;     // idle clocks until a rank is powered down; 0: never
};
inline constexpr uint32_t kMaxQueue = 64;  // of window and write_buffer
inline constexpr uint32_t kMaxBanks = 64;  // of one channel, all ranks together

struct DramCounters {
  uint64_t read_bytes = 0, write_bytes = 0;  // at the pins: whole bursts
  uint64_t reads = 0, writes = 0;            // column accesses over the bus
  uint64_t activates = 0, precharges = 0;
  uint64_t refreshes = 0;       // all-bank refreshes of one rank
  uint64_t bank_refreshes = 0;  // per-bank refresh commands
  uint64_t row_hits = 0;        // bursts for which no row was opened
  uint64_t near_reads = 0;      // column accesses that stay in the die
  // Residency: rank time in each state, all channels and ranks added; the four sum to the time
  // that has passed. Active: at least one row is open.
  uint64_t active_standby_ps = 0, precharge_standby_ps = 0;
  uint64_t active_power_down_ps = 0, precharge_power_down_ps = 0;

  uint64_t rank_ps() const {
    return active_standby_ps + precharge_standby_ps + active_power_down_ps +
           precharge_power_down_ps;
  }
};

// Every counter with its name, unit and meaning.
const std::vector<sim::CounterField<DramCounters>>& DramCounterFields();

}  // namespace nibble::memory
