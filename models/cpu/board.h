// The core with its RAM, and nothing else but what is mapped on its router.
#pragma once

#include <ostream>

#include "models/cpu/cpu_module.h"
#include "models/cpu/ram.h"
#include "models/cpu/router.h"

namespace nibble::cpu {

// Devices of a system: router.Map("device", base, bytes, device.socket), before the simulation
// starts.
struct Board {
  // Throws as CpuModule does.
  explicit Board(const CpuConfig& config, std::ostream& console, size_t layers = 1)
      : cpu("cpu", config, console, layers),
        router("cpu_router"),
        ram("cpu_ram", config.ram_bytes) {
    cpu.socket.bind(router.socket);
    router.Map("cpu_ram", config.ram_base, config.ram_bytes, ram.socket);
  }

  CpuModule cpu;
  Router router;
  Ram ram;
};

}  // namespace nibble::cpu
