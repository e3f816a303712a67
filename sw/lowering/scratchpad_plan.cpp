#include "sw/lowering/scratchpad_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/lowering/lowering.h"

namespace nibble::lowering {

size_t ScratchpadPlan::Find(Tile tile) const {
  for (size_t i = 0; i < regions_.size(); ++i) {
    if (regions_[i].tile == tile) return i;
  }
  throw std::logic_error("a scratchpad tile is used after its place was given away");
}

ScratchpadPlan::Tile ScratchpadPlan::Allocate(uint64_t bytes, std::vector<CommandId>* after) {
  bytes = std::max<uint64_t>(Rounded(bytes), sim::kSramUnit);
  const auto overlaps = [](const Region& r, uint64_t begin, uint64_t end) {
    return r.begin < end && begin < r.end;
  };
  uint64_t begin = cursor_;
  for (bool wrapped = false;;) {
    if (begin + bytes > size_) {
      if (wrapped) {
        throw LoweringError(fmt::format("no room for a tile of {} bytes in {} = {} bytes", bytes,
                                        parameter_, size_));
      }
      wrapped = true;
      begin = 0;
      continue;
    }
    const auto kept = std::find_if(regions_.begin(), regions_.end(), [&](const Region& r) {
      return r.kept && overlaps(r, begin, begin + bytes);
    });
    if (kept == regions_.end()) break;
    begin = kept->end;
  }

  cursor_ = begin + bytes;
  return Occupy(begin, begin + bytes, after);
}

ScratchpadPlan::Tile ScratchpadPlan::AllocateAt(uint64_t begin, uint64_t bytes,
                                                std::vector<CommandId>* after) {
  return Occupy(begin, begin + Rounded(bytes), after);
}

ScratchpadPlan::Tile ScratchpadPlan::Occupy(uint64_t begin, uint64_t end,
                                            std::vector<CommandId>* after) {
  for (const Region& r : regions_) {
    if (r.begin < end && begin < r.end) after->insert(after->end(), r.users.begin(), r.users.end());
  }
  // A region that is covered only in part keeps its users for the rest of it.
  regions_.erase(std::remove_if(regions_.begin(), regions_.end(),
                                [&](const Region& r) { return begin <= r.begin && r.end <= end; }),
                 regions_.end());
  high_water_ = std::max(high_water_, static_cast<uint32_t>(end));
  regions_.push_back({next_tile_, begin, end, true, {}});
  return next_tile_++;
}

}  // namespace nibble::lowering
