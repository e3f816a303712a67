#include "platforms/control_processor.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/sim_core/run_kernel.h"

namespace nibble::platforms {
namespace {

sc_core::sc_time ReadLatency(const memory::DramDevice& dram) {
  return sc_core::sc_time::from_value((dram.rcd + dram.cl + dram.burst) * dram.tck_ps);
}

}  // namespace

ControlProcessor::ControlProcessor(const sc_core::sc_module_name& name, const DesignPoint& design,
                                   const CoreFirmware& firmware, control::ControlBlock& control,
                                   memory::SparseMemory& memory, const std::atomic<bool>* stop)
    : sc_module(name),
      name_(firmware.name),
      board_(design.cpu, firmware.console != nullptr ? *firmware.console : silence_),
      dram_("dram_window", memory, ReadLatency(design.dram)) {
  const uint64_t visible = std::min<uint64_t>(memory.size(), (uint64_t{1} << 32) - kDramWindow);
  board_.router.Map("registers", kRegisterWindow, control::kBlockBytes, control.socket);
  board_.router.Map("dram", kDramWindow, visible, dram_.socket);
  board_.cpu.Load(firmware.image, firmware.name);
  if (firmware.instructions != nullptr) board_.cpu.TraceTo(*firmware.instructions);
  if (firmware.debugger != nullptr) board_.cpu.Attach(*firmware.debugger);
  if (stop != nullptr) board_.cpu.StopWhen(*stop);
  board_.cpu.WaitBy(timer_);
  control.OnInterrupt([this](bool level) { board_.cpu.SetExternalInterrupt(level); });
  sc_core::sc_spawn_options end;
  end.spawn_method();
  end.set_sensitivity(&board_.cpu.ended());
  end.dont_initialize();
  sc_core::sc_spawn(sim::StopKernel, "end", &end);
}

std::optional<int> ControlProcessor::status() const {
  if (!board_.cpu.exit_status()) return std::nullopt;
  return static_cast<int>(*board_.cpu.exit_status());
}

std::string ControlProcessor::Ending() const {
  if (board_.cpu.killed()) return name_ + ": killed by the debugger";
  return fmt::format("{}: sleeps in wfi before {:#x}, and nothing is left to wake it", name_,
                     board_.cpu.hart().state().pc);
}

CoreOutcome ControlProcessor::Outcome() const {
  CoreOutcome outcome;
  sim::CounterRegistry registry;
  board_.cpu.RegisterCounters(registry);
  for (const auto& column : registry.columns()) {
    outcome.counters.push_back(column.info);
    outcome.values.push_back(column.read(0));
  }
  outcome.energy_pj = riscv::EnergyPj(board_.cpu.counters());
  return outcome;
}

}  // namespace nibble::platforms
