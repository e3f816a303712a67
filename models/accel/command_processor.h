// Fetches command words from DRAM in batches and hands each to its engine's queue, in order.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include "models/accel/config.h"
#include "models/sim_core/engine.h"
#include "models/sim_core/payload.h"

namespace nibble::accel {

class CommandProcessor : public sc_core::sc_module {
 public:
  CommandProcessor(const sc_core::sc_module_name& name, const sim::Clock& clock, size_t layers,
                   const FetchConfig& config, const std::vector<sim::EngineModule*>& engines,
                   sim::Recorder* recorder = nullptr);

  tlm_utils::simple_initiator_socket<CommandProcessor> socket;

  // Runs `count` words from `address`; call before the simulation starts.
  void Start(uint64_t address, uint64_t count);
  void RegisterCounters(sim::CounterRegistry& registry) const;

 private:
  struct Counters {
    uint64_t bytes = 0;
    uint64_t busy_cycles = 0;         // waiting for words from DRAM
    uint64_t stall_queue_cycles = 0;  // an engine's queue is full
  };
  void Run();
  void FetchBatch(uint64_t first, uint64_t count);
  void Dispatch(const sim::Command& command);

  const sim::Clock& clock_;
  FetchConfig config_;
  sim::EngineModule* engines_[sim::kEngines] = {};
  sim::Recorder* recorder_;
  uint64_t address_ = 0, count_ = 0;
  std::vector<sim::Command> batch_;
  size_t layer_ = 0;  // of the last word dispatched: fetching is booked there
  sim::PayloadPool pool_;
  std::vector<Counters> rows_;
};

}  // namespace nibble::accel
