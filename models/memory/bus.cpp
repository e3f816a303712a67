#include "models/memory/bus.h"

#include "models/sim_core/payload.h"

namespace nibble::memory {

Bus::Bus(const sc_core::sc_module_name& name, const std::vector<std::string>& masters,
         uint64_t size, size_t layers)
    : sc_module(name), memory("memory"), size_(size), masters_(masters) {
  rows_.assign(masters.size(), std::vector<Counters>(layers));
  for (size_t i = 0; i < masters.size(); ++i) {
    ports_.push_back(
        std::make_unique<tlm_utils::simple_target_socket_tagged<Bus>>(masters[i].c_str()));
    ports_.back()->register_b_transport(this, &Bus::Transport, static_cast<int>(i));
  }
}

void Bus::Transport(int master, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const auto* dma = payload.get_extension<sim::DmaExtension>();
  const uint64_t extent = dma->row_bytes + uint64_t{dma->rows - 1} * dma->stride;
  if (payload.get_address() > size_ || extent > size_ - payload.get_address()) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  Counters& row = rows_[master][dma->layer];
  (payload.is_write() ? row.write_bytes : row.read_bytes) += payload.get_data_length();
  memory->b_transport(payload, delay);
}

void Bus::RegisterCounters(sim::CounterRegistry& registry) const {
  for (size_t i = 0; i < masters_.size(); ++i) {
    registry.Register<Counters>(
        "bus." + masters_[i], rows_[i],
        {{"read_bytes", "bytes", "bytes that this initiator asked for", &Counters::read_bytes},
         {"write_bytes", "bytes", "bytes that this initiator wrote", &Counters::write_bytes}});
  }
}

}  // namespace nibble::memory
