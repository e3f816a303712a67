// What a convolution tile costs the tensor unit: cycles, operations and scratchpad bytes, all from
// its shape. Plain functions of the command word, so that lowering estimates with the very numbers
// that the unit will spend.
#pragma once

#include <cstdint>

#include "models/accel/config.h"
#include "models/numerics/accumulator_spec.h"
#include "models/numerics/multiplier_lut.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

// Operations that do not depend on the array's shape. Padding taps are computed (on zeros), as an
// array does.
struct ConvolveOperations {
  uint64_t macs = 0;
  // Element x element: the size of array multipliers in bit^2, or what table multipliers consist of
  // (models/numerics/multiplier_lut.h), added up.
  uint64_t product_bits2 = 0;
  uint64_t product_signs = 0, product_exponent_bits = 0, product_muxes = 0;
  uint64_t block_terms = 0;        // terms scaled and accumulated
  uint64_t scale_bits2 = 0;        // multiplier size of block scale x block scale, added up
  uint64_t scale_apply_bits2 = 0;  // multiplier size of block sum x scale, added up
  uint64_t exponent_bits = 0;      // adder bits of E8M0 scales, added up
  uint64_t tree_bits = 0;          // adder bits of the block sums, added up
  // Accumulations, by the adder that the accumulator has.
  uint64_t fp32_adds = 0, fp16_adds = 0, bf16_adds = 0;
  uint64_t fixed_add_bits = 0;  // integer adder bits (exact, fused, fixed), added up
};
// In groups: output channels from `channel` on, `group_outputs` to a group; where the blocks of a
// group's activations begin decides how many terms there are.
struct GroupRange {
  uint32_t channel = 0, group_outputs = 0;
};
// Work of these that gating saves (Gating, config.h); not in groups. `macs` and `block_terms` count
// it all the same; what costs energy does not.
struct GatedWork {
  uint64_t products = 0;
  uint64_t whole_terms = 0;  // of OperandsOf(geometry).term() products
  uint64_t tail_terms = 0;   // of the rest of a tap's channels
};
ConvolveOperations OperationsOf(const sim::Geometry& geometry, uint64_t pixels, uint32_t channels,
                                const numerics::AccumulatorSpec& accumulator = {},
                                numerics::Multiplier multiplier = numerics::Multiplier::kArray,
                                const GatedWork& gated = {}, const GroupRange& groups = {});

struct TensorCost {
  uint64_t cycles = 0;  // with SRAM bandwidth to spare
  uint64_t act_read_bytes = 0, weight_read_bytes = 0, acc_read_bytes = 0, acc_write_bytes = 0;
  uint64_t act_scale_bytes = 0, weight_scale_bytes = 0;  // block scales among those read
};
TensorCost TensorCostOf(const TensorConfig& config, const sim::Geometry& geometry, uint64_t pixels,
                        uint32_t channels);

}  // namespace nibble::accel
