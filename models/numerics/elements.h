// The elements of all formats behind one interface, for quantisers and tables; inner loops use the
// encoders of formats.h directly. Codes lie in the low bits; integers are two's complement.
#pragma once

#include <cstdint>

#include "models/numerics/format_spec.h"
#include "models/numerics/rounding.h"

namespace nibble::numerics {

int ElementBits(Element element);
float ElementMax(Element element);   // largest finite value
float ElementStep(Element element);  // smallest positive value

// Saturating; NaN as in formats.h, and the largest value for integers. kFp32 has no code here:
// throws std::invalid_argument. `index` is the position of the element in its tensor, which
// stochastic rounding depends on.
uint16_t EncodeElement(Element element, float x, const Rounding& rounding = {}, uint64_t index = 0);
float DecodeElement(Element element, uint16_t code);

// The same of `count` elements, the first of them at position `index`.
void EncodeElements(Element element, const float* x, int count, const Rounding& rounding,
                    uint64_t index, uint16_t* codes);
void DecodeElements(Element element, const uint16_t* codes, int count, float* values);

// Symmetric integers: rint(x), ties to even, clipped to +-7 and +-127.
uint8_t EncodeInt4(float x);
uint8_t EncodeInt8(float x);
inline float DecodeInt4(uint8_t code) { return static_cast<float>(((code & 15) ^ 8) - 8); }
inline float DecodeInt8(uint8_t code) { return static_cast<float>((code ^ 128) - 128); }

}  // namespace nibble::numerics
