// The control processor of a machine: a RISC-V core with the machine's registers and memory on its
// bus.
#pragma once

#include <atomic>
#include <optional>
#include <ostream>
#include <string>
#include <systemc>

#include "models/control/control_block.h"
#include "models/cpu/board.h"
#include "models/memory/memory_window.h"
#include "platforms/design_point.h"

namespace nibble::platforms {

// A program for the core. What is pointed to must outlive the run.
struct CoreFirmware {
  riscv::ElfImage image;
  std::string name;                      // for messages
  std::ostream* console = nullptr;       // gets what it prints; none: nobody
  std::ostream* instructions = nullptr;  // gets a line for each executed instruction
  riscv::Debugger* debugger = nullptr;
};

// What the core did from power-on to its end. Not part of sim::RunStats: those counts are of one
// job, and the core works before and after it, at a clock of its own.
struct CoreOutcome {
  std::vector<sim::CounterInfo> counters;
  std::vector<uint64_t> values;  // of each counter
  double energy_pj = 0;          // by riscv::EnergyPrices()
};

// The core's memory map, besides its RAM and local devices (docs/cpu.md); sw/firmware's
// nibble_board.h says the same to firmware.
inline constexpr uint32_t kRegisterWindow = 0x40000000;
inline constexpr uint32_t kDramWindow = 0xA0000000;  // the DRAM from its address 0, to 2^32

// The simulation ends with the firmware.
//
// Approximate: the core's loads and stores to DRAM take as long as a read that has to open its row
// (tRCD + CL + burst), and no part in the machine's schedule and traffic.
class ControlProcessor : public sc_core::sc_module {
 public:
  // Throws riscv::ElfError when the program is not within the RAM.
  ControlProcessor(const sc_core::sc_module_name& name, const DesignPoint& design,
                   const CoreFirmware& firmware, control::ControlBlock& control,
                   memory::SparseMemory& memory, const std::atomic<bool>* stop);

  // What the firmware has ended with; nothing while it runs.
  std::optional<int> status() const;
  // Why there is no status once the simulation is over.
  std::string Ending() const;
  CoreOutcome Outcome() const;
  // What its time passes by: for sim::RunKernel.
  sim::DriverTimer& timer() { return timer_; }

 private:
  std::ostream silence_{nullptr};
  std::string name_;
  sim::DriverTimer timer_;
  cpu::Board board_;
  memory::MemoryWindow dram_;
};

}  // namespace nibble::platforms
