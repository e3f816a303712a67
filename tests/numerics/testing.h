// Shared by the tests of the numerics: bit patterns and random inputs.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "models/numerics/bits.h"

namespace nibble::numerics {

inline std::vector<uint32_t> Bits(const std::vector<float>& x) {
  std::vector<uint32_t> bits;
  bits.reserve(x.size());
  for (float value : x) bits.push_back(FloatBits(value));
  return bits;
}

// A std:: distribution may differ between libraries, the engine may not.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t Word() { return static_cast<uint32_t>(engine_()); }
  // first..last, both included.
  int Int(int first, int last) {
    return first + static_cast<int>(Word() % static_cast<uint32_t>(last - first + 1));
  }
  // Bell-shaped, about unit variance.
  float Value() {
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<float>(Int(-32768, 32768)) * 0x1p-15f;
    return sum;
  }
  std::vector<float> Values(int count) {
    std::vector<float> x(static_cast<size_t>(count));
    for (float& value : x) value = Value();
    return x;
  }
  int Block() { return 8 << Int(0, 4); }

 private:
  std::mt19937 engine_;
};

}  // namespace nibble::numerics
