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
  std::string name;   // of the network; cut to 31 bytes
  uint32_t runs = 1;  // inferences
  bool polling = false;
  std::optional<uint64_t> hash;  // of the output as it must be stored: HashOf()
};

// Puts the table, with one program, into the memory that the program leaves free.
void AddBootTable(const sim::Program& program, const BootOptions& options,
                  platforms::RunOptions& to);

// As the firmware computes it.
uint64_t HashOf(const std::vector<uint8_t>& codes, const std::vector<uint8_t>& scales);

}  // namespace nibble::firmware
