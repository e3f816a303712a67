// What a run of a compute engine needs of the scratchpads, and how long it waits for it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/memory/sram.h"

namespace nibble::accel {

class SramRun {
 public:
  SramRun(memory::SramPort::User user, size_t layer) : user_(user), layer_(layer) {}

  // Port cycles of reads and writes of `sram`; each scratchpad once.
  void Needs(memory::Sram& sram, uint64_t reads, uint64_t writes) {
    if (reads + writes > 0) needs_[count_++] = {&sram, {reads, writes}, {}};
  }
  // Cycles that the run takes at least for the scratchpads' bandwidth.
  uint64_t cycles() const {
    uint64_t most = 0;
    for (size_t i = 0; i < count_; ++i) {
      most = std::max(most, needs_[i].sram->Together(needs_[i].port.read, needs_[i].port.write));
    }
    return most;
  }
  // The run lasts `cycles` from `now` on, if nobody is in its way.
  void Begin(uint64_t now, uint64_t cycles) {
    begin_ = now;
    for (size_t i = 0; i < count_; ++i) {
      Need& need = needs_[i];
      need.taken = need.sram->Taken(user_, now);
      need.sram->Use(user_, now, now + cycles, need.port.read, need.port.write);
    }
  }
  // Cycles that the run has still to wait at `now`, for others had the ports; counted at the
  // scratchpad that makes it wait longest. 0: the run is complete.
  uint64_t Behind(uint64_t now) {
    uint64_t most = 0;
    memory::Sram* sram = nullptr;
    for (size_t i = 0; i < count_; ++i) {
      const Need& need = needs_[i];
      const uint64_t cycles = need.sram->Behind(user_, begin_, now, need.port, need.taken);
      if (cycles <= most) continue;
      most = cycles;
      sram = need.sram;
    }
    if (sram != nullptr) sram->CountStall(layer_, user_, most);
    return most;
  }

 private:
  struct Need {
    memory::Sram* sram = nullptr;
    memory::Sram::Share port, taken;
  };
  memory::SramPort::User user_;
  size_t layer_;
  uint64_t begin_ = 0;
  std::array<Need, 4> needs_;
  size_t count_ = 0;
};

}  // namespace nibble::accel
