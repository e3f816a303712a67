// Synthetic weights: every element is a function of (seed, index) alone, in integer arithmetic, so
// that any machine and any number of threads make the same bits.
#pragma once

#include <cstdint>

namespace nibble::trace {

// Output `counter` of the splitmix64 sequence that starts at `seed` (Steele, Lea, Flood: "Fast
// splittable pseudorandom number generators", OOPSLA 2014; constants of the reference
// implementation by S. Vigna).
inline uint64_t Splitmix64(uint64_t seed, uint64_t counter) {
  uint64_t z = seed + (counter + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Largest standard deviation, 16.0: up to it every value is exact in binary32.
inline constexpr uint32_t kMaxGain = 1u << 20;
inline constexpr uint32_t kBiasGain = 1u << 12;  // standard deviation 1/16

// Element `index`: an Irwin-Hall variate of twelve 16-bit uniforms, whose standard deviation is
// 2^16 (less one part in 2^33) since each has variance (2^32 - 1) / 12; centred, scaled by gain *
// 2^-16 rounding half up, and read as a multiple of 2^-16. |value| < 6 * gain * 2^-16.
float SyntheticValue(uint64_t seed, uint64_t index, uint32_t gain);

// The seed of a layer's bias, apart from that of its weights.
inline uint64_t BiasSeed(uint64_t seed) { return Splitmix64(~seed, 0); }

}  // namespace nibble::trace
