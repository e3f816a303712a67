#include "sw/trace/synthetic.h"

namespace nibble::trace {

float SyntheticValue(uint64_t seed, uint64_t index, uint32_t gain) {
  // Four uniforms a word, added two and two in its halves.
  constexpr uint64_t kEven = 0x0000FFFF0000FFFF;
  uint64_t halves = 0;
  for (uint64_t word = 0; word < 3; ++word) {
    const uint64_t bits = Splitmix64(seed, 3 * index + word);
    halves += (bits & kEven) + (bits >> 16 & kEven);
  }
  const auto sum = static_cast<int64_t>((halves & 0xFFFFFFFF) + (halves >> 32));
  constexpr int64_t kMean = 12 * 65535 / 2;
  // Offset by 2^40 so that the shift floors a number that is never negative: |product| < 2^39.
  constexpr int64_t kOffset = int64_t{1} << 40;
  const int64_t product = (sum - kMean) * static_cast<int64_t>(gain);
  const int64_t scaled = ((product + kOffset + (1 << 15)) >> 16) - (kOffset >> 16);
  return static_cast<float>(scaled) * 0x1p-16f;  // |scaled| < 2^23: both steps are exact
}

}  // namespace nibble::trace
