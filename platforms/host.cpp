#include "platforms/host.h"

#include <cstring>
#include <utility>

#include "models/sim_core/coroutine_stack.h"
#include "models/sim_core/run_kernel.h"

namespace nibble::platforms {

Host::Host(const sc_core::sc_module_name& name, HostProgram program, control::ControlBlock& control,
           memory::SparseMemory& memory, const std::atomic<bool>* stop)
    : sc_module(name),
      socket("socket"),
      program_(std::move(program)),
      control_(control),
      memory_(memory),
      stop_(stop) {
  socket.bind(control.socket);
  control.OnInterrupt([this](bool level) {
    if (level) interrupt_raised_.notify();
  });
  SC_HAS_PROCESS(Host);
  SC_THREAD(Run);
}

void Host::Run() {
  sim::ForgetEarlierFrames();
  status_ = program_(*this);
  sim::StopKernel();
}

void Host::Access(uint64_t offset, uint8_t* data, uint32_t bytes, bool write) {
  payload_.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload_.set_address(offset);
  payload_.set_data_ptr(data);
  payload_.set_data_length(bytes);
  payload_.set_streaming_width(bytes);
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(payload_, delay);
  if (stop_ != nullptr && *stop_) sim::StopKernel();  // the wait does not return
  timer_.Wait(delay);
}

uint32_t Host::Read32(uint32_t offset) {
  uint32_t value = 0;
  Access(offset, reinterpret_cast<uint8_t*>(&value), sizeof(value), false);
  return value;
}

void Host::Write32(uint32_t offset, uint32_t value) {
  Access(offset, reinterpret_cast<uint8_t*>(&value), sizeof(value), true);
}

void Host::WaitForInterrupt() {
  while (!control_.interrupt()) wait(interrupt_raised_);
}

void Host::ReadMemory(uint64_t address, void* to, uint64_t bytes) {
  if (InMemory(address, bytes)) {
    memory_.Read(address, to, bytes);
  } else {
    std::memset(to, 0, bytes);
  }
}

void Host::WriteMemory(uint64_t address, const void* from, uint64_t bytes) {
  if (InMemory(address, bytes)) memory_.Write(address, from, bytes);
}

HostProgram RunEach(const std::vector<const sim::Program*>& programs) {
  std::vector<control::JobDescriptor> jobs;
  for (const sim::Program* program : programs) {
    control::JobDescriptor job;
    job.commands = program->commands_address;
    job.count = static_cast<uint32_t>(program->commands.size());
    job.layers = static_cast<uint32_t>(program->layers.size());
    job.tag = static_cast<uint32_t>(jobs.size());
    jobs.push_back(job);
  }
  jobs.back().flags = control::kInterruptWhenDone;
  uint32_t slots = 1;
  while (slots < jobs.size()) slots *= 2;
  return [jobs, slots, ring = programs.front()->free_address](HostPort& port) {
    port.WriteMemory(ring, jobs.data(), jobs.size() * sizeof(jobs.front()));
    port.Write32(control::kRingBaseLo, static_cast<uint32_t>(ring));
    port.Write32(control::kRingBaseHi, static_cast<uint32_t>(ring >> 32));
    port.Write32(control::kRingSize, slots);
    port.Write32(control::kIntEnable, control::kInterruptDone | control::kInterruptError);
    port.Write32(control::kControl, control::kControlEnable);
    port.Write32(control::kRingTail, static_cast<uint32_t>(jobs.size()));
    port.WaitForInterrupt();
    return static_cast<int>(port.Read32(control::kErrorCode));
  };
}

}  // namespace nibble::platforms
