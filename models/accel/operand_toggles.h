// What the operand registers of an array of dot-product units load, and the bits that change there.
//
// rows x cols units of `lanes` multipliers. A tile goes through the array by groups of `rows`
// output channels, and for each by groups of `cols` output pixels, in ascending order, incomplete
// groups last:
//   output stationary  for each channel group, pixel group, kernel tap, step of `lanes` channels
//   weight stationary  for each channel group, kernel tap, step of `lanes` channels, pixel group
// (innermost last). The registers are those at the edges of the array:
//   activations  cols x lanes, each broadcast along a column to all rows
//   weights      rows x lanes, each broadcast along a row to all columns; weight stationary: loaded
//                once a step
// A depthwise unit adds one product a cycle, so that its taps are the steps and one lane is used;
// its activations are those of its own channel: rows x cols registers, nothing is broadcast. Zeros
// are loaded for padding. A last step of fewer channels, and an incomplete group, leave the other
// registers as they are. All hold zero at the start of a tile.
#pragma once

#include <cstdint>

#include "models/accel/config.h"
#include "models/accel/unpacked_tile.h"
#include "models/numerics/density.h"

namespace nibble::accel {

struct OperandArray {
  uint32_t rows = 1, cols = 1, lanes = 1;
  Dataflow dataflow = Dataflow::kOutputStationary;
  // Sets of activation registers that load the same: more than one where the rows lie in several
  // places.
  uint32_t activation_sets = 1;
};

// How often each operand of a tile is loaded: activations as TileZeros counts them (once for every
// output pixel and tap), and weights.
struct OperandLoads {
  uint64_t of_activation, of_weight;
};
OperandLoads LoadsOf(const OperandArray& array, const sim::Geometry& geometry, uint64_t pixels,
                     uint32_t channels);

struct OperandToggles {
  numerics::Toggles activations, weights;
};
OperandToggles CountToggles(const OperandArray& array, const sim::Geometry& geometry,
                            const sim::Convolve& run, const UnpackedTile& tile);

}  // namespace nibble::accel
