// What one block term of a dot-product datapath costs, in bits of adders and bit^2 of multipliers.
//
// An array multiplier of a x b bits costs in proportion to a * b, an adder in proportion to its
// width; the energy model prices both from published figures (platforms/energy). Widths are those
// of exact arithmetic.
#pragma once

#include <cstdint>

#include "models/numerics/datapath.h"

namespace nibble::accel {

// Magnitude bits of one exact product of an E2M1 activation and a weight, in units of the smallest
// product step.
constexpr int ProductBits(numerics::Format weights) {
  switch (weights) {
    case numerics::Format::kFp8:
      return 22;  // 12 halves * 448 * 2^9 < 2^22
    case numerics::Format::kFp16:
      return 44;  // 12 halves * 65504 * 2^24 < 2^44
    default:
      return 8;  // E2M1: 12 * 12 quarters = 144 < 2^8
  }
}

// Bits by which a sum of `terms` numbers can be longer than one of them.
constexpr int CarryBits(int terms) {
  int bits = 0;
  while ((int64_t{1} << bits) < terms) ++bits;
  return bits;
}

// Adder bits of the tree that sums `block` products of `product_bits` magnitude bits: the first
// adders are two bits wider (sign and carry), each level one bit wider than the one before. 161 at
// block 16 and 8-bit products.
constexpr int TreeBits(int block, int product_bits) {
  int bits = 0;
  for (int terms = block, width = product_bits + 2; terms > 1; terms -= terms / 2, ++width) {
    bits += terms / 2 * width;
  }
  return bits;
}

// bit^2 of the multiplier that applies `scales` E4M3 scales (significands of 4 bits each,
// multiplied beforehand) to the exact, signed sum of `block` products of `product_bits` magnitude
// bits. 13 x 8 = 104 for two scales at block 16 and 8-bit products.
constexpr int ScaleApplyBits2(int block, int product_bits, int scales) {
  return (product_bits + 1 + CarryBits(block)) * 4 * scales;
}

}  // namespace nibble::accel
