// Forwards an initiator's transactions by address.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
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

  using Target = tlm_utils::simple_initiator_socket_tagged<Router>;
  // The socket to bind to the target at `base`, before the simulation starts. Throws
  // std::invalid_argument naming both when two targets overlap.
  Target& Map(const std::string& name, uint64_t base, uint64_t bytes);

 private:
  struct Range {
    std::string name;
    uint64_t base, bytes;
    std::unique_ptr<Target> socket;
  };
  const Range* Find(uint64_t address, uint64_t length) const;
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned DebugTransport(tlm::tlm_generic_payload& payload);
  bool GetDirectPointer(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  void Invalidate(int range, sc_dt::uint64 start, sc_dt::uint64 end);

  std::vector<Range> ranges_;
};

}  // namespace nibble::cpu
