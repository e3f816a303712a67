// The control processor inside SystemC: instructions a second, and the cost of a device access.
#include <benchmark/benchmark.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <sstream>
#include <stdexcept>

#include "models/cpu/board.h"
#include "models/sim_core/fresh_kernel.h"
#include "models/sim_core/run_kernel.h"
#include "tests/riscv/assembler.h"

namespace {

namespace as = nibble::riscv::as;
using nibble::cpu::Board;
using nibble::cpu::CpuConfig;

constexpr uint32_t kRamBase = 0x80000000, kDevice = 0x40000000;

// A register that reads as zero, at no time.
struct Device : sc_core::sc_module {
  explicit Device(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    socket.register_b_transport(this, &Device::Transport);
  }
  void Transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    std::memset(payload.get_data_ptr(), 0, payload.get_data_length());
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  tlm_utils::simple_target_socket<Device> socket;
};

as::Code Exit() {
  return as::Code()
      .Li(as::t0, nibble::riscv::LocalDevices::kExit)
      .Li(as::t1, 0x5555)
      .Word(as::Sw(as::t1, 0, as::t0));
}

// CRC-32, bit by bit, of 512 KiB from kRamBase + 64 KiB on: 34 M instructions.
as::Code Crc() {
  return as::Code()
      .Li(as::a1, kRamBase + 0x10000)
      .Li(as::a6, kRamBase + 0x90000)
      .Li(as::a5, 0xedb88320)
      .Word(as::Lbu(as::a2, 0, as::a1))
      .Word(as::Addi(as::a1, as::a1, 1))
      .Word(as::Xor(as::a0, as::a0, as::a2))
      .Word(as::Addi(as::a3, as::zero, 8))
      .Word(as::Andi(as::a4, as::a0, 1))
      .Word(as::Srli(as::a0, as::a0, 1))
      .Word(as::Sub(as::a4, as::zero, as::a4))
      .Word(as::And(as::a4, as::a4, as::a5))
      .Word(as::Xor(as::a0, as::a0, as::a4))
      .Word(as::Addi(as::a3, as::a3, -1))
      .Word(as::Bne(as::a3, as::zero, -24))
      .Word(as::Bne(as::a1, as::a6, -44))
      .Append(Exit());
}

// The passes of a bubble sort over 4096 words: loads, compares, stores and branches; 24 M
// instructions.
as::Code Bubble() {
  return as::Code()
      .Li(as::a5, 1024)
      .Li(as::a0, kRamBase + 0x10000)
      .Li(as::a1, kRamBase + 0x14000)
      .Word(as::Lw(as::a2, 0, as::a0))
      .Word(as::Lw(as::a3, 4, as::a0))
      .Word(as::Bgeu(as::a3, as::a2, 12))
      .Word(as::Sw(as::a3, 0, as::a0))
      .Word(as::Sw(as::a2, 4, as::a0))
      .Word(as::Addi(as::a0, as::a0, 4))
      .Word(as::Bne(as::a0, as::a1, -24))
      .Word(as::Addi(as::a5, as::a5, -1))
      .Word(as::Bne(as::a5, as::zero, -48))
      .Append(Exit());
}

// A million reads of the device, three instructions each.
as::Code Poll() {
  return as::Code()
      .Li(as::a0, kDevice)
      .Li(as::a1, 1000000)
      .Word(as::Lw(as::a2, 0, as::a0))
      .Word(as::Addi(as::a1, as::a1, -1))
      .Word(as::Bne(as::a1, as::zero, -8))
      .Append(Exit());
}

void Run(benchmark::State& state, const as::Code& code) {
  nibble::riscv::HartCounters counters;
  for (auto _ : state) {
    const nibble::sim::FreshKernel kernel;
    std::ostringstream console;
    CpuConfig config;
    config.quantum_ns = static_cast<uint32_t>(state.range(0));
    Board board(config, console);
    Device device("device");
    board.router.Map("device", kDevice, 16, device.socket);
    nibble::riscv::ElfImage image;
    image.entry = kRamBase;
    image.segments.push_back({kRamBase, code.bytes()});
    board.cpu.Load(image, "benchmark");
    for (size_t k = 0; k < board.ram.bytes().size(); ++k) {
      board.ram.bytes()[k] = static_cast<uint8_t>(k * 2654435761u >> 24);
    }
    nibble::sim::RunKernel();
    if (board.cpu.exit_status() != 0u) throw std::logic_error("the program has not ended well");
    counters = board.cpu.counters();
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["MIPS"] = benchmark::Counter(
      1e-6 * static_cast<double>(counters.instructions) * runs, benchmark::Counter::kIsRate);
  if (counters.device_accesses > 1) {
    state.counters["s/access"] =
        benchmark::Counter(static_cast<double>(counters.device_accesses) * runs,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  }
}

void Crc(benchmark::State& state) { Run(state, Crc()); }
void Bubble(benchmark::State& state) { Run(state, Bubble()); }
void Poll(benchmark::State& state) { Run(state, Poll()); }

BENCHMARK(Crc)
    ->ArgName("quantum_ns")
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(Bubble)->ArgName("quantum_ns")->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(Poll)->ArgName("quantum_ns")->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
