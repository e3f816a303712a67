// A board with a device on its bus that takes time, interrupts, refuses and remembers.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <sstream>
#include <systemc>
#include <utility>
#include <vector>

#include "models/cpu/board.h"
#include "models/sim_core/fresh_kernel.h"
#include "models/sim_core/run_kernel.h"
#include "tests/riscv/assembler.h"

namespace nibble::cpu {

namespace as = riscv::as;

constexpr uint32_t kRamBase = 0x80000000, kHandler = kRamBase + 0x800, kDevice = 0x40000000;
// Registers of the device, as offsets.
constexpr int32_t kStart = 0x00,  // w: done after as many nanoseconds, with an interrupt
    kStatus = 0x04,               // r: 1 when done
    kAcknowledge = 0x08,          // w: not done, no interrupt
    kLog = 0x0c,                  // w: remembered with the time
    kAnnotated = 0x10,            // r: 100 ns, told as a delay
    kWaiting = 0x14,              // r: 100 ns, spent within the transaction
    kBroken = 0x18,               // answered with an error
    kLayer = 0x1c;                // w: the core's counts go to this row
constexpr uint32_t kDeviceBytes = 0x20;

struct Logged {
  uint32_t value;
  uint64_t ps;
  bool operator==(const Logged& o) const { return value == o.value && ps == o.ps; }
};

class Device : public sc_core::sc_module {
 public:
  Device(const sc_core::sc_module_name& name, CpuModule& cpu)
      : sc_module(name), socket("socket"), cpu_(cpu) {
    SC_HAS_PROCESS(Device);
    socket.register_b_transport(this, &Device::Transport);
    socket.register_transport_dbg(this, &Device::Peek);
    SC_METHOD(Finish);
    sensitive << finish_;
    dont_initialize();
  }
  tlm_utils::simple_target_socket<Device> socket;

  std::vector<Logged> log;
  std::vector<uint64_t> finished_ps;
  int transactions = 0;

 private:
  void Finish() {
    done_ = true;
    finished_ps.push_back(sc_core::sc_time_stamp().value());
    cpu_.SetExternalInterrupt(true);
  }
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const sc_core::sc_time tenth(100, sc_core::SC_NS);
    ++transactions;
    uint32_t value = 0;
    std::memcpy(&value, payload.get_data_ptr(), payload.get_data_length());
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    switch (payload.get_address()) {
      case kStart:
        finish_.notify(sc_core::sc_time(value, sc_core::SC_NS));
        break;
      case kStatus:
        value = done_ ? 1 : 0;
        break;
      case kAcknowledge:
        done_ = false;
        cpu_.SetExternalInterrupt(false);
        break;
      case kLog:
        log.push_back({value, sc_core::sc_time_stamp().value()});
        break;
      case kAnnotated:
        value = 0x11;
        delay += tenth;
        break;
      case kWaiting:
        value = 0x11;
        sc_core::wait(tenth);
        break;
      case kLayer:
        cpu_.SetLayer(value);
        break;
      default:
        payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    }
    if (payload.is_read()) std::memcpy(payload.get_data_ptr(), &value, payload.get_data_length());
  }

  // Debuggers can read kStatus, without effect.
  unsigned Peek(tlm::tlm_generic_payload& payload) {
    const uint32_t value = done_ ? 1 : 0;
    const bool known = payload.is_read() && payload.get_address() == kStatus &&
                       payload.get_data_length() == sizeof(value);
    if (known) std::memcpy(payload.get_data_ptr(), &value, sizeof(value));
    return known ? sizeof(value) : 0;
  }

  CpuModule& cpu_;
  sc_core::sc_event finish_;
  bool done_ = false;
};

// `code` at the begin of RAM, `handler` where mtvec may point.
struct System {
  explicit System(const as::Code& code, const as::Code& handler = {}, const CpuConfig& config = {},
                  size_t layers = 1)
      : System(Image(code, handler), config, layers) {}
  explicit System(const riscv::ElfImage& image, const CpuConfig& config = {}, size_t layers = 1)
      : board(config, console, layers), device("device", board.cpu) {
    board.router.Map("device", kDevice, kDeviceBytes, device.socket);
    board.cpu.Load(image, "test");
  }
  static riscv::ElfImage Image(const as::Code& code, const as::Code& handler) {
    riscv::ElfImage image;
    image.entry = kRamBase;
    image.segments.push_back({kRamBase, code.bytes()});
    if (handler.size() > 0) image.segments.push_back({kHandler, handler.bytes()});
    return image;
  }
  void Run() { sim::RunKernel(); }
  const riscv::Hart& hart() const { return board.cpu.hart(); }
  uint32_t x(uint32_t r) const { return hart().state().x[r]; }

  sim::FreshKernel kernel;
  std::ostringstream console;
  Board board;
  Device device;
};

// s0 = the device; mtvec = kHandler; interrupts of `mie` on.
inline as::Code Setup(uint32_t mie) {
  return as::Code()
      .Li(as::s0, kDevice)
      .Li(as::t0, kHandler)
      .Word(as::Csrw(riscv::csr::kMtvec, as::t0))
      .Li(as::t0, mie)
      .Word(as::Csrw(riscv::csr::kMie, as::t0))
      .Word(as::Csrrwi(as::zero, riscv::csr::kMstatus, 8));
}

// The device works for `ns`; changes t0.
inline as::Code Start(uint32_t ns) {
  return as::Code().Li(as::t0, ns).Word(as::Sw(as::t0, kStart, as::s0));
}

inline as::Code Exit(uint32_t status = 0) {
  return as::Code()
      .Li(as::t0, riscv::LocalDevices::kExit)
      .Li(as::t1, status == 0 ? 0x5555 : status << 16 | 0x3333)
      .Word(as::Sw(as::t1, 0, as::t0));
}

// Logs the cycle at which the handler began, and lets the device lower its line.
inline as::Code LogCycleHandler() {
  return {as::Csrr(as::a0, riscv::csr::kMcycle), as::Sw(as::a0, kLog, as::s0),
          as::Sw(as::zero, kAcknowledge, as::s0), as::kMret};
}

constexpr uint32_t kExternal = riscv::InterruptBit(riscv::Interrupt::kExternal),
                   kTimer = riscv::InterruptBit(riscv::Interrupt::kTimer);

}  // namespace nibble::cpu
