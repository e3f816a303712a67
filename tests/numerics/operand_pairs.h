// Random dot products over all pairs of formats.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

#include "models/numerics/accumulate.h"
#include "tests/numerics/any_operands.h"

namespace nibble::numerics {

inline constexpr Accumulation kKinds[] = {
    Accumulation::kFp32,  Accumulation::kFp32Rz, Accumulation::kExact, Accumulation::kFused,
    Accumulation::kLanes, Accumulation::kFp16,   Accumulation::kBf16,  Accumulation::kFixed};

inline AccumulatorSpec Spec(Accumulation kind) {
  AccumulatorSpec spec;
  spec.kind = kind;
  return spec;
}

inline bool Takes(const AccumulatorSpec& spec, Format activations, Format weights) {
  try {
    CheckOperands(spec, activations, weights);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

// One dot product: a row of activations by a row of weights, whose blocks may differ.
struct Dot {
  Dot(Random& random, Format activations, Format weights, Draw draw, int most = 150)
      : a(random, activations, random.Block(), 1, random.Int(1, most), draw),
        w(random, weights, random.Block(), 1, a.length, draw) {}
  int block() const { return std::min(a.block, w.block); }
  std::vector<OperandBlock> Blocks() const {
    std::vector<OperandBlock> blocks;
    for (int k = 0; k < a.length; k += block()) {
      blocks.push_back({a.format, a.code(0, k), a.scale(0, k), w.format, w.code(0, k),
                        w.scale(0, k), std::min(block(), a.length - k)});
    }
    return blocks;
  }
  uint32_t Sum(const AccumulatorSpec& spec) const {
    Accumulator accumulator(spec, block());
    for (const OperandBlock& b : Blocks()) accumulator.AddBlock(b);
    return FloatBits(accumulator.Result());
  }

  AnyRows a, w;
};

template <typename Law>
void ForAllPairs(Law law) {
  for (const Format activations : CodedFormats()) {
    for (const Format weights : CodedFormats()) {
      INFO(FormatName(activations) << " by " << FormatName(weights));
      law(activations, weights);
    }
  }
}

// Bits of a block scale's significand; 0 for powers of two.
inline int ScaleBits(BlockScale scale) {
  switch (scale) {
    case BlockScale::kE4M3:
      return 4;
    case BlockScale::kFp16:
      return 11;
    case BlockScale::kFp32:
      return 24;
    default:
      return 0;
  }
}

}  // namespace nibble::numerics
