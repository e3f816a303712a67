// A DMA engine: executes Copy words between DRAM and the scratchpads, in one direction; the store
// engine also moves tiles from the output SRAM to the activation SRAM.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include "models/accel/config.h"
#include "models/accel/scratchpads.h"
#include "models/sim_core/engine.h"
#include "models/sim_core/payload.h"

namespace nibble::accel {

class DmaEngine : public sim::EngineModule {
 public:
  // `engine` is kLoad or kStore. `layer_done(layer)` is called when a word marked kEndOfLayer has
  // completed.
  DmaEngine(const sc_core::sc_module_name& name, sim::Engine engine, const Context& context,
            const DmaConfig& config, Scratchpads& scratchpads, bool timing_only,
            std::function<void(size_t)> layer_done = nullptr);

  tlm_utils::simple_initiator_socket<DmaEngine> socket;

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;

 private:
  struct Counters {
    uint64_t bytes = 0, transactions = 0, moved_bytes = 0;
  };
  sim::Fault Check(const sim::Command& command) const override;
  void Execute(const sim::Command& command) override;
  void CopyTile(const sim::Command& command);
  void MoveTile(const sim::Command& command);
  memory::SramPort::User user() const {
    return is_store_ ? memory::SramPort::kStore : memory::SramPort::kLoad;
  }
  // Sends one transaction; returns the machine cycle at which its last byte has moved. Stops the
  // job when its address lies outside the memory.
  uint64_t Transport(const sim::Command& command, uint64_t dram, uint32_t sram_offset,
                     uint32_t rows, uint32_t row_bytes);

  bool is_store_;
  DmaConfig config_;
  Scratchpads& scratchpads_;
  bool timing_only_;
  std::function<void(size_t)> layer_done_;
  sim::PayloadPool pool_;
  std::vector<Counters> rows_;
};

}  // namespace nibble::accel
