#include "models/accel/command_processor.h"

#include <algorithm>

#include "models/sim_core/command_check.h"
#include "models/sim_core/coroutine_stack.h"

namespace nibble::accel {

CommandProcessor::CommandProcessor(const sc_core::sc_module_name& name, const sim::Clock& clock,
                                   sim::Job& job, size_t layers, const FetchConfig& config,
                                   const std::vector<sim::EngineModule*>& engines,
                                   sim::Recorder* recorder)
    : sc_module(name),
      socket("socket"),
      clock_(clock),
      job_(job),
      config_(config),
      recorder_(recorder),
      rows_(layers) {
  for (sim::EngineModule* engine : engines) {
    engines_[static_cast<int>(engine->engine())] = engine;
    engine_mask_ |= sim::EngineBit(engine->engine());
  }
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

void CommandProcessor::Start(uint64_t address, uint32_t count, uint32_t layers) {
  address_ = address;
  count_ = count;
  layers_ = layers;
  layer_ = 0;
  job_.Begin(clock_.Now());
  for (sim::EngineModule* engine : engines_) {
    if (engine != nullptr) engine->BeginJob();
  }
  started_.notify();
}

bool CommandProcessor::FetchBatch(uint32_t first, uint32_t count) {
  batch_.resize(count);
  const uint32_t bytes = count * sim::kCommandBytes;
  tlm::tlm_generic_payload* payload = pool_.Acquire();
  auto* dma = payload->get_extension<sim::DmaExtension>();
  dma->rows = 1;
  dma->row_bytes = dma->stride = bytes;
  dma->layer = static_cast<uint16_t>(layer_);
  payload->set_command(tlm::TLM_READ_COMMAND);
  payload->set_address(AddressOf(first));
  payload->set_data_length(bytes);
  payload->set_streaming_width(bytes);
  payload->set_data_ptr(reinterpret_cast<unsigned char*>(batch_.data()));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(*payload, delay);
  const bool ok = payload->is_response_ok();
  payload->release();
  if (!ok) {
    job_.Stop({sim::FaultCode::kCommandMemory, first, AddressOf(first)});
    return false;
  }

  const uint64_t now = clock_.Now();
  const uint64_t arrival = clock_.After(delay);
  rows_[layer_].bytes += bytes;
  rows_[layer_].busy_cycles += arrival - now;
  if (recorder_ != nullptr) {
    recorder_->Fetched(count, now * clock_.period_ps(), arrival * clock_.period_ps());
  }
  if (arrival > now) wait(clock_.Time(arrival - now));
  return !job_.stopped();
}

bool CommandProcessor::Dispatch(const sim::Command& command, uint32_t index) {
  const sim::FaultCode code = sim::CheckWord(command, engine_mask_, layers_);
  if (code != sim::FaultCode::kNone) {
    job_.Stop({code, index, AddressOf(index)});
    return false;
  }
  sim::EngineModule* engine = engines_[static_cast<int>(sim::EngineOf(command.opcode))];
  layer_ = command.layer;
  const uint64_t start = clock_.Now();
  while (engine->full()) wait(engine->popped());  // engines of a stopped job drop their words
  rows_[layer_].stall_queue_cycles += clock_.Now() - start;
  if (job_.stopped()) return false;
  job_.Issue();
  engine->Push(command, index);
  return true;
}

void CommandProcessor::Run() {
  sim::ForgetEarlierFrames();
  for (;;) {
    wait(started_);
    bool goes_on = true;
    for (uint32_t first = 0; goes_on && first < count_; first += config_.batch) {
      goes_on = FetchBatch(first, std::min(config_.batch, count_ - first));
      for (uint32_t i = 0; goes_on && i < batch_.size(); ++i) {
        goes_on = Dispatch(batch_[i], first + i);
      }
    }
    job_.EndOfWords();
  }
}

}  // namespace nibble::accel
