// One DRAM subsystem in plain C++: channels x ranks x bank groups x banks, a controller per channel
// (dram_channel.h). Time is in clocks of the device (tCK).
//
// A machine asks for a whole transaction, many bursts, in one call, and learns its end at once. The
// bursts enter the controllers' windows one a clock and channel, and are scheduled there as any
// stream of requests is. What is approximate is the meeting of transactions: each call's reads are
// served to their end, before later calls are known, so that transactions of several initiators
// that overlap in time share the channels in the order of their calls and not burst by burst (the
// DMA engines cut their transfers into chunks of dma.chunk bytes, at most two of each initiator at
// a time, which is the grain of fairness). Rows are opened for a later call while data of earlier
// calls still pass, as far as timing permits; only the command bus does not see that the commands
// of two calls may fall on the same clock.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/memory/dram_channel.h"
#include "models/memory/dram_config.h"
#include "models/memory/dram_device.h"
#include "models/memory/dram_mapping.h"

namespace nibble::memory {

// What an initiator asked for and when, in clocks: `rows` of `row_bytes`, `stride` apart.
struct DramTransaction {
  uint64_t address;
  uint32_t rows, row_bytes, stride;
  bool write;
  uint64_t start, end;
};

class Dram {
 public:
  // Throws std::invalid_argument when `config` asks for what the device lacks (per-bank refresh,
  // power-down), or for more than kMaxBanks banks a channel, or its numbers contradict each other.
  Dram(const DramDevice& device, uint32_t channels, const std::string& mapping, size_t layers,
       const DramConfig& config = {});
  Dram(const Dram&) = delete;
  Dram& operator=(const Dram&) = delete;

  // All bursts that [address, address + bytes) touches, none before `start` (clocks). Returns for a
  // read the clock at which the last data beat has passed, for a write the one at which the last
  // burst has entered a write buffer. Events are added to row `layer`. Calls need not come in order
  // of `start`. Throws std::out_of_range beyond the capacity.
  uint64_t Access(uint64_t address, uint64_t bytes, bool write, uint64_t start, size_t layer);

  // All-bank work near the memory: empties the write buffers, then occupies every channel from the
  // earliest clock >= start at which all banks can be used, for `clocks` (refreshes that fall due
  // inside are added: they are postponed to the end of a row, which JEDEC allows, and cost tRFCab
  // each); returns its end. Rows are left closed. The caller, who knows what the banks do, adds
  // their activates, precharges and near_reads to rows().
  uint64_t OccupyAllBanks(uint64_t clocks, uint64_t start, size_t layer);

  // Spans [begin, end) of OccupyAllBanks from now on are appended to `spans`, unless null.
  void RecordOccupied(std::vector<std::pair<uint64_t, uint64_t>>* spans) { occupied_ = spans; }

  // Accounts residency and idle refreshes up to `now` (ps since start) to row `layer`; earlier
  // times: nothing.
  void AccountTime(uint64_t now_ps, size_t layer);
  // Serves what still waits in the write buffers; returns the clock when all data has passed.
  uint64_t Drain();

  const DramDevice& device() const { return device_; }
  const DramConfig& config() const { return config_; }
  const DramMapping& mapping() const { return mapping_; }
  uint32_t channels() const { return static_cast<uint32_t>(channels_.size()); }
  DramChannel& channel(uint32_t c) { return channels_[c]; }
  std::vector<DramCounters>& rows() { return rows_; }
  const std::vector<DramCounters>& rows() const { return rows_; }

 private:
  const DramDevice device_;
  const DramConfig config_;
  DramMapping mapping_;
  std::vector<DramCounters> rows_;
  std::vector<DramChannel> channels_;
  std::vector<std::pair<uint64_t, uint64_t>>* occupied_ = nullptr;
};

// Registers the counters of `dram` (which must outlive the registry) as `component`. Those of
// states that its device cannot be in (dram_energy.h) stay zero and are not marked as costing
// energy.
void RegisterDram(sim::CounterRegistry& registry, const std::string& component, const Dram& dram);

// Throws std::invalid_argument that names the parameter, as the constructor of Dram does.
void CheckDramConfig(const DramDevice& device, const DramConfig& config);

}  // namespace nibble::memory
