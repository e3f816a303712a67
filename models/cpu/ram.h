// A RAM as a TLM target that grants direct access.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <systemc>
#include <vector>

namespace nibble::cpu {

// Addresses from 0. Transactions take no time beyond what the initiator counts for an access. A
// write by transaction is told to the initiator as an invalidation of its direct pointer: it may
// have decoded what was there.
class Ram : public sc_core::sc_module {
 public:
  Ram(const sc_core::sc_module_name& name, uint32_t bytes);
  tlm_utils::simple_target_socket<Ram> socket;
  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned DebugTransport(tlm::tlm_generic_payload& payload);
  bool GetDirectPointer(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  bool Copy(tlm::tlm_generic_payload& payload);

  std::vector<uint8_t> bytes_;
};

}  // namespace nibble::cpu
