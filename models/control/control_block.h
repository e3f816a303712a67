// The register block of a machine: takes jobs from the ring in DRAM, one after the other, and tells
// the host how they went.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <functional>
#include <systemc>

#include "models/control/register_file.h"
#include "models/memory/sparse_memory.h"
#include "models/sim_core/clock.h"
#include "models/sim_core/job.h"
#include "models/sim_core/recorder.h"

namespace nibble::control {

// Events since power-on.
struct MachineCounts {
  uint64_t commands = 0;
  uint64_t read_bytes = 0, write_bytes = 0;  // over the DRAM's pins
  uint64_t busy_cycles[sim::kEngines] = {};
};

// What the block drives.
class Executor {
 public:
  virtual ~Executor() = default;
  // Begins a job; on a machine cycle, while none runs. The descriptor has been checked.
  virtual void BeginJob(const JobDescriptor& descriptor) = 0;
  // The job is over, done or stopped; no engine works.
  virtual void EndJob() = 0;
  virtual MachineCounts Counts() const = 0;
};

// Approximate: descriptors are read from DRAM in no time and without traffic (32 bytes a job).
class ControlBlock : public sc_core::sc_module {
 public:
  // `job` and `executor` are those of the machine; `dram` its memory.
  ControlBlock(const sc_core::sc_module_name& name, const sim::Clock& clock, sim::Job& job,
               const memory::SparseMemory& dram, const Capabilities& capabilities,
               Executor& executor);

  // Registers at offsets from 0. An access takes kAccessCycles. An illegal one is answered with
  // TLM_OK_RESPONSE, reads as 0, and is an error for the host to see (ERROR_CODE). Initiators that
  // run ahead of the kernel catch up before they ask. Debug transport reads without effects and
  // does not write.
  tlm_utils::simple_target_socket<ControlBlock> socket;
  static constexpr uint64_t kAccessCycles = 2;  // setup and access of an APB transfer

  // Called at each change of the interrupt line, immediately.
  void OnInterrupt(std::function<void(bool)> changed) { interrupt_changed_ = std::move(changed); }
  bool interrupt() const { return interrupt_; }
  uint64_t accesses() const { return accesses_; }  // transactions so far, illegal ones included
  // Changes of the line from now on are reported to `recorder`, unless null.
  void Record(sim::Recorder* recorder) { recorder_ = recorder; }

  // By the machine: a layer of the job is complete.
  void LayerDone(uint32_t layer);
  // By whoever loads programs, before the simulation starts (BOOT).
  void SetBoot(uint64_t address) { registers_.SetPair(kBootLo, address); }

  // For people, after an error: what the engine said of it.
  const std::string& detail() const { return job_.detail(); }

 private:
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned DebugTransport(tlm::tlm_generic_payload& payload);
  void ConnectRing();
  void ConnectCounters(uint8_t engines);

  bool enabled() const { return registers_.value(kControl) & kControlEnable; }
  void CheckRing();
  // kNone, or what is wrong with the descriptor.
  sim::FaultCode CheckDescriptor(const JobDescriptor& descriptor) const;
  uint64_t SlotAddress(uint32_t index) const;
  uint64_t Cycle() const;  // since power-on

  // The next job, or the end of a reset, if it is time for either.
  void Proceed();
  void BeginNext();
  void JobEnded();
  void RequestReset();
  void FinishReset();
  void Watch();  // the watchdog
  void Rearm();

  // An access that breaks a rule; the first since ERROR was cleared counts.
  void Refuse(sim::FaultCode code, uint64_t offset);
  // Stops the machine until a soft reset.
  void Fail(const sim::Fault& fault);
  void Report(const sim::Fault& fault);
  void UpdateStatus();
  void Raise(uint32_t events);
  void UpdateInterrupt();

  const sim::Clock& clock_;
  sim::Job& job_;
  const memory::SparseMemory& dram_;
  Executor& executor_;
  RegisterFile registers_;
  std::function<void(bool)> interrupt_changed_;
  sim::Recorder* recorder_ = nullptr;
  bool interrupt_ = false, stopped_ = false, resetting_ = false;
  sc_core::sc_event proceed_, watch_;
  JobDescriptor present_;
  uint64_t begin_ = 0, job_cycles_ = 0, accesses_ = 0;
  MachineCounts zero_;  // at the last reset
};

}  // namespace nibble::control
