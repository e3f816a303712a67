// The machine's memory as a processor sees it: plain loads and stores.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <systemc>

#include "models/memory/sparse_memory.h"

namespace nibble::memory {

// Addresses from 0. A transaction takes `latency`, takes no part in the DRAM's schedule and makes
// no traffic of the machine's; one that ends beyond the memory is answered with
// TLM_ADDRESS_ERROR_RESPONSE, one with byte enables with TLM_BYTE_ENABLE_ERROR_RESPONSE. Debug
// transport reads and writes.
class MemoryWindow : public sc_core::sc_module {
 public:
  MemoryWindow(const sc_core::sc_module_name& name, SparseMemory& memory,
               const sc_core::sc_time& latency);

  tlm_utils::simple_target_socket<MemoryWindow> socket;

 private:
  bool Move(tlm::tlm_generic_payload& payload);
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned DebugTransport(tlm::tlm_generic_payload& payload);

  SparseMemory& memory_;
  sc_core::sc_time latency_;
};

}  // namespace nibble::memory
