#include "models/memory/dram_mapping.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

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

DramMapping::DramMapping(const DramDevice& device, uint32_t channels, const std::string& fields,
                         uint32_t ranks)
    : burst_shift_(Bits(device.burst_bytes, "burst byte")),
      bank_bits_(Bits(device.banks_per_group, "bank")),
      fields_(fields) {
  struct Known {
    const char* name;
    uint32_t count;
    Field* field;
    bool seen;
  };
  Known known[] = {{"row", device.rows, &row_, false},
                   {"rank", ranks, &rank_, ranks == 1},
                   {"bank", device.banks_per_group, &bank_, false},
                   {"bankgroup", device.bank_groups, &group_, false},
                   {"column", device.columns(), &column_, false},
                   {"channel", channels, &channel_, false}};
  const auto refuse = [&fields](const std::string& why) {
    throw std::invalid_argument("DRAM mapping \"" + fields + "\": " + why +
                                "; expected row, rank, bank, bankgroup, column and channel in any "
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
    if (std::find(order.begin(), order.end(), match) != order.end()) {
      refuse("\"" + word + "\" appears twice");
    }
    match->seen = true;
    order.push_back(match);
  }
  for (const Known& k : known) {
    if (!k.seen) refuse(std::string("\"") + k.name + "\" is missing");
  }
  row_first_ = order.front()->field == &row_;

  uint32_t shift = 0;
  for (auto k = order.rbegin(); k != order.rend(); ++k) {
    *(*k)->field = {shift, (*k)->count - 1};
    shift += Bits((*k)->count, (*k)->name);
  }
  capacity_ = uint64_t{1} << (shift + burst_shift_);
}

uint64_t DramMapping::Address(const DramLocation& at) const {
  return (row_.Put(at.row) | rank_.Put(at.rank) | bank_.Put(at.bank) |
          group_.Put(at.bank >> bank_bits_) | column_.Put(at.column) | channel_.Put(at.channel))
         << burst_shift_;
}

}  // namespace nibble::memory
