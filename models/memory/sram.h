// A scratchpad of equal banks. Contents are bytes; time is the caller's.
//
// A run of accesses is accounted as a whole: its port cycles at full bandwidth (banks * width bytes
// a cycle), those that colliding banks add, and those in which another user has the port
// (sram_ports.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/memory/sram_config.h"
#include "models/memory/sram_faults.h"
#include "models/memory/sram_ports.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/recorder.h"

namespace nibble::memory {

// By what factor >= 1 colliding banks lengthen accesses, as a fraction.
struct BankConflict {
  uint64_t cycles = 1, without = 1;
};

// A unit reads in each step `run_bytes` of up to `parallel` of `count` items that lie `pitch` bytes
// apart (pixels of a row, say): items 0.., then the next `parallel`, and so on; the first lies at
// bank 0. A word that several items of a step share is read once. A step takes as many cycles as
// the fullest bank has words of it, against those that it would take with its words spread evenly;
// full bandwidth shrinks by that factor.
BankConflict ConflictOf(const SramConfig& config, uint64_t pitch, uint64_t run_bytes,
                        uint32_t parallel, uint32_t count);

struct SramCounters {
  uint64_t read_bytes = 0, write_bytes = 0;
  uint64_t reads = 0, writes = 0;  // bank accesses of `width` bytes
  uint64_t check_read_bits = 0, check_write_bits = 0;
  uint64_t bank_conflict_cycles = 0;
  uint64_t stall_vector_cycles = 0, stall_tensor_cycles = 0;
  uint64_t fault_bits = 0, corrected_words = 0, detected_words = 0, silent_words = 0;
};

// What lies in a range of bytes.
enum class SramContent : uint8_t { kData, kScales };

class Sram {
 public:
  // `number` tells the scratchpads of a machine apart, `run` the runs of a study: both for faults.
  Sram(std::string name, const SramConfig& config, size_t layers, bool holds_data,
       uint64_t number = 0, uint64_t run = 0);

  const SramConfig& config() const { return config_; }
  const std::string& name() const { return name_; }
  uint8_t* data(uint32_t address) { return bytes_.data() + address; }

  // Counts an access of `bytes`, of which `scale_bytes` hold block scales or parameters, and
  // returns the port cycles that it takes.
  uint64_t Read(size_t layer, uint64_t bytes, uint64_t scale_bytes = 0,
                const BankConflict& conflict = {});
  uint64_t Write(size_t layer, uint64_t bytes, uint64_t scale_bytes = 0);

  // Port cycles to move `bytes` at full bandwidth.
  uint64_t PortCycles(uint64_t bytes) const {
    const uint64_t accesses = (bytes + config_.width - 1) / config_.width;
    return (accesses + config_.banks - 1) / config_.banks;
  }
  // Port cycles of a run that both reads and writes, side by side or one after the other.
  uint64_t Together(uint64_t reads, uint64_t writes) const {
    return config_.ports == 2 ? std::max(reads, writes) : reads + writes;
  }

  // Uses of the ports from now on are reported to `recorder`, unless null, in ps of `cycle_ps` a
  // cycle.
  void Record(sim::Recorder* recorder, uint64_t cycle_ps) {
    recorder_ = recorder;
    cycle_ps_ = cycle_ps;
  }
  // `user` takes the port during [begin, end).
  void Use(SramPort::User user, uint64_t begin, uint64_t end, uint64_t reads, uint64_t writes);
  // For a user whose run began at `begin` and needs so many port cycles: those that it has still to
  // wait at `now`, because users before it took theirs. `taken` is Taken(user, begin).
  struct Share {
    uint64_t read = 0, write = 0;
  };
  Share Taken(SramPort::User user, uint64_t now) const;
  uint64_t Behind(SramPort::User user, uint64_t begin, uint64_t now, const Share& need,
                  const Share& taken) const;
  void CountStall(size_t layer, SramPort::User user, uint64_t cycles);

  // `writer` has written these bytes: inverts the bits that the cells do not hold.
  void Wrote(size_t layer, uint64_t writer, SramContent content, uint32_t address, uint32_t rows,
             uint32_t row_bytes, uint32_t pitch);

  const std::vector<SramCounters>& rows() const { return rows_; }
  // Registers the counters of this scratchpad, which must outlive the registry, as "sram.NAME".
  void RegisterCounters(sim::CounterRegistry& registry) const;

 private:
  uint64_t CheckBits(uint64_t bytes, uint64_t scale_bytes) const;

  std::string name_;
  SramConfig config_;
  std::vector<uint8_t> bytes_;  // empty when timing only
  std::vector<SramCounters> rows_;
  SramPort read_port_, write_port_;  // of one port: the first is both
  std::optional<SramFaults> faults_;
  sim::Recorder* recorder_ = nullptr;
  uint64_t cycle_ps_ = 0;
};

}  // namespace nibble::memory
