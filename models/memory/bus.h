// A TLM bus: several initiators, one memory at address 0. It routes, checks addresses and counts;
// waiting for the memory is the memory's affair, whose reservations serve the initiators in the
// order of their calls.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
#include <systemc>
#include <vector>

#include "models/sim_core/counters.h"

namespace nibble::memory {

class Bus : public sc_core::sc_module {
 public:
  // `masters`: names of the initiators, as the counters show them. `size`: bytes of the memory.
  Bus(const sc_core::sc_module_name& name, const std::vector<std::string>& masters, uint64_t size,
      size_t layers);

  tlm_utils::simple_target_socket_tagged<Bus>& port(size_t master) { return *ports_[master]; }
  tlm_utils::simple_initiator_socket<Bus> memory;

  void RegisterCounters(sim::CounterRegistry& registry) const;

 private:
  struct Counters {
    uint64_t read_bytes = 0, write_bytes = 0;
  };
  void Transport(int master, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  uint64_t size_;
  std::vector<std::string> masters_;
  std::vector<std::unique_ptr<tlm_utils::simple_target_socket_tagged<Bus>>> ports_;
  std::vector<std::vector<Counters>> rows_;  // [master][layer]
};

}  // namespace nibble::memory
