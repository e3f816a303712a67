#include "models/memory/dram_target.h"

#include <algorithm>

#include "models/sim_core/payload.h"

namespace nibble::memory {

DramTarget::DramTarget(const sc_core::sc_module_name& name, const sim::Clock& clock,
                       const DramDevice& device, uint32_t channels, const std::string& mapping,
                       size_t layers, const DramConfig& config)
    : sc_module(name),
      socket("socket"),
      clock_(clock),
      dram_(device, channels, mapping, layers, config),
      storage_(dram_.mapping().capacity()) {
  socket.register_b_transport(this, &DramTarget::Transport);
}

uint64_t DramTarget::NowClock() const {
  const uint64_t tck = dram_.device().tck_ps;
  return (clock_.Picoseconds() - asleep_ps_ + tck - 1) / tck;
}

void DramTarget::Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const auto* dma = payload.get_extension<sim::DmaExtension>();
  const bool write = payload.is_write();
  ++transactions_;
  const uint64_t start = NowClock();
  uint64_t address = payload.get_address();
  uint8_t* data = payload.get_data_ptr();
  uint64_t end = start;
  for (uint32_t row = 0; row < dma->rows; ++row, address += dma->stride) {
    end = std::max(end, dram_.Access(address, dma->row_bytes, write, start, dma->layer));
    if (data == nullptr) continue;  // timing only
    if (write) {
      storage_.Write(address, data, dma->row_bytes);
    } else {
      storage_.Read(address, data, dma->row_bytes);
    }
    data += dma->row_bytes;
  }
  if (log_ != nullptr) {
    log_->push_back(
        {payload.get_address(), dma->rows, dma->row_bytes, dma->stride, write, start, end});
  }
  delay = sc_core::sc_time::from_value(TimeOf(end) - clock_.Picoseconds());
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace nibble::memory
