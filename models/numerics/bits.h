// The bit pattern of a binary32 word.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace nibble::numerics {

static_assert(std::numeric_limits<float>::is_iec559 && sizeof(float) == 4);

// IEEE leaves the payload of a NaN result to the machine; this is the only NaN that enters the
// arithmetic here.
inline constexpr uint32_t kCanonicalNan = 0x7FC00000;
inline constexpr uint32_t kInfinity = 0x7F800000;

inline uint32_t FloatBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float BitsFloat(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline uint32_t MagnitudeBits(float x) { return FloatBits(x) & 0x7FFFFFFF; }

// 2^exponent, exponent in -126..127.
inline float PowerOfTwo(int exponent) {
  return BitsFloat(static_cast<uint32_t>(exponent + 127) << 23);
}

}  // namespace nibble::numerics
