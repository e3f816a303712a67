// Zeros among the operands and products of a tile.
//
// A product is zero where one operand is (of either sign) and the other is finite; a term where all
// its products are, or a block scale is, and nothing in it is NaN or infinite
// (models/numerics/density.h). Taps on padding count: the array computes on zeros there, so that
// all their activations, products and terms are zero, whatever the weight.
#pragma once

#include <cstdint>

#include "models/accel/unpacked_tile.h"

namespace nibble::accel {

struct TileZeros {
  uint64_t activations = 0;  // zero codes, each read once for every output pixel and tap
  uint64_t weights = 0;      // zero codes, each read once
  uint64_t products = 0;
  uint64_t whole_terms = 0;  // of OperandsOf(geometry).term() products
  uint64_t tail_terms = 0;   // of the rest of a tap's channels
};

// Of a tile whose operands are unpacked. Products are counted by reduction index: with `a` zero
// activations of P pixels and `w` zero weights of N channels there, a N + w P - a w are zero.
TileZeros CountTileZeros(const sim::Geometry& geometry, const sim::Convolve& run,
                         const UnpackedTile& tile);

}  // namespace nibble::accel
