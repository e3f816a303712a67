// Places tiles in one scratchpad, round and round, and remembers who still uses what lies there.
//
// Nothing is partitioned beforehand: tiles follow each other as in a ring, so that the next tile,
// or the next layer's weights, move in as soon as there is room. Whoever writes a new tile must
// wait for the users of what it covers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/lowering/emitter.h"

namespace nibble::lowering {

class ScratchpadPlan {
 public:
  // `parameter`: the design parameter that sets the size, named when something does not fit.
  // `base`: first byte.
  ScratchpadPlan(std::string parameter, uint32_t size, uint32_t base = 0)
      : parameter_(std::move(parameter)), size_(size), base_(base) {}

  using Tile = int;
  // A place for `bytes`, kept until Release. Adds to `after` the words that use what lay there
  // before. Throws LoweringError when there is no room beside the tiles that are kept.
  Tile Allocate(uint64_t bytes, std::vector<CommandId>* after);
  // The same at a fixed place, which no kept tile may overlap.
  Tile AllocateAt(uint64_t begin, uint64_t bytes, std::vector<CommandId>* after);
  void Use(Tile tile, CommandId user) { regions_[Find(tile)].users.push_back(user); }
  // No word emitted later uses the tile.
  void Release(Tile tile) { regions_[Find(tile)].kept = false; }

  uint16_t unit(Tile tile, uint64_t offset = 0) const {
    return static_cast<uint16_t>((base_ + regions_[Find(tile)].begin + offset) / sim::kSramUnit);
  }
  uint32_t size() const { return size_; }
  uint32_t high_water() const { return high_water_; }

  // Bytes rounded up to whole address units.
  static uint64_t Rounded(uint64_t bytes) {
    return (bytes + sim::kSramUnit - 1) / sim::kSramUnit * sim::kSramUnit;
  }

 private:
  struct Region {
    Tile tile;
    uint64_t begin, end;
    bool kept;
    std::vector<CommandId> users;
  };
  size_t Find(Tile tile) const;
  Tile Occupy(uint64_t begin, uint64_t end, std::vector<CommandId>* after);

  std::string parameter_;
  uint32_t size_, base_, high_water_ = 0;
  uint64_t cursor_ = 0;
  Tile next_tile_ = 0;
  std::vector<Region> regions_;
};

}  // namespace nibble::lowering
