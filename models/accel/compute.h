// What the compute engines (tensor unit, banks) have in common: the arithmetic of a tile, what it
// costs, and the counters of both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/accel/config.h"
#include "models/accel/convolver.h"
#include "models/accel/operand_toggles.h"
#include "models/accel/scratchpads.h"
#include "models/accel/tensor_cost.h"
#include "models/accel/tile_zeros.h"
#include "models/sim_core/counters.h"
#include "models/sim_core/program.h"

namespace nibble::accel {

// A row per layer.
struct ComputeCounters {
  uint64_t macs = 0, block_terms = 0;
  uint64_t product_bits2 = 0, product_signs = 0, product_exponent_bits = 0, product_muxes = 0;
  uint64_t scale_bits2 = 0, scale_apply_bits2 = 0, exponent_bits = 0, tree_bits = 0;
  uint64_t fp32_adds = 0, fp16_adds = 0, bf16_adds = 0, fixed_add_bits = 0;
  uint64_t overflows = 0;
  uint64_t activation_loads = 0, zero_activations = 0, weight_loads = 0, zero_weights = 0;
  uint64_t zero_products = 0, zero_blocks = 0, products_of_zero_blocks = 0;
  uint64_t activation_sign_toggles = 0, activation_exponent_toggles = 0,
           activation_mantissa_toggles = 0;
  uint64_t weight_sign_toggles = 0, weight_exponent_toggles = 0, weight_mantissa_toggles = 0;
  uint64_t stall_sram_cycles = 0;

  void Add(const ConvolveOperations& operations);
};

// The zeros that a tile is expected to have, of operands with these shares of zeros that do not
// depend on each other; padding is counted.
TileZeros ExpectZeros(const sim::Geometry& geometry, const sim::Convolve& run,
                      const sim::ZeroShares& shares);

// What a design point says of both engines.
struct ComputeSetup {
  numerics::AccumulatorSpec accumulator;
  ComputeConfig config;
  // No bits are computed, and zeros are expected from the shares that a program has.
  bool timing_only = false;
};

class ComputeUnit {
 public:
  ComputeUnit(const ComputeSetup& setup, const OperandArray& array, size_t layers);

  void Register(sim::CounterRegistry& registry, const std::string& component) const;
  std::vector<ComputeCounters>& rows() { return rows_; }

  void Configure(const sim::Geometry& geometry) { convolvers_.Configure(geometry); }
  const sim::Geometry& geometry() const { return convolvers_.current().geometry(); }
  bool timing_only() const { return setup_.timing_only; }
  // Timing only: layers of `program`, which must outlive its jobs, follow.
  void ExpectZerosOf(const sim::Program& program) { program_ = &program; }

  // As Convolver's functions of these names.
  void ResetWeights(uint32_t channels);
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes, const uint8_t* scales);
  void LoadWeights(const uint8_t* codes, const uint8_t* scales, uint32_t channels);

  // Counts what the tile takes and, unless timing only, computes it with the weights set last.
  void Run(const sim::Command& command, Scratchpads& scratchpads);
  void BreakNext() { convolvers_.BreakNext(); }  // test hook

 private:
  // Counts what the data of the tile does; returns what gating saves of it.
  GatedWork CountData(const sim::Command& command, Scratchpads& scratchpads);
  void BookZeros(const TileZeros& zeros, const sim::Convolve& run, ComputeCounters& row) const;

  ComputeSetup setup_;
  const sim::Program* program_ = nullptr;
  OperandArray array_;
  Convolvers convolvers_;
  UnpackedTile tile_;  // for the counts of data
  std::vector<ComputeCounters> rows_;
};

}  // namespace nibble::accel
