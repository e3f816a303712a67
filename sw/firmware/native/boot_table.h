// The table of programs that the firmware finds at BOOT (nibble_program.h), made by the loader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/machine.h"

namespace nibble::firmware {

struct BootOptions {
  uint32_t runs = 1;  // inferences of each network
  bool polling = false;
};

struct BootProgram {
  const sim::Program& program;
  std::string name{};                 // of the network; cut to 31 bytes
  std::optional<uint64_t> hash = {};  // of the output as it must be stored: HashOf()
};

inline constexpr size_t kMostBootPrograms = 64;

// Puts the table of `programs`, one or more that lie side by side, into the memory that the first
// leaves free, and copies of the inputs into what each leaves. Throws std::invalid_argument for
// more than kMostBootPrograms.
void AddBootTable(const std::vector<BootProgram>& programs, const BootOptions& options,
                  platforms::RunOptions& to);

// As the firmware computes it.
uint64_t HashOf(const std::vector<uint8_t>& codes, const std::vector<uint8_t>& scales);

}  // namespace nibble::firmware
