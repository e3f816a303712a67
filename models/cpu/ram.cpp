#include "models/cpu/ram.h"

#include <cstring>

namespace nibble::cpu {

Ram::Ram(const sc_core::sc_module_name& name, uint32_t bytes)
    : sc_module(name), socket("socket"), bytes_(bytes) {
  socket.register_b_transport(this, &Ram::Transport);
  socket.register_transport_dbg(this, &Ram::DebugTransport);
  socket.register_get_direct_mem_ptr(this, &Ram::GetDirectPointer);
}

bool Ram::Copy(tlm::tlm_generic_payload& payload) {
  const uint64_t address = payload.get_address(), length = payload.get_data_length();
  if (address > bytes_.size() || length > bytes_.size() - address) return false;
  uint8_t* const here = bytes_.data() + address;
  if (payload.is_read()) std::memcpy(payload.get_data_ptr(), here, length);
  if (payload.is_write()) {
    std::memcpy(here, payload.get_data_ptr(), length);
    socket->invalidate_direct_mem_ptr(address, address + length - 1);
  }
  return true;
}

void Ram::Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  const bool plain = payload.get_byte_enable_ptr() == nullptr &&
                     payload.get_streaming_width() >= payload.get_data_length();
  if (!plain) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return;
  }
  payload.set_dmi_allowed(true);
  payload.set_response_status(Copy(payload) ? tlm::TLM_OK_RESPONSE
                                            : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned Ram::DebugTransport(tlm::tlm_generic_payload& payload) {
  return Copy(payload) ? payload.get_data_length() : 0;
}

bool Ram::GetDirectPointer(tlm::tlm_generic_payload&, tlm::tlm_dmi& dmi) {
  dmi.set_dmi_ptr(bytes_.data());
  dmi.set_start_address(0);
  dmi.set_end_address(bytes_.size() - 1);
  dmi.allow_read_write();
  return true;
}

}  // namespace nibble::cpu
