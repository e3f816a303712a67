// Forwards an initiator's transactions by address.
#pragma once

#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <string>
#include <systemc>
#include <vector>

namespace nibble::cpu {

// Takes no time. A target sees addresses from 0. An address that no target has, or a transaction
// that reaches over a target's end, is answered with TLM_ADDRESS_ERROR_RESPONSE.
class Router : public sc_core::sc_module {
 public:
  explicit Router(const sc_core::sc_module_name& name);
  tlm_utils::simple_target_socket<Router> socket;

  // Before the simulation starts: `target` answers for `bytes` from `base` on. Throws
  // std::invalid_argument naming both when two targets overlap.
  void Map(const std::string& name, uint64_t base, uint64_t bytes,
           tlm::tlm_base_target_socket_b<>& target);

 private:
  struct Range {
    std::string name;
    uint64_t base, bytes;
    int target;  // index in targets_
  };
  const Range* Find(uint64_t address, uint64_t length) const;
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned DebugTransport(tlm::tlm_generic_payload& payload);
  bool GetDirectPointer(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  void Invalidate(int target, sc_dt::uint64 start, sc_dt::uint64 end);

  std::vector<Range> ranges_;
  tlm_utils::multi_passthrough_initiator_socket<Router> targets_;
};

}  // namespace nibble::cpu
