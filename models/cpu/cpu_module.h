// The RISC-V core in SystemC: runs ahead of the kernel as far as nobody can notice, and is on time
// whenever it touches a device.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <atomic>
#include <optional>
#include <ostream>
#include <string>
#include <systemc>
#include <vector>

#include "models/cpu/cpu_config.h"
#include "models/riscv/debugger.h"
#include "models/riscv/elf_file.h"
#include "models/riscv/hart.h"
#include "models/riscv/local_devices.h"
#include "models/sim_core/clock.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/run_kernel.h"

namespace nibble::cpu {

// Time. The core executes up to the next event that the kernel has scheduled, the timer interrupt
// or the quantum, whichever is first, and then waits for the kernel to catch up. Before each
// transaction it catches up, too, so that targets see the right time. Only an event that is
// notified without a transaction of the core, and without having been scheduled, finds it ahead.
//
// Memory. RAM must grant direct access at config.ram_base; the local devices (riscv::LocalDevices)
// are within; every other load and store is a transaction of 1, 2 or 4 bytes, aligned, on `socket`.
// Any response but TLM_OK_RESPONSE is an access fault of the instruction.
class CpuModule : public sc_core::sc_module, private riscv::Bus, private riscv::DebugMemory {
 public:
  // `console` gets what the firmware prints. `layers`: rows of the counters. Throws
  // std::invalid_argument as CpuConfig::Check() does.
  CpuModule(const sc_core::sc_module_name& name, const CpuConfig& config, std::ostream& console,
            size_t layers = 1);

  tlm_utils::simple_initiator_socket<CpuModule> socket;

  // --- Before the simulation starts ---
  // The program, to be in RAM when it starts. Throws riscv::ElfError when it is not within; `name`
  // is for that message.
  void Load(const riscv::ElfImage& image, const std::string& name);
  // A line of text for each executed instruction (riscv::TraceLine); slower.
  void TraceTo(std::ostream& trace);
  // Must outlive the simulation; slower only while it is attached.
  void Attach(riscv::Debugger& debugger) { debugger_ = &debugger; }
  // Set by somebody outside of the simulation, a signal handler for example: the core ends.
  void StopWhen(const std::atomic<bool>& stop) { stop_ = &stop; }
  // Its time passes by `timer`, which must outlive the simulation; without: by SystemC's waits.
  void WaitBy(sim::DriverTimer& timer) { timer_ = &timer; }

  // --- While it runs ---
  // The external interrupt line, level sensitive; immediate. From any process, or before.
  void SetExternalInterrupt(bool level);
  // Counts from now on go to this row.
  void SetLayer(size_t layer);
  // Once the firmware has written to the exit device.
  const std::optional<uint32_t>& exit_status() const { return devices_.exit_status(); }
  // Whether a debugger has ended the program.
  bool killed() const { return killed_; }
  // Notified when the core executes no more: it has exited, was killed or stopped.
  const sc_core::sc_event& ended() const { return ended_; }

  // --- Results ---
  // "cpu.instructions" ... in rows by layer. Prices: riscv::EnergyPrices().
  void RegisterCounters(sim::CounterRegistry& registry) const;
  // Sums over all layers.
  riscv::HartCounters counters() const;
  // Catches rows up with the hart; RegisterCounters()'s values are right after it, and at the end.
  void SettleCounters();
  // Only once the simulation has started.
  const riscv::Hart& hart() const { return *hart_; }

 private:
  // riscv::Bus
  riscv::BusReply Load(uint32_t address, uint32_t bytes, uint32_t& value) override;
  riscv::BusReply Store(uint32_t address, uint32_t bytes, uint32_t value) override;
  uint64_t Time() override;
  riscv::BusReply Transact(tlm::tlm_command command, uint32_t address, uint32_t bytes,
                           uint32_t& value);
  // riscv::DebugMemory
  bool DebugRead(uint32_t address, uint8_t* to, uint32_t bytes) override;
  bool DebugWrite(uint32_t address, const uint8_t* from, uint32_t bytes) override;
  std::string DebugStats() override;
  bool DebugAccess(tlm::tlm_command command, uint32_t address, uint8_t* data, uint32_t bytes);

  void start_of_simulation() override;
  void InvalidateDirectPointer(sc_dt::uint64 start, sc_dt::uint64 end);
  void Run();
  // False when the program has ended.
  bool Handle(riscv::Stop stop);
  bool StopForDebugger(riscv::Debugger::Reason reason);
  // An ebreak that is compiled in: unless the debugger moves pc, the program goes on behind it.
  bool StopAtEbreak();
  // Lets the kernel catch up with the core.
  void Synchronise();
  // The cycle up to which the core may run, beyond the present one; catches up when it must.
  uint64_t Horizon();
  // Time passes until an interrupt is pending, or the debugger ends the sleep.
  void Sleep();
  void UpdateTimer();
  // First cycle at which the timer interrupt is raised; far away when it never is.
  uint64_t TimerCycle() const;
  uint64_t NowPs() const { return hart_->state().cycles * clock_.period_ps(); }

  CpuConfig config_;
  sim::Clock clock_;
  uint64_t quantum_ps_, tick_ps_;  // tick_ps_: of mtime
  riscv::LocalDevices devices_;
  std::optional<riscv::Hart> hart_;  // once RAM's direct pointer is known
  riscv::ElfImage image_;
  std::string image_name_;
  std::ostream* trace_ = nullptr;
  riscv::Debugger* debugger_ = nullptr;
  const std::atomic<bool>* stop_ = nullptr;
  bool killed_ = false;
  bool external_ = false;  // the interrupt line
  sc_core::sc_event interrupt_, ended_;
  sim::DriverTimer* timer_ = nullptr;
  tlm::tlm_generic_payload payload_;

  size_t layer_ = 0;
  std::vector<riscv::HartCounters> rows_;
  riscv::HartCounters settled_;  // of the hart's counters: what is in the rows
};

}  // namespace nibble::cpu
