// One DRAM subsystem (channels x ranks x bank groups x banks) as integer reservations, in plain
// C++.
//
// Open page. Bursts keep the order of the calls on the data bus (no reordering); row, bank, rank
// (tRRD, tFAW), bus (tCCD, read-write turn-around) and all-bank refresh are respected. All bursts
// of one Access are known at its start, so the activate of a later bank hides under the data of
// earlier bursts as far as bank and rank timing permit: the look-ahead is one call, not a queue of
// fixed depth. The command bus is never the limit. Time is in clocks of the device (tCK).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/sim_core/counters.h"

namespace nibble::memory {

// A device as read from platforms/dram/NAME.json; every number there carries its source.
struct DramDevice {
  std::string name;
  // Organisation of one channel, in powers of two.
  uint32_t bank_groups = 4, banks_per_group = 4, rows = 32768;
  uint32_t row_bytes = 2048;  // page of one bank
  uint32_t burst_bytes = 32;  // one column access
  // Timing in clocks, except tck_ps.
  uint64_t tck_ps = 1250;
  uint64_t cl = 0, cwl = 0, rcd = 0, rp = 0, rp_ab = 0, ras = 0, rc = 0;
  uint64_t rrd = 0, faw = 0, ccd_s = 0, ccd_l = 0, burst = 0;
  uint64_t wr = 0, rtp = 0, wtr_s = 0, wtr_l = 0, refi = 0, rfc_ab = 0;
  uint64_t rtw_gap = 0;  // idle clocks of the data bus between read data and write data
  // Energy. Core excludes the data pins (I/O).
  double activate_pj = 0;  // ACT + PRE of one row
  double read_core_pj_bit = 0, read_io_pj_bit = 0;
  double write_core_pj_bit = 0, write_io_pj_bit = 0;
  double near_read_pj_bit = 0;                 // column access that stays in the die
  double refresh_pj = 0;                       // one all-bank refresh of one channel
  double standby_mw = 0;                       // one channel, background
  std::map<std::string, std::string> sources;  // field -> where the number comes from

  uint32_t banks() const { return bank_groups * banks_per_group; }
  uint32_t columns() const { return row_bytes / burst_bytes; }
};
// Throws std::invalid_argument naming the file, the field and what was expected.
DramDevice ReadDramDevice(const std::string& path);

// Where a burst lies.
struct DramLocation {
  uint32_t channel = 0, row = 0, bank = 0 /* bank_group * banks_per_group + bank in group */,
           column = 0;
};

// Address mapping as a string of fields from most to least significant, e.g. "row bank column
// bankgroup channel". `row` comes first in every mapping that is accepted, so that whole rows of
// all banks are contiguous.
class DramMapping {
 public:
  // `fields`: row, bank, bankgroup, column, channel, each once, `row` first, separated by blanks;
  // `channels` is a power of two. Throws std::invalid_argument that says which rule is broken.
  DramMapping(const DramDevice& device, uint32_t channels, const std::string& fields);
  DramLocation Locate(
      uint64_t address) const;  // address of any byte of the burst, below capacity()
  uint64_t Address(const DramLocation& location) const;  // first byte of the burst
  uint64_t capacity() const { return capacity_; }        // bytes

 private:
  struct Field {
    uint32_t shift = 0, mask = 0;
    uint32_t Get(uint64_t burst) const { return static_cast<uint32_t>(burst >> shift) & mask; }
    uint64_t Put(uint32_t value) const { return static_cast<uint64_t>(value & mask) << shift; }
  };
  Field row_, bank_, group_, column_, channel_;  // of the burst number
  uint32_t burst_shift_, bank_bits_;
  uint64_t capacity_;
};

struct DramCounters {
  uint64_t read_bytes = 0, write_bytes = 0;  // at the pins: whole bursts
  uint64_t reads = 0, writes = 0;            // column accesses over the bus
  uint64_t activates = 0, precharges = 0, refreshes = 0;
  uint64_t row_hits = 0;
  uint64_t near_reads = 0;     // column accesses that stay in the die
  uint64_t background_ps = 0;  // channel time, all channels added: standby energy
};

// Registers the counters of `rows` (one per layer; must outlive the registry) as `component`.
void RegisterDram(sim::CounterRegistry& registry, const std::string& component,
                  const std::vector<DramCounters>& rows);

class Dram {
 public:
  Dram(const DramDevice& device, uint32_t channels, const std::string& mapping, size_t layers);

  // Reserves all bursts that [address, address + bytes) touches, none before `start` (clocks);
  // returns the clock at which the last data beat has passed. Events are added to row `layer`.
  // Calls need not come in order of `start`, but the data bus serves them in the order of the
  // calls. Throws std::out_of_range beyond the capacity.
  uint64_t Access(uint64_t address, uint64_t bytes, bool write, uint64_t start, size_t layer);

  // All-bank work near the memory: occupies every channel from the earliest clock >= start at which
  // all banks can be used, for `clocks` (refreshes that fall due inside are added: they are
  // postponed to the end of a row, which JEDEC allows, and cost tRFCab each); returns its end. Rows
  // are left closed. The caller, who knows what the banks do, adds their activates, precharges and
  // near_reads to rows().
  uint64_t OccupyAllBanks(uint64_t clocks, uint64_t start, size_t layer);

  // Accounts background time and idle refreshes up to `now` (ps since start) to row `layer`;
  // earlier times: nothing.
  void AccountBackground(uint64_t now_ps, size_t layer);

  const DramDevice& device() const { return device_; }
  const DramMapping& mapping() const { return mapping_; }
  uint32_t channels() const { return channels_; }
  std::vector<DramCounters>& rows() { return rows_; }
  const std::vector<DramCounters>& rows() const { return rows_; }

 private:
  static constexpr int64_t kClosed = -1;
  // Times are the first clock at which the command may be given, by the constraints that commands
  // so far have set.
  struct Bank {
    int64_t open_row = kClosed;
    uint64_t activate = 0, column = 0, precharge = 0;
  };
  struct Group {
    uint64_t read = 0, write = 0;  // tCCD_L, tWTR_L
  };
  struct Channel {
    std::vector<Bank> banks;
    std::vector<Group> groups;
    uint64_t activate = 0;  // tRRD
    uint64_t window[4] = {
        0, 0, 0, 0};      // tFAW: end of the window that each of the last four activates opened
    uint32_t oldest = 0;  // of those four
    uint64_t read = 0, write = 0;  // tCCD_S, tWTR_S, data bus
    uint64_t next_refresh = 0;     // always a multiple of tREFI
  };
  uint64_t Burst(const DramLocation& at, bool write, uint64_t start, DramCounters& count);
  void Refresh(Channel& channel, DramCounters& count);
  void RefreshUntil(Channel& channel, uint64_t now, DramCounters& count);

  DramDevice device_;
  uint32_t channels_;
  DramMapping mapping_;
  std::vector<Channel> state_;
  std::vector<DramCounters> rows_;
  uint64_t background_until_ps_ = 0;
};

// The bytes of a memory far larger than what a run touches: pages appear on first write, unread
// bytes are zero.
class SparseMemory {
 public:
  explicit SparseMemory(uint64_t size) : size_(size) {}
  // Throws std::out_of_range naming the address when it ends beyond the memory.
  void Read(uint64_t address, void* to, uint64_t bytes) const;
  void Write(uint64_t address, const void* from, uint64_t bytes);
  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t kPage = 1 << 16;
  void Check(uint64_t address, uint64_t bytes) const;

  uint64_t size_;
  std::map<uint64_t, std::unique_ptr<uint8_t[]>> pages_;  // by page number
};

}  // namespace nibble::memory
