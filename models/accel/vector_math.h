// Operations of the vector unit: counts from the shape of a tile, values in FP32. Plain C++.
#pragma once

#include <cstdint>

#include "models/numerics/quantize.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

struct VectorOperations {
  uint64_t fp32_muls = 0, fp32_adds = 0;
  uint64_t compares = 0;  // activation bounds, block maxima, saturation
  uint64_t divides = 0;   // reciprocals of block scales, the mean of a pool
  uint64_t encodes = 0;   // roundings to elements and scales; additions of exponents

  VectorOperations& operator+=(const VectorOperations& o);
  bool operator==(const VectorOperations& o) const;
};
// Operations of one word under the state of its last kVectorConfig.
VectorOperations OperationsOf(const sim::Command& command, const sim::Epilogue& state);

// Scratchpad bytes that one word reads and writes.
struct VectorTraffic {
  uint64_t acc_read_bytes = 0, acc_write_bytes = 0, out_read_bytes = 0, out_write_bytes = 0;
  uint64_t out_read_scale_bytes = 0;   // block scales and parameters among those read
  uint64_t out_write_scale_bytes = 0;  // block scales among those written
};
VectorTraffic TrafficOf(const sim::Command& command, const sim::Epilogue& state);

// Activation function of an Epilogue; NaN passes through.
inline float Activate(const sim::Epilogue& state, float y) {
  if (state.activation == 1) return y < 0.0f ? 0.0f : y;
  if (state.activation == 2) return y < state.lo ? state.lo : (y > state.hi ? state.hi : y);
  return y;
}
// The same of `count` values in place.
void Activate(const sim::Epilogue& state, float* y, uint32_t count);

}  // namespace nibble::accel
