// Parameters of the control processor.
#pragma once

#include <cstdint>

namespace nibble::cpu {

struct CpuConfig {
  uint32_t clock_mhz = 500;  // MHz, 1 to 10000: a small core beside a 1 GHz machine
  // Nanoseconds, 1 to 1000000: how far the core may run ahead of the kernel's time at once. It
  // never runs past the next event that anybody has scheduled, so results do not depend on it;
  // smaller ones cost time.
  uint32_t quantum_ns = 1000;
  uint32_t timebase_khz =
      10000;  // kHz, 1 to 1000000: rate of mtime; QEMU's machine virt has 10 MHz
  uint32_t ram_base = 0x80000000;    // code and data that the core reaches directly, by DMI
  uint32_t ram_bytes = 1024 * 1024;  // bytes, a multiple of 4096

  // Throws std::invalid_argument that names the parameter, its value and its range.
  void Check() const;
};

}  // namespace nibble::cpu
