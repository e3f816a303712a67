// How the weights of a convolution lie in memory, one output channel after the other:
//   codes:  [channel][segment][run_bytes]     scales: [channel][segment][scale_bytes]
// packed (models/numerics/packing.h), block scales little-endian.
// A segment is a kernel tap (its input channels in a run); a depthwise channel is one segment of
// kernel taps.
#pragma once

#include <cstdint>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "models/numerics/packing.h"
#include "models/numerics/quantize.h"
#include "models/numerics/wide_panel.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

struct WeightLayout {
  numerics::Format format = numerics::Format::kNvfp4;
  int block = 16;
  uint32_t segments = 0;
  uint32_t segment = 0;  // elements in a run

  uint32_t run_bytes() const {
    return numerics::PackedBytes(numerics::ElementBits(format), static_cast<int>(segment));
  }
  uint32_t scale_bytes() const {  // of one run
    return scale_bytes_per_block() * numerics::BlockCount(static_cast<int>(segment), block);
  }
  uint32_t scale_bytes_per_block() const {
    return static_cast<uint32_t>(numerics::BlockScaleBits(format)) / 8;
  }
  uint64_t code_bytes_per_channel() const { return uint64_t{segments} * run_bytes(); }
  uint64_t scale_bytes_per_channel() const { return uint64_t{segments} * scale_bytes(); }
};

// Calls set(channel, segment, codes, scales) for each run of weights that lie one after the other.
template <typename Set>
void ForEachRun(const WeightLayout& layout, uint32_t channels, const uint8_t* codes,
                const uint8_t* scales, Set set) {
  for (uint32_t n = 0; n < channels; ++n) {
    for (uint32_t s = 0; s < layout.segments; ++s) {
      set(n, s, codes, scales);
      codes += layout.run_bytes();
      scales += layout.scale_bytes();
    }
  }
}

inline WeightLayout WeightLayoutOf(const sim::Geometry& g) {
  const uint32_t taps = uint32_t{g.kernel_h} * g.kernel_w;
  WeightLayout layout;
  layout.format = static_cast<numerics::Format>(g.weight_format);
  layout.block = g.weight_block;
  layout.segments = g.depthwise ? 1 : taps;
  layout.segment = g.depthwise ? taps : g.group_channels();
  return layout;
}

// Layout of the input tensor that a convolution reads.
inline numerics::ActivationLayout InputLayoutOf(const sim::Geometry& g) {
  numerics::ActivationLayout layout;
  layout.format = static_cast<numerics::Format>(g.activation_format);
  layout.block = g.activation_block;
  layout.pixels = int{g.in_height} * g.in_width;
  layout.channels = g.in_channels;
  layout.strip_row = g.strips ? g.in_width : 0;
  return layout;
}

// What the dot products of a convolution take.
inline numerics::WideOperands OperandsOf(const sim::Geometry& g) {
  return {static_cast<numerics::Format>(g.activation_format),
          static_cast<numerics::Format>(g.weight_format), g.activation_block, g.weight_block,
          g.depthwise != 0};
}

// Accumulator tiles hold groups of 16 channels, [group][pixel][16] binary32.
inline constexpr uint32_t kAccGroup = 16;
inline uint64_t AccumulatorBytes(uint64_t pixels, uint32_t channels) {
  return (channels + kAccGroup - 1) / kAccGroup * pixels * kAccGroup * sizeof(float);
}

}  // namespace nibble::accel
