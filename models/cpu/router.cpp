#include "models/cpu/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace nibble::cpu {

Router::Router(const sc_core::sc_module_name& name)
    : sc_module(name), socket("socket"), targets_("targets") {
  socket.register_b_transport(this, &Router::Transport);
  socket.register_transport_dbg(this, &Router::DebugTransport);
  socket.register_get_direct_mem_ptr(this, &Router::GetDirectPointer);
  targets_.register_invalidate_direct_mem_ptr(this, &Router::Invalidate);
}

void Router::Map(const std::string& name, uint64_t base, uint64_t bytes,
                 tlm::tlm_base_target_socket_b<>& target) {
  for (const Range& range : ranges_) {
    if (base < range.base + range.bytes && range.base < base + bytes) {
      throw std::invalid_argument(
          fmt::format("{} at {:#x} overlaps {} at {:#x}", name, base, range.name, range.base));
    }
  }
  ranges_.push_back({name, base, bytes, static_cast<int>(ranges_.size())});
  targets_.bind(target);
}

const Router::Range* Router::Find(uint64_t address, uint64_t length) const {
  for (const Range& range : ranges_) {
    const uint64_t offset = address - range.base;
    if (address >= range.base && offset < range.bytes && length <= range.bytes - offset) {
      return &range;
    }
  }
  return nullptr;
}

void Router::Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const uint64_t address = payload.get_address();
  const Range* range = Find(address, payload.get_data_length());
  if (range == nullptr) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  payload.set_address(address - range->base);
  targets_[range->target]->b_transport(payload, delay);
  payload.set_address(address);
}

unsigned Router::DebugTransport(tlm::tlm_generic_payload& payload) {
  const uint64_t address = payload.get_address();
  const Range* range = Find(address, payload.get_data_length());
  if (range == nullptr) return 0;
  payload.set_address(address - range->base);
  const unsigned count = targets_[range->target]->transport_dbg(payload);
  payload.set_address(address);
  return count;
}

bool Router::GetDirectPointer(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  const uint64_t address = payload.get_address();
  const Range* range = Find(address, 1);
  if (range == nullptr) return false;
  payload.set_address(address - range->base);
  const bool granted = targets_[range->target]->get_direct_mem_ptr(payload, dmi);
  payload.set_address(address);
  dmi.set_end_address(std::min<uint64_t>(dmi.get_end_address(), range->bytes - 1) + range->base);
  dmi.set_start_address(dmi.get_start_address() + range->base);
  return granted;
}

void Router::Invalidate(int target, sc_dt::uint64 start, sc_dt::uint64 end) {
  const Range& r = ranges_[static_cast<size_t>(target)];
  socket->invalidate_direct_mem_ptr(r.base + start, r.base + std::min<uint64_t>(end, r.bytes - 1));
}

}  // namespace nibble::cpu
