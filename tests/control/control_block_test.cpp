// The register block as a TLM target, over a machine that only lets time pass.
#include "models/control/control_block.h"

#include <tlm_utils/simple_initiator_socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "models/sim_core/fresh_kernel.h"
#include "models/sim_core/run_kernel.h"

namespace nibble::control {
namespace {

using sc_core::sc_time;

// Every job takes 10 cycles, of which no engine knows.
class Idler : public sc_core::sc_module, public Executor {
 public:
  Idler(const sc_core::sc_module_name& name, sim::Clock& clock, sim::Job& job)
      : sc_module(name), clock_(clock), job_(job) {
    SC_HAS_PROCESS(Idler);
    SC_THREAD(Run);
  }
  void BeginJob(const JobDescriptor& descriptor) override {
    clock_.Start();
    begins.push_back(sc_core::sc_time_stamp());
    tags.push_back(descriptor.tag);
    job_.Begin(clock_.Now());
    begun_.notify();
  }
  void EndJob() override { ++ends; }
  MachineCounts Counts() const override { return counts; }

  MachineCounts counts;
  int ends = 0;
  std::vector<sc_time> begins;
  std::vector<uint32_t> tags;

 private:
  void Run() {
    for (;;) {
      wait(begun_);
      wait(clock_.Time(10));
      counts.commands += uint64_t{1} << 32 | 5;
      job_.EndOfWords();
    }
  }
  sim::Clock& clock_;
  sim::Job& job_;
  sc_core::sc_event begun_;
};

class Initiator : public sc_core::sc_module {
 public:
  Initiator(const sc_core::sc_module_name& name, std::function<void(Initiator&)> program)
      : sc_module(name), socket("socket"), program_(std::move(program)) {
    SC_HAS_PROCESS(Initiator);
    SC_THREAD(Run);
  }
  tlm_utils::simple_initiator_socket<Initiator> socket;

  tlm::tlm_generic_payload& Payload(tlm::tlm_command command, uint64_t address, void* data,
                                    unsigned bytes) {
    payload_.set_command(command);
    payload_.set_address(address);
    payload_.set_data_ptr(static_cast<unsigned char*>(data));
    payload_.set_data_length(bytes);
    payload_.set_byte_enable_ptr(nullptr);
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    return payload_;
  }
  uint32_t Read(uint64_t offset) {
    uint32_t value = 0;
    Send(Payload(tlm::TLM_READ_COMMAND, offset, &value, 4));
    return value;
  }
  void Write(uint64_t offset, uint32_t value) {
    Send(Payload(tlm::TLM_WRITE_COMMAND, offset, &value, 4));
  }
  void Send(tlm::tlm_generic_payload& payload) {
    sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    CHECK(payload.get_response_status() == tlm::TLM_OK_RESPONSE);
    CHECK(delay == sc_time(2, sc_core::SC_NS));  // two cycles at 1 GHz
    wait(delay);
  }
  uint32_t Peek(uint64_t offset) {
    uint32_t value = 0;
    CHECK(socket->transport_dbg(Payload(tlm::TLM_READ_COMMAND, offset, &value, 4)) == 4);
    return value;
  }

 private:
  void Run() {
    program_(*this);
    sim::StopKernel();
  }
  std::function<void(Initiator&)> program_;
  tlm::tlm_generic_payload payload_;
};

struct Bench {
  explicit Bench(std::function<void(Initiator&)> program)
      : initiator("initiator", std::move(program)) {
    initiator.socket.bind(block.socket);
    for (uint32_t i = 0; i < 4; ++i) {
      JobDescriptor job;
      job.commands = 64;
      job.count = 1;
      job.layers = 1;
      job.tag = 10 + i;
      job.flags = kInterruptWhenDone;
      memory.Write(0x100 + i * kDescriptorBytes, &job, sizeof(job));
    }
  }

  sim::FreshKernel kernel;
  sim::Clock clock{1000};
  sim::TokenBoard tokens;
  sim::Job job{tokens};
  memory::SparseMemory memory{1 << 20};
  Idler idler{"idler", clock, job};
  ControlBlock block{"block", clock, job, memory, {0x1B, false, 1, 1 << 20}, idler};
  Initiator initiator;
};

void Enable(Initiator& host, uint32_t slots) {
  host.Write(kRingBaseLo, 0x100);
  host.Write(kRingSize, slots);
  host.Write(kIntEnable, kInterruptDone | kInterruptError);
  host.Write(kControl, kControlEnable);
}

TEST_CASE("jobs begin on machine cycles and go round the ring, the line is level sensitive") {
  std::vector<bool> line;
  std::vector<uint32_t> heads;
  Bench bench([&](Initiator& host) {
    Enable(host, 2);
    for (uint32_t tail = 1; tail <= 5; ++tail) {
      sc_core::wait(sc_time(300, sc_core::SC_PS));  // between two cycles
      host.Write(kRingTail, tail);
      sc_core::wait(sc_time(50, sc_core::SC_NS));
      heads.push_back(host.Read(kRingHead));
      host.Write(kIntStatus, kInterruptDone);
    }
  });
  bench.block.OnInterrupt([&](bool level) { line.push_back(level); });
  sim::RunKernel();
  CHECK(heads == std::vector<uint32_t>{1, 2, 3, 4, 5});
  CHECK(bench.idler.tags == std::vector<uint32_t>{10, 11, 10, 11, 10});
  for (const sc_time& begin : bench.idler.begins) {
    CHECK((begin - bench.idler.begins[0]).value() % 1000 == 0);
  }
  CHECK(line == std::vector<bool>{true, false, true, false, true, false, true, false, true, false});
}

TEST_CASE("two jobs rung for together follow each other, counters count 64 bits") {
  uint32_t low = 0, high = 0, jobs = 0, cycles = 0;
  Bench bench([&](Initiator& host) {
    Enable(host, 4);
    host.Write(kRingTail, 2);
    sc_core::wait(sc_time(100, sc_core::SC_NS));
    low = host.Read(kCommandsLo);
    high = host.Read(kCommandsLo + 4);
    jobs = host.Read(kJobsDone);
    cycles = host.Read(kJobCyclesLo);
  });
  sim::RunKernel();
  REQUIRE(bench.idler.begins.size() == 2);
  CHECK(bench.idler.begins[1] - bench.idler.begins[0] == sc_time(10, sc_core::SC_NS));
  CHECK(low == 10);
  CHECK(high == 2);
  CHECK(jobs == 2);
  CHECK(bench.idler.ends == 2);
  CHECK(cycles == 20);
}

TEST_CASE("a debugger reads registers without effects, and writes none") {
  uint32_t id = 0, byte = 0, latched = 0, write_only = 1, error = 1;
  unsigned written = 4;
  Bench bench([&](Initiator& host) {
    Enable(host, 4);
    host.Write(kRingTail, 1);
    sc_core::wait(sc_time(30, sc_core::SC_NS));
    host.Read(kCommandsLo);  // holds 1
    host.Write(kRingTail, 2);
    sc_core::wait(sc_time(30, sc_core::SC_NS));
    id = host.Peek(kId);
    host.Peek(kCommandsLo);
    write_only = host.Peek(kReset);
    host.Peek(0xFFC);
    uint8_t one = 0;
    host.socket->transport_dbg(host.Payload(tlm::TLM_READ_COMMAND, kId + 1, &one, 1));
    byte = one;
    uint32_t value = 0;
    written = host.socket->transport_dbg(
        host.Payload(tlm::TLM_WRITE_COMMAND, kIntEnable, &value, sizeof(value)));
    latched = host.Read(kCommandsLo + 4);
    error = host.Read(kErrorCode);
  });
  sim::RunKernel();
  CHECK(id == kIdValue);
  CHECK(byte == (kIdValue >> 8 & 0xFF));
  CHECK(latched == 1);
  CHECK(write_only == 0);
  CHECK(error == 0);
  CHECK(written == 0);
}

TEST_CASE("part of a register cannot be written") {
  uint32_t enable = 1, code = 0;
  Bench bench([&](Initiator& host) {
    uint32_t value = 3;
    unsigned char lanes[] = {0xFF, 0, 0, 0};
    tlm::tlm_generic_payload& payload =
        host.Payload(tlm::TLM_WRITE_COMMAND, kIntEnable, &value, sizeof(value));
    payload.set_byte_enable_ptr(lanes);
    payload.set_byte_enable_length(sizeof(lanes));
    host.Send(payload);
    enable = host.Read(kIntEnable);
    code = host.Read(kErrorCode);
  });
  sim::RunKernel();
  CHECK(enable == 0);
  CHECK(code == static_cast<uint32_t>(sim::FaultCode::kAccessSize));
}

TEST_CASE("a job in which nobody works is stopped by the watchdog, 0 lets it be") {
  uint32_t code = 0, status = 0, unlimited = 0;
  Bench bench([&](Initiator& host) {
    host.Write(kWatchdog, 0);
    Enable(host, 4);
    host.Write(kRingTail, 1);
    sc_core::wait(sc_time(50, sc_core::SC_NS));
    unlimited = host.Read(kJobsDone);
    host.Write(kWatchdog, 5);
    host.Write(kRingTail, 2);
    sc_core::wait(sc_time(50, sc_core::SC_NS));
    code = host.Read(kErrorCode);
    status = host.Read(kStatus);
  });
  sim::RunKernel();
  CHECK(unlimited == 1);
  CHECK(code == static_cast<uint32_t>(sim::FaultCode::kWatchdog));
  CHECK(status == kStatusStopped);
  CHECK(bench.idler.ends == 2);  // one done, one stopped
}

}  // namespace
}  // namespace nibble::control
