// Parameters of the engines that both platforms are made of.
#pragma once

#include <cstdint>

#include "models/numerics/multiplier_lut.h"

namespace nibble::accel {

enum class Dataflow : uint8_t {
  kOutputStationary,  // accumulators stay in registers; operands are read every cycle
  kWeightStationary,  // a weight block stays in registers; accumulators are read and written every
                      // cycle
};

struct TensorConfig {
  uint32_t rows = 16;   // output channels in parallel
  uint32_t cols = 4;    // output pixels in parallel
  uint32_t lanes = 16;  // multipliers of one dot-product unit, along the input channels
  Dataflow dataflow = Dataflow::kOutputStationary;
  uint32_t latency = 8;  // cycles from the last operand to the accumulator
};

// Which energy a dot-product unit saves on zeros; no choice changes a bit.
enum class Gating : uint8_t {
  kNone,
  kOperand,  // a multiplier of which an operand is zero holds its inputs
  kBlock,    // besides, a block whose products are all zero, or a scale of which is, is not summed,
             // scaled and accumulated
};

inline const char* GatingName(Gating gating) {
  static constexpr const char* kNames[] = {"none", "operand", "block"};
  return kNames[static_cast<int>(gating)];
}

// How dot-product units are built, beyond what decides bits.
struct ComputeConfig {
  numerics::Multiplier multiplier = numerics::Multiplier::kArray;
  Gating gating = Gating::kNone;
  bool count_zeros = false;  // count what the data did where no gating asks for it

  bool counts_data() const { return count_zeros || gating != Gating::kNone; }
};

struct VectorConfig {
  uint32_t lanes = 16;    // elements a cycle
  uint32_t latency = 12;  // pipeline depth, cycles
};

struct DmaConfig {
  uint32_t chunk = 4096;  // bytes of one bus transaction at most
};

struct FetchConfig {
  uint32_t queue_depth = 32;  // command words waiting at each engine at most
  uint32_t batch = 32;        // command words fetched in one transaction
};

}  // namespace nibble::accel
