// The all-bank controller and the compute units beside the banks: convolves activations that are
// broadcast over the data bus with weights that stay in the banks' rows; sums are read back into
// the host's accumulator SRAM.
//
// A run occupies all channels batch by batch (bank_cost.h). Whatever the host asks of the memory
// during a batch waits for its end, and goes before the next batch; the channels are switched out
// of all-bank mode for it and back. So loads for the next tile interleave with the batches of this
// one. That the host gets through at every end of a batch, and never within one, is approximate: a
// controller could let it in between any two rows. Refreshes that fall due within a batch lengthen
// it (memory/dram.h).
#pragma once

#include "models/accel/compute.h"
#include "models/accel/scratchpads.h"
#include "models/memory/dram_target.h"
#include "models/nearmem/bank_cost.h"
#include "models/sim_core/engine.h"

namespace nibble::nearmem {

class BankEngine : public sim::EngineModule {
 public:
  BankEngine(const sc_core::sc_module_name& name, const Context& context,
             const NearmemConfig& config, const accel::ComputeSetup& compute,
             memory::DramTarget& memory, accel::Scratchpads& scratchpads);

  void RegisterCounters(sim::CounterRegistry& registry,
                        const std::vector<sim::Engine>& peers) const;
  // As ComputeUnit's.
  void ExpectZerosOf(const sim::Program& program) { compute_.ExpectZerosOf(program); }
  void BreakDatapath() { compute_.BreakNext(); }  // test hook

 private:
  struct Counters {
    uint64_t slots = 0, buffer_read_bytes = 0, buffer_writes = 0;
    uint64_t io_reads = 0, io_writes = 0;
    uint64_t batches = 0, mode_switches = 0, wait_memory_cycles = 0;
  };
  void BeginJob() override;
  sim::Fault Check(const sim::Command& command) const override;
  sim::Fault CheckConfig(const sim::Geometry& geometry) const;
  void Execute(const sim::Command& command) override;
  BankLayout Layout() const;
  void LoadWeights(const sim::Convolve& run);
  void RunBatch(const BankCost& batch, size_t layer);

  NearmemConfig config_;
  memory::DramTarget& memory_;
  accel::Scratchpads& scratchpads_;
  accel::ComputeUnit compute_;
  bool configured_ = false;         // by this job
  uint64_t host_transactions_ = 0;  // the host's, when the channels were last in all-bank mode
  // The weights that the unit holds: tiles of a layer follow each other on the same rows,
  // which nothing writes.
  struct {
    bool valid = false;
    uint16_t bank_row = 0, channel = 0, channels = 0;
  } held_;
  std::vector<Counters> rows_;
};

}  // namespace nibble::nearmem
