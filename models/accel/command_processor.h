// Fetches the command words of a job from DRAM in batches and hands each to its engine's queue, in
// order. Words that no engine could take stop the job.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include "models/accel/config.h"
#include "models/sim_core/engine.h"
#include "models/sim_core/payload.h"

namespace nibble::accel {

class CommandProcessor : public sc_core::sc_module {
 public:
  CommandProcessor(const sc_core::sc_module_name& name, const sim::Clock& clock, sim::Job& job,
                   size_t layers, const FetchConfig& config,
                   const std::vector<sim::EngineModule*>& engines,
                   sim::Recorder* recorder = nullptr);

  tlm_utils::simple_initiator_socket<CommandProcessor> socket;

  // Begins a job of `count` words from `address`, of a program of `layers`. While none runs, on a
  // machine cycle.
  void Start(uint64_t address, uint32_t count, uint32_t layers);
  void RegisterCounters(sim::CounterRegistry& registry) const;

 private:
  struct Counters {
    uint64_t bytes = 0;
    uint64_t busy_cycles = 0;         // waiting for words from DRAM
    uint64_t stall_queue_cycles = 0;  // an engine's queue is full
  };
  void Run();
  // Both return false when the job is to end.
  bool FetchBatch(uint32_t first, uint32_t count);
  bool Dispatch(const sim::Command& command, uint32_t index);
  uint64_t AddressOf(uint32_t index) const {
    return address_ + uint64_t{index} * sim::kCommandBytes;
  }

  const sim::Clock& clock_;
  sim::Job& job_;
  FetchConfig config_;
  sim::Recorder* recorder_;
  uint8_t engine_mask_ = 0;
  sim::EngineModule* engines_[sim::kEngines] = {};
  sc_core::sc_event started_;
  uint64_t address_ = 0;
  uint32_t count_ = 0, layers_ = 0;
  std::vector<sim::Command> batch_;
  size_t layer_ = 0;  // of the last word dispatched: fetching is booked there
  sim::PayloadPool pool_;
  std::vector<Counters> rows_;
};

}  // namespace nibble::accel
