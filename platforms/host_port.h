// What the host of a machine sees of it: registers, an interrupt, the memory.
#pragma once

#include <cstdint>
#include <functional>

namespace nibble::platforms {

// Calls are made by the host's program while the simulation runs. The program itself takes no time;
// each access of a register takes that of the register block, so that polling lets time pass.
class HostPort {
 public:
  virtual ~HostPort() = default;

  virtual uint32_t Read32(uint32_t offset) = 0;
  virtual void Write32(uint32_t offset, uint32_t value) = 0;
  // Any access, also an illegal one: `bytes` at `data` are written, or read into.
  virtual void Access(uint64_t offset, uint8_t* data, uint32_t bytes, bool write) = 0;

  virtual bool interrupt() const = 0;
  // Returns when the interrupt line is high.
  virtual void WaitForInterrupt() = 0;

  // The machine's DRAM. Approximate: takes no time and no part in the machine's traffic. What ends
  // beyond the memory reads as zero, or is not written.
  virtual void ReadMemory(uint64_t address, void* to, uint64_t bytes) = 0;
  virtual void WriteMemory(uint64_t address, const void* from, uint64_t bytes) = 0;
};

// A program for the host; the simulation ends with it. Returns 0 when all was well.
using HostProgram = std::function<int(HostPort&)>;

}  // namespace nibble::platforms
