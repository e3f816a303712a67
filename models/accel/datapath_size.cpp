#include "models/accel/datapath_size.h"

#include <algorithm>

#include "models/accel/datapath_cost.h"
#include "models/numerics/accumulate.h"

namespace nibble::accel {

namespace {

using numerics::Accumulation;

int AccumulatorBits(const numerics::Datapath& d, uint32_t lanes) {
  switch (d.accumulator.kind) {
    case Accumulation::kFp16:
    case Accumulation::kBf16:
      return 16;
    case Accumulation::kFixed:
      return d.accumulator.fixed_bits;
    case Accumulation::kExact:
      return numerics::ExactRegisterBits(d.activations, d.weights, kExactProducts);
    case Accumulation::kLanes:
      return 32 * static_cast<int>(lanes);
    case Accumulation::kFp32:
    case Accumulation::kFp32Rz:
    case Accumulation::kFused:
      break;
  }
  return 32;
}

// Adder bits of one unit.
int AdderBits(const numerics::Datapath& d, int lanes) {
  if (d.accumulator.kind == Accumulation::kLanes) return 0;
  const bool exact = numerics::AddsBlocksExactly(d.activations, d.weights);
  const int term = exact ? d.term_block() : 1;
  const int product_bits = numerics::ProductBits(d.activations, d.weights);
  const int together = std::min(lanes, term);  // products that one tree adds in a cycle
  int bits = lanes / together * TreeBits(together, product_bits);
  if (term > lanes) bits += product_bits + 1 + numerics::CarryBits(term);
  return bits;
}

}  // namespace

DatapathSize SizeOf(const UnitShape& shape, const numerics::Datapath& d,
                    numerics::Multiplier multiplier) {
  DatapathSize size;
  size.units = shape.units;
  size.multipliers = shape.units * shape.lanes;
  if (multiplier == numerics::Multiplier::kArray) {
    size.multiplier_bits2 = size.multipliers * ProductBits2(d.activations, d.weights);
  } else {
    const numerics::LutSize table = numerics::MultiplierTableSize(d.weights);
    size.table_bits = size.multipliers * table.bits();
    size.exponent_adder_bits = size.multipliers * table.exponent_bits;
    size.multiplexers = size.multipliers * table.muxes();
  }
  size.tree_bits = shape.units * AdderBits(d, static_cast<int>(shape.lanes));
  size.accumulator_bits = shape.units * shape.accumulators * AccumulatorBits(d, shape.lanes);
  return size;
}

}  // namespace nibble::accel
