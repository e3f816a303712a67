// Shapes of what a word of the vector unit reads and writes: what its counts have in common.
#pragma once

#include "models/numerics/activation_store.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

inline uint64_t Elements(const sim::Elementwise& tile) {
  return uint64_t{tile.pixels} * tile.channels;
}

inline numerics::ActivationLayout LayoutOf(uint64_t pixels, uint32_t channels,
                                           sim::StoredAs stored) {
  return {static_cast<numerics::Format>(stored.format()), stored.block(), static_cast<int>(pixels),
          static_cast<int>(channels)};
}

// Of what is written.
inline numerics::ActivationLayout OutLayoutOf(uint64_t pixels, uint32_t channels,
                                              const sim::Epilogue& state,
                                              const sim::Geometry& windows) {
  numerics::ActivationLayout layout = LayoutOf(pixels, channels, state.out);
  if (state.flags & sim::kStrips) layout.strip_row = windows.out_width;
  return layout;
}

// Pixels of the second operand of a multiplication.
inline uint64_t SecondPixels(const sim::Command& command) {
  return command.flags & sim::kBroadcast ? 1 : command.elementwise.pixels;
}

// The unit holds no row: each of three passes reads the tile anew.
inline constexpr uint64_t kRowPasses = 3;

}  // namespace nibble::accel
