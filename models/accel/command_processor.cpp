#include "models/accel/command_processor.h"

#include <algorithm>
#include <stdexcept>

#include "models/sim_core/coroutine_stack.h"

namespace nibble::accel {

CommandProcessor::CommandProcessor(const sc_core::sc_module_name& name, const sim::Clock& clock,
                                   size_t layers, const FetchConfig& config,
                                   const std::vector<sim::EngineModule*>& engines,
                                   sim::Recorder* recorder)
    : sc_module(name),
      socket("socket"),
      clock_(clock),
      config_(config),
      recorder_(recorder),
      rows_(layers) {
  for (sim::EngineModule* engine : engines) engines_[static_cast<int>(engine->engine())] = engine;
  SC_HAS_PROCESS(CommandProcessor);
  SC_THREAD(Run);
}

void CommandProcessor::RegisterCounters(sim::CounterRegistry& registry) const {
  using C = Counters;
  registry.Register<C>(
      "fetch", rows_,
      {{"bytes", "bytes", "command words read", &C::bytes},
       {"busy_cycles", "cycles", "cycles waiting for command words from DRAM", &C::busy_cycles},
       {"stall_queue_cycles", "cycles", "cycles waiting for room in an engine's queue",
        &C::stall_queue_cycles}});
}

void CommandProcessor::Start(uint64_t address, uint64_t count) {
  address_ = address;
  count_ = count;
}

void CommandProcessor::FetchBatch(uint64_t first, uint64_t count) {
  batch_.resize(count);
  const auto bytes = static_cast<uint32_t>(count * sim::kCommandBytes);
  tlm::tlm_generic_payload* payload = pool_.Acquire();
  auto* dma = payload->get_extension<sim::DmaExtension>();
  dma->rows = 1;
  dma->row_bytes = dma->stride = bytes;
  dma->layer = static_cast<uint16_t>(layer_);
  payload->set_command(tlm::TLM_READ_COMMAND);
  payload->set_address(address_ + first * sim::kCommandBytes);
  payload->set_data_length(bytes);
  payload->set_streaming_width(bytes);
  payload->set_data_ptr(reinterpret_cast<unsigned char*>(batch_.data()));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(*payload, delay);
  const bool ok = payload->is_response_ok();
  payload->release();
  if (!ok) throw std::out_of_range("command words lie outside the memory");

  const uint64_t now = clock_.Now();
  const uint64_t arrival = clock_.CyclesUp((sc_core::sc_time_stamp() + delay).value());
  rows_[layer_].bytes += bytes;
  rows_[layer_].busy_cycles += arrival - now;
  if (recorder_ != nullptr) {
    recorder_->Fetched(count, now * clock_.period_ps(), arrival * clock_.period_ps());
  }
  if (arrival > now) wait(clock_.Time(arrival - now));
}

void CommandProcessor::Dispatch(const sim::Command& command) {
  if (command.layer >= rows_.size()) throw std::out_of_range("command word of an unknown layer");
  sim::EngineModule* engine = engines_[static_cast<int>(sim::EngineOf(command.opcode))];
  if (engine == nullptr) {
    throw std::invalid_argument(std::string("this platform has no engine for ") +
                                sim::OpcodeName(command.opcode));
  }
  layer_ = command.layer;
  const uint64_t start = clock_.Now();
  while (engine->full()) wait(engine->popped());
  rows_[layer_].stall_queue_cycles += clock_.Now() - start;
  engine->Push(command);
}

void CommandProcessor::Run() {
  sim::ForgetEarlierFrames();
  for (uint64_t first = 0; first < count_; first += config_.batch) {
    FetchBatch(first, std::min<uint64_t>(config_.batch, count_ - first));
    for (const sim::Command& command : batch_) Dispatch(command);
  }
}

}  // namespace nibble::accel
