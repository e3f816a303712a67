#include "sw/study/sample.h"

#include <algorithm>
#include <random>
#include <set>
#include <stdexcept>

namespace nibble::study {

namespace {

// Tries for one point that the space allows and that is new; then the space is taken to be used up.
constexpr uint64_t kMostTries = 1000;

std::vector<uint32_t> Primes(size_t count) {
  std::vector<uint32_t> primes;
  for (uint32_t n = 2; primes.size() < count; ++n) {
    if (std::all_of(primes.begin(), primes.end(), [n](uint32_t p) { return n % p != 0; })) {
      primes.push_back(n);
    }
  }
  return primes;
}

// The digits of n in base `base`, mirrored at the point: in [0, 1). One rounding a step, the same
// everywhere.
double RadicalInverse(uint64_t n, uint32_t base) {
  double inverse = 0, digit = 1;
  for (; n > 0; n /= base) {
    digit /= base;
    inverse += static_cast<double>(n % base) * digit;
  }
  return inverse;
}

}  // namespace

std::vector<uint64_t> Sample(const Space& space, uint64_t count, uint64_t seed) {
  size_t dimensions = 1;
  for (const Space::Block& b : space.blocks()) {
    dimensions = std::max(dimensions, b.sizes.size() + 1);
  }
  const std::vector<uint32_t> bases = Primes(dimensions);
  std::mt19937_64 random(seed);  // specified by the standard, unlike the distributions
  std::vector<double> turn;
  for (size_t d = 0; d < dimensions; ++d) {
    turn.push_back(static_cast<double>(random() >> 11) * 0x1p-53);
  }
  const auto coordinate = [&](uint64_t n, size_t d, uint64_t values) {
    double x = RadicalInverse(n, bases[d]) + turn[d];
    if (x >= 1) x -= 1;
    return std::min(static_cast<uint64_t>(x * static_cast<double>(values)), values - 1);
  };
  std::set<uint64_t> points;
  uint64_t tries = 0;
  for (uint64_t n = 0; points.size() < count && tries < kMostTries; ++n, ++tries) {
    const Space::Block& block = space.BlockOf(coordinate(n, 0, space.size()));
    std::vector<uint32_t> digits;
    for (size_t a = 0; a < block.sizes.size(); ++a) {
      digits.push_back(static_cast<uint32_t>(coordinate(n, a + 1, block.sizes[a])));
    }
    const uint64_t number = space.Number(block, digits);
    if (space.Allows(number) && points.insert(number).second) tries = 0;
  }
  return {points.begin(), points.end()};
}

}  // namespace nibble::study
