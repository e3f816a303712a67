// A hart with RAM, its local devices, and a page of device registers that count and can be slow.
#pragma once

#include <algorithm>
#include <cstring>
#include <sstream>
#include <vector>

#include "models/riscv/hart.h"
#include "models/riscv/local_devices.h"
#include "tests/riscv/assembler.h"

namespace nibble::riscv {

constexpr uint32_t kRamBase = 0x80000000, kRamBytes = 1 << 16, kData = kRamBase + 0x8000,
                   kDevice = 0x40000000;

class Machine : public Bus {
 public:
  explicit Machine(uint32_t ram_bytes = kRamBytes)
      : memory(ram_bytes), devices(console), hart({memory.data(), kRamBase, ram_bytes}, *this) {
    hart.Reset(kRamBase);
  }
  explicit Machine(const as::Code& code) : Machine() { Load(code); }

  void Load(const as::Code& code, uint32_t address = kRamBase) {
    std::copy(code.bytes().begin(), code.bytes().end(), memory.begin() + (address - kRamBase));
    hart.InvalidateCode(address, code.size());
  }
  uint32_t Word(uint32_t address) const {
    uint32_t value = 0;
    std::memcpy(&value, memory.data() + (address - kRamBase), 4);
    return value;
  }
  void SetWord(uint32_t address, uint32_t value) {
    std::memcpy(memory.data() + (address - kRamBase), &value, 4);
  }
  uint32_t x(uint32_t r) const { return hart.state().x[r]; }

  // Runs as many instructions, each counted by its retirement or trap.
  void Step(int instructions) {
    for (int k = 0; k < instructions; ++k) {
      hart.BeginStep();
      hart.Run(~uint64_t{0});
    }
    hart.EndStep();
  }

  BusReply Load(uint32_t address, uint32_t bytes, uint32_t& value) override {
    if (LocalDevices::Has(address)) return {devices.Load(address, bytes, Time(), value), {}, 0};
    if (address - kDevice >= 64) return {false, {}, 0};
    value = 0;
    std::memcpy(&value, registers + (address - kDevice), bytes);
    ++device_loads;
    return {true, then, stall};
  }
  BusReply Store(uint32_t address, uint32_t bytes, uint32_t value) override {
    if (LocalDevices::Has(address)) {
      const bool ok = devices.Store(address, bytes, value);
      hart.SetInterrupt(Interrupt::kSoftware, devices.software_interrupt());
      return {ok, devices.exit_status() ? BusReply::Then::kExit : BusReply::Then::kGoOn, 0};
    }
    if (address - kDevice >= 64) return {false, {}, 0};
    std::memcpy(registers + (address - kDevice), &value, bytes);
    if (address == kDevice + 60) hart.SetInterrupt(Interrupt::kExternal, value != 0);
    return {true, then, stall};
  }
  uint64_t Time() override { return hart.state().cycles; }

  std::vector<uint8_t> memory;
  std::ostringstream console;
  LocalDevices devices;
  Hart hart;
  uint8_t registers[64] = {};
  BusReply::Then then = BusReply::Then::kGoOn;
  uint64_t stall = 0;
  int device_loads = 0;
};

// Ends the simulation with status 0; changes t5 and t6.
inline as::Code Exit() {
  return as::Code()
      .Li(as::t6, LocalDevices::kExit)
      .Li(as::t5, 0x5555)
      .Word(as::Sw(as::t5, 0, as::t6));
}

}  // namespace nibble::riscv
