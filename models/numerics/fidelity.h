// What a quantised tensor keeps of the tensor that it was made from.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/block_tensor.h"

namespace nibble::numerics {

struct Fidelity {
  uint64_t elements = 0;
  uint64_t zero_codes = 0;  // elements stored as +0 or -0
  // Elements that would round beyond the largest one, if there were a larger (for E2M1: of
  // magnitude 7 and more under their scales). Those under a block scale that underflowed are not
  // counted.
  uint64_t saturated = 0;
  uint64_t not_finite = 0;        // NaN and infinite inputs
  uint64_t blocks = 0;            // 0 in a format without block scales, and so are the next two
  uint64_t zero_blocks = 0;       // all codes are zero
  uint64_t scale_underflows = 0;  // the scale is stored as 0, and some element is not 0
  // Sums over the elements whose input is finite, in binary64.
  double signal = 0;  // of x^2
  double noise = 0;   // of (x - dequantised)^2
};

// `x` is what `tensor` was quantised from, [rows][columns].
Fidelity CompareWithSource(const BlockTensor& tensor, const float* x);

// Bits that an element takes on average, scales and padding to whole bytes included.
// `with_outer` counts the outer scales of 32 bits.
double StoredBitsPerElement(const BlockTensor& tensor, bool with_outer);

}  // namespace nibble::numerics
