// A platform: modules wired together, fed a program.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "models/memory/dram.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/program.h"
#include "models/sim_core/recorder.h"
#include "platforms/control_processor.h"
#include "platforms/design_point.h"
#include "platforms/host_port.h"

namespace nibble::platforms {

struct RunOptions {
  bool timing_only = false;  // move no tensor data: same cycles, traffic and counts
  // Called at layer boundaries with (layers done, layers of all programs).
  std::function<void(size_t, size_t)> progress;
  const std::atomic<bool>* stop = nullptr;  // set by a signal handler: Run throws Interrupted
  uint64_t run = 0;  // number of this image: other upsets of a scratchpad (FaultModel::kUpsets)
  bool break_datapath = false;  // test hook: a row of sums comes out wrong
  // Every transaction that the DRAM served is appended, for replay.
  std::vector<memory::DramTransaction>* memory_log = nullptr;
  sim::Recorder* recorder = nullptr;  // sees what the machine does, in all jobs
  // What drives the machine: a program for the control processor, or one of the host's; without
  // either, a built-in one runs each program once, back to back. It finds the programs' images in
  // DRAM, and what else it needs.
  const CoreFirmware* firmware = nullptr;
  HostProgram host;
  std::vector<sim::Segment> host_image;  // in DRAM from the beginning
  uint64_t boot = 0;                     // reset value of BOOT
};

class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

struct HostOutcome {
  int status = 0;                   // what the host's program returned
  uint64_t register_accesses = 0;   // by it
  uint64_t cycles = 0;              // machine cycles from power-on to its end
  std::optional<CoreOutcome> core;  // where RunOptions::firmware is
};

struct ProgramOutcome {
  sim::RunStats stats;  // of the first job of the program that was done; else nothing but zeros
  uint64_t jobs = 0;    // of the program that were done
  // Bytes of every stored tensor as they lie in DRAM or the activation SRAM, indexed as in
  // program.tensors: codes then scales. Empty when timing only. (Tensors whose memory was reused
  // are captured when written.)
  std::vector<std::vector<uint8_t>> tensors;
  std::vector<float> tensor_scale_decode;  // the machine's S_dec register of each tensor
};

struct RunOutcome : ProgramOutcome {
  HostOutcome host;
};

struct ProgramsOutcome {
  std::vector<ProgramOutcome> programs;
  HostOutcome host;
};

// The host came to no end: it waits for something that will never be, or a debugger has killed it.
class HostStuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Builds the machine in a fresh SystemC kernel, and runs the host's program on it. Not reentrant;
// any number of calls in sequence. Throws HostStuck, Interrupted; riscv::ElfError when the
// firmware is not within the core's RAM; std::logic_error when the built-in host's job is stopped
// by an error.
RunOutcome Run(const DesignPoint& design, const sim::Program& program,
               const RunOptions& options = {});

// The same of several programs, one or more, in the memory of one machine: their regions must not
// overlap, and lie one after the other (lowering::LowerSideBySide). A job is of the first program
// that ends (sim::Program::end) beyond the address of its command words; else of the last.
ProgramsOutcome RunPrograms(const DesignPoint& design,
                            const std::vector<const sim::Program*>& programs,
                            const RunOptions& options = {});

}  // namespace nibble::platforms
