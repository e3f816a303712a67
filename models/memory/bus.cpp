#include "models/memory/bus.h"

#include "models/sim_core/payload.h"

namespace nibble::memory {

Bus::Bus(const sc_core::sc_module_name& name, const BusConfig& config, const sim::Clock& clock,
         const std::vector<std::string>& masters, uint64_t size, size_t layers)
    : sc_module(name),
      memory("memory"),
      schedule_(config, config.mhz == 0 ? clock.period_ps() : sim::Clock(config.mhz).period_ps(),
                masters.size()),
      clock_(clock),
      size_(size),
      masters_(masters) {
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
  const uint64_t now = clock_.Picoseconds();
  const BusSchedule::Transfer transfer =
      schedule_.Place(static_cast<size_t>(master), now, payload.get_data_length());
  memory->b_transport(payload, delay);
  const uint64_t memory_end = now + delay.value();
  row.busy_ps += transfer.move_ps;
  row.wait_ps += transfer.wait_ps;
  if (transfer.end_ps <= memory_end) return;
  row.late_ps += transfer.end_ps - memory_end;
  delay = sc_core::sc_time::from_value(transfer.end_ps - now);
}

void Bus::RegisterTime(sim::CounterRegistry& registry, size_t master, const char* name,
                       const char* meaning, uint64_t Counters::*member) const {
  registry.RegisterColumn({"bus." + masters_[master], name, "cycles", meaning},
                          [this, master, member](size_t layer) {
                            const uint64_t ps = rows_[master][layer].*member;
                            return clock_.CyclesUp(ps);
                          });
}

void Bus::RegisterCounters(sim::CounterRegistry& registry) const {
  for (size_t i = 0; i < masters_.size(); ++i) {
    registry.Register<Counters>(
        "bus." + masters_[i], rows_[i],
        {{"read_bytes", "bytes", "bytes that this initiator asked for", &Counters::read_bytes},
         {"write_bytes", "bytes", "bytes that this initiator wrote", &Counters::write_bytes}});
    RegisterTime(registry, i, "transfer_cycles", "machine cycles in which its bytes moved",
                 &Counters::busy_ps);
    RegisterTime(registry, i, "wait_cycles",
                 "machine cycles that its transfers waited for a turn or a bus cycle's beginning",
                 &Counters::wait_ps);
    RegisterTime(registry, i, "late_cycles",
                 "machine cycles that its transactions took because the bus ended after the memory",
                 &Counters::late_ps);
  }
}

}  // namespace nibble::memory
