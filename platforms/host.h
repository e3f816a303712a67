// The host of a machine as a SystemC module: one process that runs a HostProgram.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <atomic>
#include <optional>
#include <systemc>
#include <vector>

#include "models/control/control_block.h"
#include "models/memory/sparse_memory.h"
#include "models/sim_core/program.h"
#include "models/sim_core/run_kernel.h"
#include "platforms/host_port.h"

namespace nibble::platforms {

class Host : public sc_core::sc_module, public HostPort {
 public:
  // Once `stop` is set, if there is one, the simulation ends at the next access of a register.
  Host(const sc_core::sc_module_name& name, HostProgram program, control::ControlBlock& control,
       memory::SparseMemory& memory, const std::atomic<bool>* stop);

  tlm_utils::simple_initiator_socket<Host> socket;

  // What the program returned; nothing while it waits.
  const std::optional<int>& status() const { return status_; }
  // What its time passes by: for sim::RunKernel.
  sim::DriverTimer& timer() { return timer_; }

  uint32_t Read32(uint32_t offset) override;
  void Write32(uint32_t offset, uint32_t value) override;
  void Access(uint64_t offset, uint8_t* data, uint32_t bytes, bool write) override;
  bool interrupt() const override { return control_.interrupt(); }
  void WaitForInterrupt() override;
  void ReadMemory(uint64_t address, void* to, uint64_t bytes) override;
  void WriteMemory(uint64_t address, const void* from, uint64_t bytes) override;

 private:
  void Run();
  bool InMemory(uint64_t address, uint64_t bytes) const {
    return address <= memory_.size() && bytes <= memory_.size() - address;
  }

  HostProgram program_;
  control::ControlBlock& control_;
  memory::SparseMemory& memory_;
  const std::atomic<bool>* stop_;
  sc_core::sc_event interrupt_raised_;
  sim::DriverTimer timer_;
  tlm::tlm_generic_payload payload_;
  std::optional<int> status_;
};

// The built-in program: puts a job for each program into a ring in the memory that the first leaves
// free, so that they run back to back, and waits for the last. 0, or ERROR_CODE.
HostProgram RunEach(const std::vector<const sim::Program*>& programs);

}  // namespace nibble::platforms
