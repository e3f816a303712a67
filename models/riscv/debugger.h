// What the owner of a hart asks a debugger, from within the loop that runs the hart, so that
// simulated time passes as ever while a program is debugged.
#pragma once

#include <cstdint>
#include <string>

#include "models/riscv/hart.h"

namespace nibble::riscv {

// Memory as a debugger sees it: without side effects and without time.
class DebugMemory {
 public:
  virtual ~DebugMemory() = default;
  // False when not all of the bytes can be read or written.
  virtual bool DebugRead(uint32_t address, uint8_t* to, uint32_t bytes) = 0;
  virtual bool DebugWrite(uint32_t address, const uint8_t* from, uint32_t bytes) = 0;
  // For `monitor stats`: lines of text.
  virtual std::string DebugStats() = 0;
};

class Debugger {
 public:
  enum class Resume : uint8_t { kContinue, kStep, kKill };
  enum class Reason : uint8_t {
    kAttached,    // before the first instruction, or because a debugger came
    kInterrupt,   // it asked for a stop
    kBreakpoint,  // also ebreak
    kWatchpoint,
    kStep,
    kAsleep,  // in wfi, and nothing is left that could wake the hart
  };

  virtual ~Debugger() = default;
  // Called before the first instruction; true when the hart is to stop there.
  virtual bool Begin() = 0;
  // Called often while the hart runs; true when it is to stop.
  virtual bool WantsStop() = 0;
  // The hart stands still. Returns when it is to go on; sets up breakpoints and the like before.
  virtual Resume Stopped(Hart& hart, DebugMemory& memory, Reason reason) = 0;
  // The program has ended.
  virtual void Exited(uint32_t status) = 0;
  // Whether somebody debugs now, so that WantsStop() is worth asking while the hart sleeps.
  virtual bool attached() const = 0;
};

}  // namespace nibble::riscv
