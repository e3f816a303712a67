// A TLM bus: several initiators, one memory at address 0. It routes, checks addresses, moves and
// counts. The memory sees a transaction when it is asked for; its data stream over the bus while
// the memory works, so that a transaction ends when both have done their part: the memory by its
// own reservations, the bus by bus_schedule.h.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
#include <systemc>
#include <vector>

#include "models/memory/bus_schedule.h"
#include "models/sim_core/clock.h"
#include "models/sim_core/counters.h"

namespace nibble::memory {

class Bus : public sc_core::sc_module {
 public:
  // `masters`: names of the initiators, as the counters show them. `size`: bytes of the memory.
  // The clock is that of the machine; waiting is counted in its cycles.
  Bus(const sc_core::sc_module_name& name, const BusConfig& config, const sim::Clock& clock,
      const std::vector<std::string>& masters, uint64_t size, size_t layers);

  tlm_utils::simple_target_socket_tagged<Bus>& port(size_t master) { return *ports_[master]; }
  tlm_utils::simple_initiator_socket<Bus> memory;

  void RegisterCounters(sim::CounterRegistry& registry) const;

 private:
  struct Counters {
    uint64_t read_bytes = 0, write_bytes = 0;
    uint64_t busy_ps = 0, wait_ps = 0, late_ps = 0;
  };
  void Transport(int master, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  // A column of picoseconds as machine cycles.
  void RegisterTime(sim::CounterRegistry& registry, size_t master, const char* name,
                    const char* meaning, uint64_t Counters::*member) const;

  BusSchedule schedule_;
  const sim::Clock& clock_;
  uint64_t size_;
  std::vector<std::string> masters_;
  std::vector<std::unique_ptr<tlm_utils::simple_target_socket_tagged<Bus>>> ports_;
  std::vector<std::vector<Counters>> rows_;  // [master][layer]
};

}  // namespace nibble::memory
