#include <sstream>
#include <stdexcept>
#include <utility>

#include "models/memory/dram.h"

namespace nibble::memory {
namespace {

// log2 of a power of two; refuses anything else.
uint32_t Bits(uint64_t count, const char* what) {
  if (count == 0 || (count & (count - 1)) != 0) {
    throw std::invalid_argument(std::string("DRAM mapping: number of ") + what +
                                "s must be a power of two, not " + std::to_string(count));
  }
  uint32_t bits = 0;
  while (count >> (bits + 1)) ++bits;
  return bits;
}

}  // namespace

DramMapping::DramMapping(const DramDevice& device, uint32_t channels, const std::string& fields)
    : burst_shift_(Bits(device.burst_bytes, "burst byte")),
      bank_bits_(Bits(device.banks_per_group, "bank")) {
  struct Known {
    const char* name;
    uint32_t count;
    Field* field;
    bool seen;
  };
  Known known[] = {{"row", device.rows, &row_, false},
                   {"bank", device.banks_per_group, &bank_, false},
                   {"bankgroup", device.bank_groups, &group_, false},
                   {"column", device.columns(), &column_, false},
                   {"channel", channels, &channel_, false}};
  const auto refuse = [&fields](const std::string& why) {
    throw std::invalid_argument("DRAM mapping \"" + fields + "\": " + why +
                                "; expected row, then bank, bankgroup, column and channel in any "
                                "order, each once, from most to least significant");
  };

  std::vector<Known*> order;
  std::istringstream words(fields);
  for (std::string word; words >> word;) {
    Known* match = nullptr;
    for (Known& k : known) {
      if (word == k.name) match = &k;
    }
    if (match == nullptr) refuse("unknown field \"" + word + "\"");
    if (std::exchange(match->seen, true)) refuse("\"" + word + "\" appears twice");
    order.push_back(match);
  }
  for (const Known& k : known) {
    if (!k.seen) refuse(std::string("\"") + k.name + "\" is missing");
  }
  if (order.front()->field != &row_) refuse("\"row\" does not come first");

  uint32_t shift = 0;
  for (auto k = order.rbegin(); k != order.rend(); ++k) {
    *(*k)->field = {shift, (*k)->count - 1};
    shift += Bits((*k)->count, (*k)->name);
  }
  capacity_ = uint64_t{1} << (shift + burst_shift_);
}

DramLocation DramMapping::Locate(uint64_t address) const {
  const uint64_t burst = address >> burst_shift_;
  return {channel_.Get(burst), row_.Get(burst),
          (group_.Get(burst) << bank_bits_) | bank_.Get(burst), column_.Get(burst)};
}

uint64_t DramMapping::Address(const DramLocation& at) const {
  return (row_.Put(at.row) | bank_.Put(at.bank) | group_.Put(at.bank >> bank_bits_) |
          column_.Put(at.column) | channel_.Put(at.channel))
         << burst_shift_;
}

}  // namespace nibble::memory
