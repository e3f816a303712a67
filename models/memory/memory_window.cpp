#include "models/memory/memory_window.h"

namespace nibble::memory {

MemoryWindow::MemoryWindow(const sc_core::sc_module_name& name, SparseMemory& memory,
                           const sc_core::sc_time& latency)
    : sc_module(name), socket("socket"), memory_(memory), latency_(latency) {
  socket.register_b_transport(this, &MemoryWindow::Transport);
  socket.register_transport_dbg(this, &MemoryWindow::DebugTransport);
}

// False: beyond the memory.
bool MemoryWindow::Move(tlm::tlm_generic_payload& payload) {
  const uint64_t address = payload.get_address(), bytes = payload.get_data_length();
  if (address > memory_.size() || bytes > memory_.size() - address) return false;
  if (payload.is_write()) memory_.Write(address, payload.get_data_ptr(), bytes);
  if (payload.is_read()) memory_.Read(address, payload.get_data_ptr(), bytes);
  return true;
}

void MemoryWindow::Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  delay += latency_;
  if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  payload.set_response_status(Move(payload) ? tlm::TLM_OK_RESPONSE
                                            : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned MemoryWindow::DebugTransport(tlm::tlm_generic_payload& payload) {
  return Move(payload) ? payload.get_data_length() : 0;
}

}  // namespace nibble::memory
