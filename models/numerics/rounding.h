// How an element encoder rounds. Scales are always rounded to nearest even; only elements have a
// choice.
#pragma once

#include <cstdint>

namespace nibble::numerics {

enum class RoundingMode : uint8_t {
  kNearestEven,
  kTowardZero,
  kStochastic,  // floor(|y| / ulp + r), r uniform in steps of 2^-bits (PTX cvt.rs)
};

// The random numbers of stochastic rounding depend on the seed and the position of an element
// alone, so that a result does not depend on the order of evaluation.
struct Rounding {
  RoundingMode mode = RoundingMode::kNearestEven;
  uint64_t seed = 0;
  int bits = 16;  // of each random number, 1..32
};

// Output number `index` of the generator SplitMix64 (Steele, Lea, Flood 2014) seeded with `seed`.
constexpr uint64_t SplitMix64(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// The stream of random numbers of one of many tensors that share a seed.
constexpr Rounding StreamOf(Rounding rounding, uint64_t tensor) {
  rounding.seed = SplitMix64(rounding.seed, tensor);
  return rounding;
}

// Rounders: value / 2^shift to an integer, for value < 2^31 and shift >= 1.
struct RoundNearestEven {
  uint32_t operator()(uint32_t value, int shift) const {
    if (shift > 31) return 0;  // below half
    const uint32_t odd = (value >> shift) & 1;
    return (value + (1u << (shift - 1)) - 1 + odd) >> shift;
  }
};

struct RoundTowardZero {
  uint32_t operator()(uint32_t value, int shift) const { return shift > 31 ? 0 : value >> shift; }
};

struct RoundStochastic {
  uint64_t random;  // below 2^bits
  int bits;
  uint32_t operator()(uint32_t value, int shift) const {
    // floor(v + r) = floor((floor(v 2^bits) + r 2^bits) / 2^bits), as r 2^bits is an integer.
    const uint64_t fixed = shift > 63 ? 0 : (uint64_t{value} << bits) >> shift;
    return static_cast<uint32_t>((fixed + random) >> bits);
  }
};

}  // namespace nibble::numerics
