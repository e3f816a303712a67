// Encoders and decoders of the element and scale formats (shared notes: numerics, section 1).
//
// All encoders round binary32 to nearest, ties to even, with gradual underflow. "Saturating" is what
// hardware calls satfinite: overflow and infinities give the largest finite value with their sign.
// NaN gives +max where the format has no NaN (E2M1), and the positive NaN code otherwise.
#pragma once

#include <cstdint>

namespace nibble::numerics {

enum class Overflow : uint8_t {
  kSaturate,  // overflow and infinity -> largest finite value of the same sign
  kIeee,      // overflow and infinity -> infinity (E5M2, FP16, BF16) or NaN (E4M3); E2M1 saturates
};

// E2M1: sign, 2 exponent bits (bias 1), 1 mantissa bit; magnitudes 0, .5, 1, 1.5, 2, 3, 4, 6. Code in bits 3:0.
uint8_t EncodeE2M1(float x);
float DecodeE2M1(uint8_t code);
// Twice the value of an E2M1 code, an exact integer in -12..12: 0, 1, 2, 3, 4, 6, 8, 12 and negatives.
int8_t TwiceE2M1(uint8_t code);

// E4M3 (FN): bias 7, largest 448 (0x7E), smallest normal 2^-6, smallest subnormal 2^-9, NaN 0x7F/0xFF.
uint8_t EncodeE4M3(float x, Overflow overflow = Overflow::kSaturate);
float DecodeE4M3(uint8_t code);

// E5M2: IEEE-like, bias 15, largest 57344.
uint8_t EncodeE5M2(float x, Overflow overflow = Overflow::kSaturate);
float DecodeE5M2(uint8_t code);

// E8M0: 2^(code - 127); 0xFF is NaN; there is no zero. For x == 0 the code is 0; NaN and infinity give 0xFF.
uint8_t EncodeE8M0Floor(float x);  // floor(log2 |x|), the OCP MX rule
uint8_t EncodeE8M0Ceil(float x);   // ceil(log2 |x|), cvt.rp
float DecodeE8M0(uint8_t code);

// IEEE binary16 and bfloat16.
uint16_t EncodeFp16(float x, Overflow overflow = Overflow::kSaturate);
float DecodeFp16(uint16_t code);
uint16_t EncodeBf16(float x, Overflow overflow = Overflow::kSaturate);
float DecodeBf16(uint16_t code);

// An unsigned E4M3 block scale as significand * 2^exponent; the sign bit is ignored.
struct ScaleParts {
  int32_t significand;  // 0..15
  int32_t exponent;     // -9..5
};
ScaleParts SplitE4M3(uint8_t code);
inline bool IsNanE4M3(uint8_t code) { return (code & 0x7F) == 0x7F; }

}  // namespace nibble::numerics
