// Parameters of the engines that both platforms are made of.
#pragma once

#include <cstdint>

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
