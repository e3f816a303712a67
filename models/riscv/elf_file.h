// ELF executables for the hart: ELF32, little-endian, RISC-V, statically linked.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/riscv/bus.h"

namespace nibble::riscv {

struct ElfError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ElfImage {
  struct Segment {
    uint32_t address = 0;        // physical: where the loader puts it
    std::vector<uint8_t> bytes;  // with the zeros behind what the file holds
  };
  uint32_t entry = 0;
  std::vector<Segment> segments;
};

// Reads the segments to load. Throws ElfError "FILE: what is wrong, what was expected": unreadable,
// not such an ELF file, truncated, for an ABI with registers that the hart lacks, no segment.
ElfImage ReadElf(const std::string& path);

// Copies the segments to RAM. Throws ElfError naming `name` and the first segment that is not
// within.
void LoadElf(const ElfImage& image, const Ram& ram, const std::string& name);

}  // namespace nibble::riscv
