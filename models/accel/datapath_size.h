// How large the dot-product units of an engine are, as far as a design point says: sizes in the
// terms in which energy is counted (datapath_cost.h, models/numerics/multiplier_lut.h), for a
// comparison of areas.
#pragma once

#include <cstdint>

#include "models/accel/config.h"
#include "models/numerics/accumulator_spec.h"
#include "models/numerics/datapath.h"

namespace nibble::accel {

// Of all units together.
struct DatapathSize {
  uint64_t units = 0;
  uint64_t multipliers = 0;  // of elements
  // Array multipliers: 0 with tables.
  uint64_t multiplier_bits2 = 0;
  // Table multipliers: 0 with arrays.
  uint64_t table_bits = 0, exponent_adder_bits = 0, multiplexers = 0;
  // Adders of the products of a block. A unit of more lanes than a term has products has a tree for
  // each term; one of fewer has an adder besides, which sums the parts. None where each lane
  // accumulates by itself.
  uint64_t tree_bits = 0;
  uint64_t accumulator_bits = 0;  // of the registers
};

// Units of `lanes` multipliers and `accumulators` accumulators each, for operands in the formats of
// the whole network.
struct UnitShape {
  uint64_t units = 1;
  uint32_t lanes = 16, accumulators = 1;
};
DatapathSize SizeOf(const UnitShape& shape, const numerics::Datapath& datapath,
                    numerics::Multiplier multiplier);

// Products that the exact accumulator has room for in these sizes: more than any layer of the
// networks that edge parts run (7 x 7 x 512 of VGG-16's first fully connected layer are 25,088).
inline constexpr int64_t kExactProducts = 1 << 15;

}  // namespace nibble::accel
