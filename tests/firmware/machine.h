// A small network on a machine, driven by the C driver in the same simulation.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "nibble_driver.h"
#include "nibble_platform.h"
#include "nibble_program.h"
#include "sw/compiler/compiler.h"
#include "sw/firmware/native/boot_table.h"
#include "sw/firmware/native/native.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {

using platforms::HostPort;
using platforms::Platform;

// Every engine of both platforms has work in it.
inline trace::Network SmallNetwork() {
  NetworkMaker maker(3);
  maker.Convolution(false);
  maker.Convolution(true);
  maker.Residual();
  maker.WindowPool();
  maker.Pool();
  maker.FullyConnected();
  return maker.Finish();
}

inline std::vector<std::string> Sets(Platform platform) {
  if (platform == Platform::kAccel) return {};
  return {"nearmem.layers=pointwise,fc"};
}

class SmallMachine {
 public:
  explicit SmallMachine(Platform platform, trace::Network net = SmallNetwork())
      : net_(std::move(net)), design_(platforms::Resolve(platform, "", Sets(platform))) {
    Make();
  }

  const trace::Network& net() const { return net_; }
  const platforms::DesignPoint& design() const { return design_; }
  const sim::Program& program() const { return program_; }
  const golden::Execution& expected() const { return expected_; }

  nibble_job Job(uint32_t tag = 0) const {
    nibble_job job{};
    job.commands = program_.commands_address;
    job.count = static_cast<uint32_t>(program_.commands.size());
    job.layers = static_cast<uint32_t>(program_.layers.size());
    job.tag = tag;
    return job;
  }
  uint64_t ring() const { return program_.free_address; }
  uint64_t scratch() const { return program_.free_address + 0x8000; }

  // Runs `program` on the machine; its results are for the caller to check afterwards.
  platforms::RunOutcome Run(const std::function<void(HostPort&, nibble_device&)>& program) const {
    nibble_device device{};
    platforms::RunOptions options;
    options.host = [&](HostPort& port) {
      firmware::NativeOptions native;
      native.interrupt_handler = [&device] { nibble_handle_interrupt(&device); };
      return firmware::RunNative(port, native, [&] {
        program(port, device);
        return 0;
      });
    };
    return platforms::Run(design_, program_, options);
  }

  // Whether the machine's memory holds the output that golden has.
  bool OutputIsRight(HostPort& port) const {
    const sim::TensorPlacement& t = program_.tensors[static_cast<size_t>(program_.output)];
    const numerics::StoredActivations& e = expected_.tensors[static_cast<size_t>(program_.output)];
    const auto read = [&](uint64_t address, uint32_t stride, uint32_t row_bytes) {
      std::vector<uint8_t> bytes(size_t{row_bytes} * static_cast<size_t>(t.layout.pixels));
      for (int p = 0; p < t.layout.pixels; ++p) {
        port.ReadMemory(address + uint64_t{stride} * static_cast<uint32_t>(p),
                        bytes.data() + size_t{row_bytes} * static_cast<uint32_t>(p), row_bytes);
      }
      return bytes;
    };
    return read(t.codes, t.code_stride, t.layout.code_bytes_per_pixel()) == e.codes &&
           read(t.scales, t.scale_stride, t.layout.scale_row_bytes()) == e.scales;
  }
  // Before a job: the output is wrong, and all else in the memory as the loader leaves it.
  void Prepare(HostPort& port) const {
    const sim::TensorPlacement& t = program_.tensors[static_cast<size_t>(program_.output)];
    const std::vector<uint8_t> junk(t.layout.code_bytes(), 0xA5);
    port.WriteMemory(t.codes, junk.data(), junk.size());
    for (const sim::Segment& segment : program_.image) {
      port.WriteMemory(segment.address, segment.bytes.data(), segment.bytes.size());
    }
    port.WriteMemory(program_.commands_address, program_.commands.data(),
                     program_.commands.size() * sim::kCommandBytes);
  }

 private:
  void Make() {
    const std::vector<float> input = RandomInput(net_, 1);
    program_ = LowerFitting(net_, design_);
    lowering::SetInput(program_, net_, design_, input);
    expected_ = golden::Run(net_, design_.datapath, input);
  }

  trace::Network net_;
  platforms::DesignPoint design_;
  sim::Program program_;
  golden::Execution expected_;
};

}  // namespace nibble::test
