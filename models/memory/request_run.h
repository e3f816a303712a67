// A stream of requests through the memory controllers alone: as fast as the memory accepts them.
#pragma once

#include <cstdint>
#include <vector>

#include "models/memory/dram.h"

namespace nibble::memory {

struct MemoryRequest {
  uint64_t address = 0;
  bool write = false;
};

// Latencies of reads in clocks, from acceptance to the last beat of data.
class LatencyHistogram {
 public:
  void Add(uint64_t clocks);
  uint64_t count() const { return count_; }
  double mean() const;                  // 0 when nothing was added
  uint64_t Percentile(double p) const;  // the smallest latency that p of them (0..1) do not exceed
  uint64_t max() const { return max_; }

 private:
  std::vector<uint64_t> of_;  // by latency; the last one: that or longer
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

struct RequestRunResult {
  uint64_t cycles = 0;       // to the last beat of the last read, or the last write's acceptance
  uint64_t accepted = 0;     // clock of the last acceptance
  uint64_t drained = 0;      // to the last beat of all data, buffered writes included
  LatencyHistogram latency;  // of reads
  DramCounters counters;     // writes that still waited at `cycles` included
};

// Offers `requests` in order, each one burst, at most one a clock and channel, and waits where the
// memory does not accept one. With `outstanding` > 0 at most that many reads are under way at a
// time; writes are done when they are accepted. `dram` must be unused, with one row. Throws
// std::out_of_range beyond the capacity.
RequestRunResult RunRequests(Dram& dram, const std::vector<MemoryRequest>& requests,
                             uint32_t outstanding);

}  // namespace nibble::memory
