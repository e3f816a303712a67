// Encoders and decoders of the element and scale formats (shared notes: numerics, section 1).
//
// All encoders round binary32 to nearest, ties to even, with gradual underflow. "Saturating" is
// what hardware calls satfinite: overflow and infinities give the largest finite value with their
// sign. NaN gives +max where the format has no NaN (E2M1, E2M3, E3M2), and otherwise the positive
// NaN code with all mantissa bits set.
#pragma once

#include <cstdint>

#include "models/numerics/bits.h"

namespace nibble::numerics {

enum class Overflow : uint8_t {
  kSaturate,  // overflow and infinity -> largest finite value of the same sign
  kIeee,      // overflow and infinity -> infinity (E5M2, FP16, BF16) or NaN (E4M3); E2M1 saturates
};

// E2M1: sign, 2 exponent bits (bias 1), 1 mantissa bit; magnitudes 0, .5, 1, 1.5, 2, 3, 4, 6. Code
// in bits 3:0. Inline and free of branches, because every activation passes here and the loops
// around them vectorise.
inline uint8_t EncodeE2M1(float x) {
  const uint32_t bits = FloatBits(x);
  const auto magnitude = static_cast<int32_t>(bits & 0x7FFFFFFF);  // ordered as |x|, NaN above all
  // The code is the number of midpoints below |x|; a midpoint itself belongs to the neighbour with
  // an even code.
  const int32_t code = (magnitude > 0x3E800000) +   // 0.25 -> 0
                       (magnitude >= 0x3F400000) +  // 0.75 -> 1
                       (magnitude > 0x3FA00000) +   // 1.25 -> 1
                       (magnitude >= 0x3FE00000) +  // 1.75 -> 2
                       (magnitude > 0x40200000) +   // 2.5  -> 2
                       (magnitude >= 0x40600000) +  // 3.5  -> 4
                       (magnitude > 0x40A00000);    // 5    -> 4
  const int32_t sign = magnitude > 0x7F800000 ? 0 : static_cast<int32_t>(bits >> 31) << 3;
  return static_cast<uint8_t>(code | sign);
}

inline constexpr float kE2M1[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                    -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
inline float DecodeE2M1(uint8_t code) { return kE2M1[code & 15]; }

// Twice the value of an E2M1 code, an exact integer in -12..12.
inline constexpr int16_t kTwiceE2M1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
inline int16_t TwiceE2M1(uint8_t code) { return kTwiceE2M1[code & 15]; }

// E2M3: bias 1, largest 7.5, step 2^-3 below 2. E3M2: bias 3, largest 28, smallest 2^-4. Six bits,
// no infinity, no NaN: both saturate. Code in bits 5:0.
uint8_t EncodeE2M3(float x);
float DecodeE2M3(uint8_t code);
uint8_t EncodeE3M2(float x);
float DecodeE3M2(uint8_t code);

// E4M3 (FN): bias 7, largest 448 (0x7E), smallest normal 2^-6, smallest subnormal 2^-9, NaN
// 0x7F/0xFF.
uint8_t EncodeE4M3(float x, Overflow overflow = Overflow::kSaturate);
float DecodeE4M3(uint8_t code);

// E5M2: IEEE-like, bias 15, largest 57344.
uint8_t EncodeE5M2(float x, Overflow overflow = Overflow::kSaturate);
float DecodeE5M2(uint8_t code);

// E8M0: 2^(code - 127); 0xFF is NaN; there is no zero. For x == 0 the code is 0; NaN and infinity
// give 0xFF. Finite magnitudes beyond 2^-127..2^127 give the nearest end.
uint8_t EncodeE8M0Floor(float x);  // floor(log2 |x|), the OCP MX rule
uint8_t EncodeE8M0Ceil(float x);   // ceil(log2 |x|), cvt.rp
float DecodeE8M0(uint8_t code);

// IEEE binary16 and bfloat16.
uint16_t EncodeFp16(float x, Overflow overflow = Overflow::kSaturate);
float DecodeFp16(uint16_t code);
uint16_t EncodeBf16(float x, Overflow overflow = Overflow::kSaturate);
float DecodeBf16(uint16_t code);

// An unsigned E4M3 block scale as significand * 2^exponent; the sign bit is ignored. Not for NaN.
struct ScaleParts {
  int32_t significand;  // 0..15
  int32_t exponent;     // -9..5
};
ScaleParts SplitE4M3(uint8_t code);
inline bool IsNanE4M3(uint8_t code) { return (code & 0x7F) == 0x7F; }

}  // namespace nibble::numerics
