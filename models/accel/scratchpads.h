// The four scratchpads that the engines of a machine share.
#pragma once

#include "models/memory/sram.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

struct Scratchpads {
  memory::Sram act, weight, acc, out;

  memory::Sram& operator[](sim::Buffer buffer) {
    switch (buffer) {
      case sim::Buffer::kAct:
        return act;
      case sim::Buffer::kWeight:
        return weight;
      case sim::Buffer::kAcc:
        return acc;
      case sim::Buffer::kOut:
        break;
    }
    return out;
  }
  const memory::Sram& operator[](sim::Buffer buffer) const {
    return const_cast<Scratchpads&>(*this)[buffer];
  }
  uint8_t* at(sim::Buffer buffer, uint16_t unit) {
    return (*this)[buffer].data(unit * sim::kSramUnit);
  }
};

}  // namespace nibble::accel
