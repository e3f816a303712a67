// A slow reference for one DRAM channel: a clocked controller behind the four phases of TLM-2.0's
// base protocol, one burst a transaction. It shares parameters with dram_channel.h and no code:
// each clock it looks at every request that waits, and checks each timing rule anew. Tests compare
// the two (tests/machine/at_test.cpp); machines do not use it.
//
// BEGIN_REQ offers a burst, END_REQ says that the controller has room for it (at most one a clock),
// BEGIN_RESP that its data has passed (of a write: that it is in the write buffer), and END_RESP is
// the initiator's answer, which must be immediate.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <deque>
#include <queue>
#include <systemc>
#include <vector>

#include "models/memory/dram_config.h"
#include "models/memory/dram_mapping.h"

namespace nibble::memory {

class DramAt : public sc_core::sc_module {
 public:
  // Knows one rank, FR-FCFS, open pages and all-bank refresh: throws std::invalid_argument for
  // anything else. Addresses are those of the whole memory; those of other channels are refused
  // with an address error.
  DramAt(const sc_core::sc_module_name& name, const DramDevice& device, const DramConfig& config,
         const DramMapping& mapping, uint32_t channel);

  tlm_utils::simple_target_socket<DramAt> socket;
  const DramCounters& counters() const { return counters_; }

 private:
  using Payload = tlm::tlm_generic_payload;
  struct Request {
    Payload* payload;
    DramLocation at;
    uint64_t ready;  // clock of its first command at the earliest
    bool missed = false;
  };
  struct Bank {
    bool open = false;
    uint32_t row = 0;
    // Clocks of the last commands; kLongAgo: none yet.
    int64_t activate = kLongAgo, precharge = kLongAgo, read = kLongAgo, write = kLongAgo;
  };
  struct Response {
    uint64_t at;
    Payload* payload;
    bool operator>(const Response& other) const { return at > other.at; }
  };
  static constexpr int64_t kLongAgo = -1000000;

  tlm::tlm_sync_enum Transport(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay);
  void Tick();
  void Respond(uint64_t now);
  void Admit(uint64_t now);
  void RefreshWhileIdle(int64_t now);
  bool Refresh(int64_t now);
  void Schedule(int64_t now);
  bool CanActivate(uint32_t bank, int64_t now) const;
  bool CanPrecharge(const Bank& bank, int64_t now) const;
  bool CanColumn(uint32_t bank, bool write, int64_t now) const;

  const DramDevice d_;
  const DramConfig config_;
  const DramMapping mapping_;
  const uint32_t channel_;
  std::vector<Bank> banks_;
  std::deque<int64_t> activates_;  // the last four, of the rank
  int64_t refresh_ = kLongAgo;     // the last
  uint64_t next_refresh_;
  int64_t bus_free_ = 0, row_bus_free_ = 0;  // command bus
  bool writing_ = false, draining_ = false;
  std::deque<Payload*> offered_;  // after BEGIN_REQ
  std::deque<Request> queue_[2];  // reads, writes, oldest first
  std::priority_queue<Response, std::vector<Response>, std::greater<>> responses_;
  DramCounters counters_;
  sc_core::sc_event tick_;
  bool ticking_ = false;
};

}  // namespace nibble::memory
