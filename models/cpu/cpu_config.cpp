#include "models/cpu/cpu_config.h"

#include <fmt/format.h>

#include <stdexcept>

namespace nibble::cpu {
namespace {

void CheckRange(const char* name, uint64_t value, uint64_t least, uint64_t most) {
  if (value < least || value > most) {
    throw std::invalid_argument(
        fmt::format("{} = {} is out of range: expected {} to {}", name, value, least, most));
  }
}

}  // namespace

void CpuConfig::Check() const {
  CheckRange("cpu.clock_mhz", clock_mhz, 1, 10000);
  CheckRange("cpu.quantum_ns", quantum_ns, 1, 1000000);
  CheckRange("cpu.timebase_khz", timebase_khz, 1, 1000000);
  CheckRange("cpu.ram_bytes", ram_bytes, 4096, uint64_t{1} << 30);
  if (ram_bytes % 4096 != 0 || ram_base % 4096 != 0 ||
      uint64_t{ram_base} + ram_bytes > uint64_t{1} << 32) {
    throw std::invalid_argument(
        fmt::format("cpu.ram_base = {:#x}, cpu.ram_bytes = {}: expected multiples of 4096 within "
                    "32-bit addresses",
                    ram_base, ram_bytes));
  }
}

}  // namespace nibble::cpu
