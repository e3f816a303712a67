#include "models/cpu/cpu_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/riscv/disassembler.h"
#include "models/sim_core/coroutine_stack.h"

namespace nibble::cpu {
namespace {

using riscv::BusReply;
using riscv::HartCounters;
using riscv::Interrupt;
using riscv::LocalDevices;
using riscv::Stop;
using sc_core::sc_time;
using Reason = riscv::Debugger::Reason;

constexpr uint64_t kNever = ~uint64_t{0};
// How often a sleeping core asks its debugger, in simulated time.
constexpr uint64_t kSleepPollPs = 10'000'000;

constexpr uint64_t HartCounters::*kMembers[] = {
    &HartCounters::instructions, &HartCounters::cycles,        &HartCounters::sleep_cycles,
    &HartCounters::stall_cycles, &HartCounters::data_accesses, &HartCounters::device_accesses,
    &HartCounters::exceptions,   &HartCounters::interrupts};

}  // namespace

CpuModule::CpuModule(const sc_core::sc_module_name& name, const CpuConfig& config,
                     std::ostream& console, size_t layers)
    : sc_module(name),
      socket("socket"),
      config_((config.Check(), config)),
      clock_(config.clock_mhz),
      quantum_ps_(uint64_t{config.quantum_ns} * 1000),
      tick_ps_(1'000'000'000 / config.timebase_khz),
      devices_(console),
      rows_(std::max<size_t>(layers, 1)) {
  SC_HAS_PROCESS(CpuModule);
  socket.register_invalidate_direct_mem_ptr(this, &CpuModule::InvalidateDirectPointer);
  payload_.set_byte_enable_ptr(nullptr);
  SC_THREAD(Run);
}

void CpuModule::Load(const riscv::ElfImage& image, const std::string& name) {
  for (const auto& segment : image.segments) {
    if (segment.address < config_.ram_base || uint64_t{segment.address} + segment.bytes.size() >
                                                  uint64_t{config_.ram_base} + config_.ram_bytes) {
      throw riscv::ElfError(
          fmt::format("{}: segment {:#x}..{:#x} is not within the RAM {:#x}..{:#x}", name,
                      segment.address, uint64_t{segment.address} + segment.bytes.size(),
                      config_.ram_base, uint64_t{config_.ram_base} + config_.ram_bytes));
    }
  }
  image_ = image;
  image_name_ = name;
}

void CpuModule::TraceTo(std::ostream& trace) { trace_ = &trace; }

void CpuModule::start_of_simulation() {
  tlm::tlm_dmi dmi;
  payload_.set_command(tlm::TLM_READ_COMMAND);
  payload_.set_address(config_.ram_base);
  payload_.set_data_length(4);
  const uint64_t last = uint64_t{config_.ram_base} + config_.ram_bytes - 1;
  if (!socket->get_direct_mem_ptr(payload_, dmi) || dmi.get_start_address() > config_.ram_base ||
      dmi.get_end_address() < last || !dmi.is_read_write_allowed()) {
    throw std::invalid_argument(fmt::format("{}: no memory grants direct access to {:#x}..{:#x}",
                                            name(), config_.ram_base, last));
  }
  uint8_t* const data = dmi.get_dmi_ptr() + (config_.ram_base - dmi.get_start_address());
  hart_.emplace(riscv::Ram{data, config_.ram_base, config_.ram_bytes},
                static_cast<riscv::Bus&>(*this));
  riscv::LoadElf(image_, hart_->ram(), image_name_);
  hart_->Reset(image_.segments.empty() ? config_.ram_base : image_.entry);
  hart_->SetInterrupt(Interrupt::kExternal, external_);
  if (trace_ != nullptr) {
    hart_->SetTrace([this](const riscv::Retired& r) { *trace_ << riscv::TraceLine(r) << '\n'; });
  }
}

void CpuModule::InvalidateDirectPointer(sc_dt::uint64 start, sc_dt::uint64 end) {
  // RAM stays where it is; what was decoded from it may be old.
  if (hart_ && start <= UINT32_MAX) {
    const uint64_t last = std::min<uint64_t>(end, UINT32_MAX);
    hart_->InvalidateCode(static_cast<uint32_t>(start), static_cast<uint32_t>(last - start + 1));
  }
}

void CpuModule::Run() {
  sim::ForgetEarlierFrames();
  bool alive = debugger_ == nullptr || !debugger_->Begin() || StopForDebugger(Reason::kAttached);
  while (alive && (stop_ == nullptr || !*stop_)) {
    const uint64_t horizon = Horizon();
    alive = Handle(hart_->Run(horizon));
    if (alive && debugger_ != nullptr && debugger_->WantsStop()) {
      alive = StopForDebugger(Reason::kInterrupt);
    }
  }
  Synchronise();
  SettleCounters();
  if (debugger_ != nullptr && exit_status()) debugger_->Exited(*exit_status());
  ended_.notify(sc_core::SC_ZERO_TIME);
}

bool CpuModule::Handle(Stop stop) {
  switch (stop) {
    case Stop::kBudget:
    case Stop::kSynchronise:
      return true;
    case Stop::kSleep:
      Sleep();
      return !killed_;
    case Stop::kExit:
      return false;
    case Stop::kBreakpoint:
      return StopForDebugger(Reason::kBreakpoint);
    case Stop::kEbreak:
      return StopAtEbreak();
    case Stop::kWatchpoint:
      return StopForDebugger(Reason::kWatchpoint);
    case Stop::kStep:
      return StopForDebugger(Reason::kStep);
  }
  return false;
}

bool CpuModule::StopForDebugger(Reason reason) {
  Synchronise();
  SettleCounters();
  hart_->EndStep();
  switch (debugger_->Stopped(*hart_, *this, reason)) {
    case riscv::Debugger::Resume::kStep:
      hart_->BeginStep();
      return true;
    case riscv::Debugger::Resume::kContinue:
      return true;
    case riscv::Debugger::Resume::kKill:
      killed_ = true;
      return false;
  }
  return true;
}

bool CpuModule::StopAtEbreak() {
  const uint32_t pc = hart_->state().pc;
  if (!StopForDebugger(Reason::kBreakpoint)) return false;
  if (hart_->state().pc != pc) return true;
  hart_->SkipEbreak();
  return !hart_->stepping() || StopForDebugger(Reason::kStep);
}

void CpuModule::Synchronise() {
  const uint64_t now = sc_core::sc_time_stamp().value(), local = NowPs();
  if (local <= now) return;
  if (timer_ != nullptr) {
    timer_->Wait(sc_time::from_value(local - now));
  } else {
    wait(sc_time::from_value(local - now));
  }
}

uint64_t CpuModule::Horizon() {
  for (bool caught_up = false;; caught_up = true) {
    // What others do at this very moment comes first.
    while (sc_core::sc_pending_activity_at_current_time()) wait(sc_core::SC_ZERO_TIME);
    UpdateTimer();
    const uint64_t now = sc_core::sc_time_stamp().value(), cycles = hart_->state().cycles;
    uint64_t ahead = quantum_ps_;
    if (sc_core::sc_pending_activity_at_future_time()) {
      ahead = std::min<uint64_t>(ahead, sc_core::sc_time_to_pending_activity().value());
    }
    const uint64_t horizon = std::min((now + ahead) / clock_.period_ps(), TimerCycle());
    if (horizon > cycles) return horizon;
    if (caught_up) return cycles + 1;  // something happens within this cycle
    Synchronise();
  }
}

void CpuModule::Sleep() {
  Synchronise();
  UpdateTimer();
  const uint32_t pc = hart_->state().pc;  // a debugger that moves it wants the core awake
  while (!hart_->WakesUp() && !killed_ && hart_->state().pc == pc) {
    const uint64_t now = sc_core::sc_time_stamp().value();
    const uint64_t timer = TimerCycle();
    uint64_t nap = timer == kNever ? kNever : timer * clock_.period_ps() - now;
    const bool debugged = debugger_ != nullptr && debugger_->attached();
    if (debugged && nap == kNever && !sc_core::sc_pending_activity()) {
      StopForDebugger(Reason::kAsleep);
      continue;
    }
    if (debugged) nap = std::min(nap, kSleepPollPs);
    if (nap == kNever) {
      wait(interrupt_);
    } else if (timer_ != nullptr) {
      timer_->Wait(sc_time::from_value(nap), interrupt_);
    } else {
      wait(sc_time::from_value(nap), interrupt_);
    }
    const uint64_t cycle = clock_.CyclesUp(sc_core::sc_time_stamp().value());
    if (cycle > hart_->state().cycles) hart_->Sleep(cycle - hart_->state().cycles);
    UpdateTimer();
    if (debugger_ != nullptr && !hart_->WakesUp() && debugger_->WantsStop()) {
      StopForDebugger(Reason::kInterrupt);
    }
  }
}

void CpuModule::UpdateTimer() {
  hart_->SetInterrupt(Interrupt::kTimer, devices_.timer_interrupt(Time()));
}

uint64_t CpuModule::TimerCycle() const {
  const uint64_t compare = devices_.mtimecmp();
  if (compare > kNever / tick_ps_) return kNever;
  const uint64_t cycle = clock_.CyclesUp(compare * tick_ps_);
  return cycle > hart_->state().cycles ? cycle : kNever;  // raised already
}

uint64_t CpuModule::Time() { return NowPs() / tick_ps_; }

void CpuModule::SetExternalInterrupt(bool level) {
  external_ = level;
  if (!hart_) return;  // before the start
  hart_->SetInterrupt(Interrupt::kExternal, level);
  if (level) interrupt_.notify();
}

BusReply CpuModule::Load(uint32_t address, uint32_t bytes, uint32_t& value) {
  if (!LocalDevices::Has(address)) {
    return Transact(tlm::TLM_READ_COMMAND, address, bytes, value);
  }
  return {devices_.Load(address, bytes, Time(), value), BusReply::Then::kGoOn, 0};
}

BusReply CpuModule::Store(uint32_t address, uint32_t bytes, uint32_t value) {
  if (!LocalDevices::Has(address)) {
    return Transact(tlm::TLM_WRITE_COMMAND, address, bytes, value);
  }
  const bool ok = devices_.Store(address, bytes, value);
  hart_->SetInterrupt(Interrupt::kSoftware, devices_.software_interrupt());
  UpdateTimer();
  // mtimecmp may have moved the horizon.
  const bool console = address == LocalDevices::kConsoleData;
  return {ok,
          exit_status() ? BusReply::Then::kExit
          : console     ? BusReply::Then::kGoOn
                        : BusReply::Then::kSynchronise,
          0};
}

BusReply CpuModule::Transact(tlm::tlm_command command, uint32_t address, uint32_t bytes,
                             uint32_t& value) {
  Synchronise();
  payload_.set_command(command);
  payload_.set_address(address);
  payload_.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
  payload_.set_data_length(bytes);
  payload_.set_streaming_width(bytes);
  payload_.set_dmi_allowed(false);
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  if (command == tlm::TLM_READ_COMMAND) value = 0;
  sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload_, delay);
  const uint64_t done = sc_core::sc_time_stamp().value() + delay.value(), begun = NowPs();
  const uint64_t stall = done > begun ? clock_.CyclesUp(done - begun) : 0;
  // The target may have scheduled what comes before the horizon.
  return {payload_.is_response_ok(), BusReply::Then::kSynchronise, stall};
}

bool CpuModule::DebugAccess(tlm::tlm_command command, uint32_t address, uint8_t* data,
                            uint32_t bytes) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data);
  payload.set_data_length(bytes);
  payload.set_streaming_width(bytes);
  return socket->transport_dbg(payload) == bytes;
}

bool CpuModule::DebugRead(uint32_t address, uint8_t* to, uint32_t bytes) {
  if (!LocalDevices::Has(address)) return DebugAccess(tlm::TLM_READ_COMMAND, address, to, bytes);
  for (uint32_t k = 0; k < bytes; ++k) {
    const uint32_t at = address + k;
    uint32_t value = 0;
    if (devices_.Load(at, 1, Time(), value)) {
      to[k] = static_cast<uint8_t>(value);
    } else if (devices_.Load(at & ~3u, 4, Time(), value)) {
      to[k] = static_cast<uint8_t>(value >> 8 * (at % 4));
    } else {
      return false;
    }
  }
  return true;
}

bool CpuModule::DebugWrite(uint32_t address, const uint8_t* from, uint32_t bytes) {
  if (LocalDevices::Has(address)) return false;
  return DebugAccess(tlm::TLM_WRITE_COMMAND, address, const_cast<uint8_t*>(from), bytes);
}

std::string CpuModule::DebugStats() {
  const HartCounters c = hart_->counters();
  return fmt::format(
      "time {} ns\ninstructions {}\ncycles {}\nsleep cycles {}\nstall cycles {}\n"
      "data accesses {}\ndevice accesses {}\nexceptions {}\ninterrupts {}\nenergy {:.0f} pJ\n",
      NowPs() / 1000, c.instructions, c.cycles, c.sleep_cycles, c.stall_cycles, c.data_accesses,
      c.device_accesses, c.exceptions, c.interrupts, riscv::EnergyPj(c));
}

void CpuModule::SetLayer(size_t layer) {
  SettleCounters();
  layer_ = std::min(layer, rows_.size() - 1);
}

void CpuModule::SettleCounters() {
  if (!hart_) return;
  const HartCounters now = hart_->counters();
  for (const auto member : kMembers) rows_[layer_].*member += now.*member - settled_.*member;
  settled_ = now;
}

HartCounters CpuModule::counters() const { return hart_ ? hart_->counters() : HartCounters(); }

void CpuModule::RegisterCounters(sim::CounterRegistry& registry) const {
  registry.Register<HartCounters>(
      "cpu", rows_,
      {{"instructions", "1", "instructions retired by the control processor",
        &HartCounters::instructions, true},
       {"busy_cycles", "cycles", "awake, in cycles of its own clock", &HartCounters::cycles},
       {"sleep_cycles", "cycles", "asleep in wfi", &HartCounters::sleep_cycles},
       {"stall_cycles", "cycles", "of busy_cycles: waiting for a device",
        &HartCounters::stall_cycles},
       {"data_accesses", "1", "loads, stores and atomic operations", &HartCounters::data_accesses,
        true},
       {"device_accesses", "1", "of data_accesses: outside its RAM",
        &HartCounters::device_accesses},
       {"exceptions", "1", "traps that instructions caused", &HartCounters::exceptions},
       {"interrupts", "1", "interrupts taken", &HartCounters::interrupts}});
}

}  // namespace nibble::cpu
