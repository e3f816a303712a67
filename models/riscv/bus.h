// What a hart sees beside its registers: one RAM that it reaches directly, and a bus for all else.
#pragma once

#include <cstdint>

namespace nibble::riscv {

// Memory from which the hart fetches and which loads and stores reach without a call.
struct Ram {
  uint8_t* data = nullptr;
  uint32_t base = 0;
  uint32_t bytes = 0;  // a multiple of 4, at least 4; base + bytes at most 2^32
};

struct BusReply {
  enum class Then : uint8_t {
    kGoOn,
    kSynchronise,  // Run() is to return when the instruction is done
    kExit,         // likewise, for good
  };
  bool ok = true;  // false: the instruction takes an access fault
  Then then = Then::kGoOn;
  uint64_t stall_cycles = 0;  // beyond the cycles of an access to RAM
};

// Called from within Hart::Run(), whose state is then that before the instruction. Addresses
// outside RAM only, aligned to `bytes` = 1, 2 or 4. An implementation may raise interrupts and let
// simulated time pass.
class Bus {
 public:
  virtual ~Bus() = default;
  // `value` is zero-extended.
  virtual BusReply Load(uint32_t address, uint32_t bytes, uint32_t& value) = 0;
  virtual BusReply Store(uint32_t address, uint32_t bytes, uint32_t value) = 0;
  // mtime, for the counter `time`.
  virtual uint64_t Time() = 0;
};

}  // namespace nibble::riscv
