// Where an address lies in the DRAM.
#pragma once

#include <cstdint>
#include <string>

#include "models/memory/dram_device.h"

namespace nibble::memory {

// Where a burst lies.
struct DramLocation {
  uint32_t channel = 0, row = 0, bank = 0 /* bank_group * banks_per_group + bank in group */,
           column = 0, rank = 0;
};

// Address mapping as a string of fields from most to least significant, e.g. "row rank bank column
// bankgroup channel".
class DramMapping {
 public:
  // `fields`: row, rank, bank, bankgroup, column, channel in any order, each once, separated by
  // blanks; rank may be missing when there is one. `channels` and `ranks` are powers of two. Throws
  // std::invalid_argument that says which rule is broken.
  DramMapping(const DramDevice& device, uint32_t channels, const std::string& fields,
              uint32_t ranks = 1);
  DramLocation Locate(
      uint64_t address) const;  // address of any byte of the burst, below capacity()
  uint64_t Address(const DramLocation& location) const;  // first byte of the burst
  uint64_t capacity() const { return capacity_; }        // bytes
  const std::string& fields() const { return fields_; }
  // Row is the most significant field: whole rows of all banks are contiguous.
  bool row_first() const { return row_first_; }

 private:
  struct Field {
    uint32_t shift = 0, mask = 0;
    uint32_t Get(uint64_t burst) const { return static_cast<uint32_t>(burst >> shift) & mask; }
    uint64_t Put(uint32_t value) const { return static_cast<uint64_t>(value & mask) << shift; }
  };
  Field row_, rank_, bank_, group_, column_, channel_;  // of the burst number
  uint32_t burst_shift_, bank_bits_;
  uint64_t capacity_;
  std::string fields_;
  bool row_first_;
};

inline DramLocation DramMapping::Locate(uint64_t address) const {
  const uint64_t burst = address >> burst_shift_;
  return {channel_.Get(burst), row_.Get(burst),
          (group_.Get(burst) << bank_bits_) | bank_.Get(burst), column_.Get(burst),
          rank_.Get(burst)};
}

}  // namespace nibble::memory
