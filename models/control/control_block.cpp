#include "models/control/control_block.h"

#include <cstring>

namespace nibble::control {

using sim::Fault;
using sim::FaultCode;

ControlBlock::ControlBlock(const sc_core::sc_module_name& name, const sim::Clock& clock,
                           sim::Job& job, const memory::SparseMemory& dram,
                           const Capabilities& capabilities, Executor& executor)
    : sc_module(name),
      socket("socket"),
      clock_(clock),
      job_(job),
      dram_(dram),
      executor_(executor),
      registers_(MakeRegisterMap(capabilities)) {
  socket.register_b_transport(this, &ControlBlock::Transport);
  socket.register_transport_dbg(this, &ControlBlock::DebugTransport);
  ConnectRing();
  ConnectCounters(capabilities.engines);
  job_.OnEnd([this] { JobEnded(); });
  SC_HAS_PROCESS(ControlBlock);
  SC_METHOD(Proceed);
  sensitive << proceed_;
  dont_initialize();
  SC_METHOD(Watch);
  sensitive << watch_;
  dont_initialize();
}

void ControlBlock::ConnectRing() {
  for (const uint32_t offset : {kRingBaseLo, kRingBaseHi, kRingSize}) {
    registers_.OnWrite(offset, [this](uint32_t) {
      return enabled() ? FaultCode::kBusyRegister : FaultCode::kNone;
    });
  }
  for (const uint32_t offset : {kControl, kRingTail}) {
    registers_.AfterWrite(offset, [this] {
      if (enabled()) CheckRing();
      proceed_.notify(sc_core::SC_ZERO_TIME);
    });
  }
  registers_.OnWrite(kReset, [this](uint32_t value) {
    if (value & kResetRequest) RequestReset();
    return FaultCode::kNone;
  });
  registers_.AfterWrite(kWatchdog, [this] { Rearm(); });
  registers_.AfterWrite(kIntStatus, [this] { UpdateInterrupt(); });
  registers_.AfterWrite(kIntEnable, [this] { UpdateInterrupt(); });
}

void ControlBlock::ConnectCounters(uint8_t engines) {
  registers_.LatchPair(kCycleLo, [this] { return Cycle(); });
  registers_.LatchPair(
      kJobCyclesLo, [this] { return job_cycles_ + (job_.running() ? clock_.Now() - begin_ : 0); });
  const auto connect = [this](uint32_t low, uint64_t MachineCounts::*count) {
    registers_.LatchPair(low, [this, count] { return executor_.Counts().*count - zero_.*count; });
  };
  connect(kCommandsLo, &MachineCounts::commands);
  connect(kReadBytesLo, &MachineCounts::read_bytes);
  connect(kWriteBytesLo, &MachineCounts::write_bytes);
  for (int e = 0; e < sim::kEngines; ++e) {
    const auto engine = static_cast<sim::Engine>(e);
    if (!(engines & sim::EngineBit(engine))) continue;
    registers_.LatchPair(BusyLo(engine), [this, e] {
      return executor_.Counts().busy_cycles[e] - zero_.busy_cycles[e];
    });
  }
}

void ControlBlock::Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  ++accesses_;
  const uint64_t offset = payload.get_address();
  uint32_t bytes = payload.get_data_length();
  if (payload.get_byte_enable_ptr() != nullptr) bytes = 0;  // no part of a register
  uint32_t value = 0;
  FaultCode broken = FaultCode::kNone;
  if (payload.is_write()) {
    if (bytes == sizeof(value)) std::memcpy(&value, payload.get_data_ptr(), sizeof(value));
    broken = registers_.Write(offset, bytes, value);
  } else if (payload.is_read()) {
    broken = registers_.Read(offset, bytes, &value);
    std::memset(payload.get_data_ptr(), 0, payload.get_data_length());
    if (broken == FaultCode::kNone) std::memcpy(payload.get_data_ptr(), &value, sizeof(value));
  }
  if (broken != FaultCode::kNone) Refuse(broken, offset);
  delay += clock_.Time(kAccessCycles);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

unsigned ControlBlock::DebugTransport(tlm::tlm_generic_payload& payload) {
  if (!payload.is_read()) return 0;
  const uint64_t first = payload.get_address();
  for (unsigned i = 0; i < payload.get_data_length(); ++i) {
    const uint64_t offset = first + i;
    payload.get_data_ptr()[i] =
        static_cast<uint8_t>(registers_.Peek(offset / 4 * 4) >> offset % 4 * 8);
  }
  return payload.get_data_length();
}

uint64_t ControlBlock::Cycle() const {
  return sc_core::sc_time_stamp().value() / clock_.period_ps();
}

void ControlBlock::CheckRing() {
  const uint64_t base = registers_.pair(kRingBaseLo), size = registers_.value(kRingSize);
  if (size == 0 || size > kLargestRing || (size & (size - 1)) != 0) {
    Fail({FaultCode::kRingSize, 0, kRingSize});
    return;
  }
  const uint64_t bytes = size * kDescriptorBytes;
  if (base % kDescriptorBytes != 0 || base > dram_.size() || bytes > dram_.size() - base) {
    Fail({FaultCode::kRingBase, 0, base});
    return;
  }
  if (registers_.value(kRingTail) - registers_.value(kRingHead) > size) {
    Fail({FaultCode::kRingOverrun, 0, kRingTail});
  }
}

uint64_t ControlBlock::SlotAddress(uint32_t index) const {
  const uint32_t slot = index & (registers_.value(kRingSize) - 1);
  return registers_.pair(kRingBaseLo) + uint64_t{slot} * kDescriptorBytes;
}

FaultCode ControlBlock::CheckDescriptor(const JobDescriptor& d) const {
  const bool reserved =
      d.reserved[0] != 0 || d.reserved[1] != 0 || (d.flags & ~kInterruptWhenDone) != 0;
  if (reserved || d.count == 0 || d.layers == 0 || d.layers > registers_.value(kLayers) ||
      d.commands % sim::kCommandBytes != 0) {
    return FaultCode::kDescriptor;
  }
  const uint64_t bytes = uint64_t{d.count} * sim::kCommandBytes;
  if (d.commands > dram_.size() || bytes > dram_.size() - d.commands) {
    return FaultCode::kCommandMemory;
  }
  return FaultCode::kNone;
}

void ControlBlock::Proceed() {
  if (job_.running()) return;
  if (resetting_) FinishReset();
  if (stopped_ || !enabled() || registers_.value(kRingHead) == registers_.value(kRingTail)) return;
  const sc_core::sc_time edge = clock_.ToEdge();
  if (edge > sc_core::SC_ZERO_TIME) {
    proceed_.notify(edge);
    return;
  }
  BeginNext();
}

void ControlBlock::BeginNext() {
  const uint64_t slot = SlotAddress(registers_.value(kRingHead));
  dram_.Read(slot, &present_, sizeof(present_));
  const FaultCode wrong = CheckDescriptor(present_);
  if (wrong != FaultCode::kNone) {
    Fail({wrong, 0, wrong == FaultCode::kCommandMemory ? present_.commands : slot});
    return;
  }
  registers_.Set(kLastLayer, kNoLayer);
  executor_.BeginJob(present_);
  begin_ = clock_.Now();
  Rearm();
  UpdateStatus();
}

void ControlBlock::JobEnded() {
  watch_.cancel();
  executor_.EndJob();
  job_cycles_ += clock_.Now() - begin_;
  UpdateStatus();
  if (job_.fault()) {
    Fail(job_.fault());
  } else if (!job_.stopped()) {
    registers_.Set(kRingHead, registers_.value(kRingHead) + 1);
    registers_.Set(kLastTag, present_.tag);
    registers_.Set(kJobsDone, registers_.value(kJobsDone) + 1);
    if (present_.flags & kInterruptWhenDone) Raise(kInterruptDone);
  }
  proceed_.notify(sc_core::SC_ZERO_TIME);
}

void ControlBlock::LayerDone(uint32_t layer) { registers_.Set(kLastLayer, layer); }

void ControlBlock::RequestReset() {
  resetting_ = true;
  job_.Stop({});
  UpdateStatus();
  proceed_.notify(sc_core::SC_ZERO_TIME);
}

void ControlBlock::FinishReset() {
  registers_.Reset({kBootLo, kBootHi, kCycleLo, kCycleHi});
  resetting_ = stopped_ = false;
  job_cycles_ = 0;
  zero_ = executor_.Counts();
  UpdateStatus();
  UpdateInterrupt();
}

void ControlBlock::Rearm() {
  watch_.cancel();
  const uint64_t limit = registers_.value(kWatchdog);
  if (!job_.running() || limit == 0) return;
  const uint64_t idle = job_.working() ? 0 : clock_.Now() - job_.idle_since();
  watch_.notify(clock_.Time(idle < limit ? limit - idle : 0));
}

void ControlBlock::Watch() {
  if (!job_.running()) return;
  const uint64_t limit = registers_.value(kWatchdog);
  if (job_.working() || clock_.Now() - job_.idle_since() < limit) {
    Rearm();
    return;
  }
  job_.Stop({FaultCode::kWatchdog});
}

void ControlBlock::Refuse(FaultCode code, uint64_t offset) {
  if (stopped_ || (registers_.value(kIntStatus) & kInterruptError)) return;
  Report({code, 0, offset});
}

void ControlBlock::Fail(const Fault& fault) {
  if (stopped_) return;
  stopped_ = true;
  job_.Stop({});  // of another error than its own
  UpdateStatus();
  Report(fault);
}

void ControlBlock::Report(const Fault& fault) {
  registers_.Set(kErrorCode, static_cast<uint32_t>(fault.code));
  registers_.Set(kErrorWord, fault.word);
  registers_.SetPair(kErrorAddressLo, fault.address);
  registers_.Set(kErrorTag, present_.tag);
  Raise(kInterruptError);
}

void ControlBlock::UpdateStatus() {
  registers_.Set(kStatus, (job_.running() ? kStatusBusy : 0) | (stopped_ ? kStatusStopped : 0) |
                              (resetting_ ? kStatusResetting : 0));
}

void ControlBlock::Raise(uint32_t events) {
  registers_.Set(kIntStatus, registers_.value(kIntStatus) | events);
  UpdateInterrupt();
}

void ControlBlock::UpdateInterrupt() {
  const bool level = (registers_.value(kIntStatus) & registers_.value(kIntEnable)) != 0;
  if (level == interrupt_) return;
  interrupt_ = level;
  if (recorder_ != nullptr) recorder_->Interrupt(level, clock_.Picoseconds());
  if (interrupt_changed_) interrupt_changed_(level);
}

}  // namespace nibble::control
