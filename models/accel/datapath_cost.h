// What one block term of a dot-product datapath costs, in bits of adders and bit^2 of multipliers.
//
// An array multiplier of a x b bits costs in proportion to a * b, an adder in proportion to its
// width; the energy model prices both from published figures (platforms/energy). Widths are those
// of exact arithmetic.
#pragma once

#include <cstdint>

#include "models/numerics/exact.h"
#include "models/numerics/format_spec.h"

namespace nibble::accel {

// bit^2 of the multiplier of two elements: an array over their whole codes.
inline int ProductBits2(numerics::Format activations, numerics::Format weights) {
  return numerics::ElementBits(activations) * numerics::ElementBits(weights);
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

// bit^2 of the multiplier that applies scales with `significand_bits` (together; multiplied
// beforehand) to the exact, signed sum of `block` products of `product_bits` magnitude bits.
// 13 x 8 = 104 for two E4M3 scales of 4 bits each at block 16 and 8-bit products.
constexpr int ScaleApplyBits2(int block, int product_bits, int significand_bits) {
  return (product_bits + 1 + numerics::CarryBits(block)) * significand_bits;
}

// Bits of the adder of exponents that an E8M0 scale, or two, need for each term.
inline int ScaleExponentBits(numerics::Format activations, numerics::Format weights) {
  const auto power = [](numerics::Format format) {
    return numerics::SpecOf(format).block_scale == numerics::BlockScale::kE8M0 ? 1 : 0;
  };
  return 8 * (power(activations) + power(weights));
}

}  // namespace nibble::accel
