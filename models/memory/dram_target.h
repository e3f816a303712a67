// The DRAM as a TLM target: reservations of `Dram`, contents in a sparse memory.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <systemc>

#include "models/memory/dram.h"
#include "models/memory/sparse_memory.h"
#include "models/sim_core/clock.h"

namespace nibble::memory {

class DramTarget : public sc_core::sc_module {
 public:
  // Its time is the machine's, `clock`, without the times of self-refresh.
  DramTarget(const sc_core::sc_module_name& name, const sim::Clock& clock, const DramDevice& device,
             uint32_t channels, const std::string& mapping, size_t layers,
             const DramConfig& config = {});

  tlm_utils::simple_target_socket<DramTarget> socket;

  // Self-refresh, between jobs: the device clock stands still, so that a job finds the memory as
  // the one before has left it, whatever the host did in between. The memory is awake at first;
  // the calls come in turn. Approximate: leaving self-refresh takes no time (tXSR).
  void Sleep() { asleep_since_ps_ = clock_.Picoseconds(); }
  void Wake() { asleep_ps_ += clock_.Picoseconds() - asleep_since_ps_; }

  // The first device clock that is not before the present, machine time of a device clock, and the
  // time that so many of them take, in ps.
  uint64_t NowClock() const;
  uint64_t TimeOf(uint64_t clock) const { return asleep_ps_ + Picoseconds(clock); }
  uint64_t Picoseconds(uint64_t clocks) const { return clocks * dram_.device().tck_ps; }
  // Of self-refresh so far, in ps of machine time.
  uint64_t asleep_ps() const { return asleep_ps_; }

  // Transactions of all initiators so far.
  uint64_t transactions() const { return transactions_; }

  Dram& dram() { return dram_; }
  const Dram& dram() const { return dram_; }
  SparseMemory& storage() { return storage_; }
  // Transactions from now on are appended to `log`, unless null.
  void Record(std::vector<DramTransaction>* log) { log_ = log; }

 private:
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  const sim::Clock& clock_;
  Dram dram_;
  SparseMemory storage_;
  std::vector<DramTransaction>* log_ = nullptr;
  uint64_t asleep_ps_ = 0, asleep_since_ps_ = 0;
  uint64_t transactions_ = 0;
};

}  // namespace nibble::memory
