// A scratchpad of equal banks. Contents are bytes; time is the caller's: cycles to move bytes at
// full width.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/sim_core/counters.h"

namespace nibble::memory {

struct SramConfig {
  uint32_t size = 0;    // bytes, all banks together
  uint32_t banks = 1;   // accessed in parallel, interleaved by `width`
  uint32_t width = 16;  // bytes per bank and cycle
};

struct SramCounters {
  uint64_t read_bytes = 0, write_bytes = 0;
  uint64_t reads = 0, writes = 0;  // bank accesses of `width` bytes
};

// Registers the counters of `rows` (one per layer; must outlive the registry) as `component`.
void RegisterSram(sim::CounterRegistry& registry, const std::string& component,
                  const std::vector<SramCounters>& rows);

class Sram {
 public:
  Sram(std::string name, const SramConfig& config, size_t layers, bool holds_data);

  const SramConfig& config() const { return config_; }
  const std::string& name() const { return name_; }
  uint8_t* data(uint32_t address) { return bytes_.data() + address; }

  // Counts an access of `bytes` and returns the cycles it takes at full bandwidth (banks * width a
  // cycle).
  uint64_t Read(size_t layer, uint64_t bytes);
  uint64_t Write(size_t layer, uint64_t bytes);

  const std::vector<SramCounters>& rows() const { return rows_; }

 private:
  std::string name_;
  SramConfig config_;
  std::vector<uint8_t> bytes_;  // empty when timing only
  std::vector<SramCounters> rows_;
};

}  // namespace nibble::memory
