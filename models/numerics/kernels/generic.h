// Kernels in plain C++ with the vector types of gcc and clang: the portable target as they are, and
// inlined into functions of the other targets, which then compile them to their own instructions.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cstring>

#include "models/numerics/bits.h"
#include "models/numerics/formats.h"
#include "models/numerics/kernels/kernels.h"

// A function of a target takes in only what is forced into it.
#define NIBBLE_INLINE __attribute__((always_inline)) inline

namespace nibble::numerics::kernels::generic {

template <typename Element, int kBytes>
struct VectorOf {
  typedef Element Type __attribute__((vector_size(kBytes)));  // NOLINT: no alias takes it
};
template <typename Element, int kBytes>
using Vector = typename VectorOf<Element, kBytes>::Type;
using I16x8 = int16_t __attribute__((vector_size(16)));
using I8x8 = int8_t __attribute__((vector_size(8)));

template <typename To, typename Element>
NIBBLE_INLINE void Load(const Element* from, To* to) {
  std::memcpy(to, from, sizeof *to);
}
template <typename From, typename Element>
NIBBLE_INLINE void Store(const From& from, Element* to) {
  std::memcpy(to, &from, sizeof from);
}

// The four bytes of a quad as one word, for a broadcast; or `count` < 4, where the block ends.
NIBBLE_INLINE int32_t LoadQuad(const uint8_t* a, int count) {
  int32_t quad = 0;
  for (int i = 0; i < count; ++i) quad |= static_cast<int32_t>(a[i]) << 8 * i;
  return quad;
}
NIBBLE_INLINE int32_t LoadQuad(const uint8_t* a) {
  int32_t quad;
  std::memcpy(&quad, a, sizeof quad);
  return quad;
}

// Hands pixels to `groups` in groups of at most kPixels; groups[n - 1] takes n of them.
template <int kPixels>
NIBBLE_INLINE void AccumulateGroups(void (*const (&groups)[kPixels])(const E2M1Pixels&,
                                                                     const E2M1Tile&, bool, float*),
                                    const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                    float* acc) {
  E2M1Pixels a = pixels;
  while (a.count > 0) {
    const int count = std::min(a.count, kPixels);
    groups[count - 1](a, w, from_zero, acc);
    a.elements += count * a.element_stride;
    a.scales += count * a.scale_stride;
    a.count -= count;
    acc += count * kTile;
  }
}

NIBBLE_INLINE void AccumulateE2M1(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                  float* acc) {
  const int blocks = BlockCount(w.length, w.block);
  for (int p = 0; p < pixels.count; ++p, acc += kTile) {
    const uint8_t* a = pixels.elements + p * pixels.element_stride;
    const float* a_scales = pixels.scales + p * pixels.scale_stride;
    const int8_t* weights = w.weights;
    if (from_zero) std::fill_n(acc, kTile, 0.0f);
    for (int b = 0; b < blocks; ++b) {
      // Two lanes of four 16-bit sums each: at most 128 / 4 products of 24 * 12.
      I16x8 sums[kTile / 2] = {};
      int left = std::min(w.block, w.length - b * w.block);
      for (; left > 0; left -= kQuad, a += kQuad, weights += kTile * kQuad) {
        int16_t quad[kQuad] = {};
        for (int i = 0; i < std::min(left, kQuad); ++i) quad[i] = a[i];
        const I16x8 twice = {quad[0], quad[1], quad[2], quad[3],
                             quad[0], quad[1], quad[2], quad[3]};
        for (int i = 0; i < kTile / 2; ++i) {
          I8x8 bytes;
          Load(weights + 8 * i, &bytes);
          sums[i] += __builtin_convertvector(bytes, I16x8) * twice;
        }
      }
      a += left;  // back to the end of a block that is no whole number of quads
      for (int n = 0; n < kTile; ++n) {
        int32_t sum = w.starts[b * kTile + n] - kSumBaseBits;
        for (int i = 0; i < kQuad; ++i) sum += sums[n / 2][n % 2 * kQuad + i];
        // The scales have 8 bits together, the sum 15: exact but for the addition.
        acc[n] += static_cast<float>(sum) * (a_scales[b] * w.scales[b * kTile + n]);
      }
    }
  }
}

// kBytes is the width of the target's registers.
template <int kBytes, int kPixels>
NIBBLE_INLINE void AccumulateWidePixels(const WidePixels& pixels, const WideTile& w, float* acc) {
  constexpr int kLanes = kBytes / 8;
  constexpr int kParts = kTile / kLanes;
  using Doubles = Vector<double, kBytes>;
  using Floats = Vector<float, kBytes / 2>;
  const double* a[kPixels];
  for (int p = 0; p < kPixels; ++p) a[p] = pixels.elements + p * pixels.element_stride;
  const float* weights = w.weights;
  const double* scales = w.scales;
  const int blocks = BlockCount(w.length, w.block);
  for (int b = 0; b < blocks; ++b, scales += kTile) {
    Doubles sums[kPixels][kParts] = {};
    const int end = std::min((b + 1) * w.block, w.length);
    for (int k = b * w.block; k < end; ++k, weights += kTile) {
      for (int i = 0; i < kParts; ++i) {
        Floats lanes;
        Load(weights + i * kLanes, &lanes);
        const Doubles wide = __builtin_convertvector(lanes, Doubles);
        for (int p = 0; p < kPixels; ++p) sums[p][i] += a[p][k] * wide;
      }
    }
    for (int p = 0; p < kPixels; ++p) {
      const double scale = pixels.scales[p * pixels.scale_stride + b];
      if (w.exact_in_double) {
        for (int i = 0; i < kParts; ++i) {
          Doubles w_scales;
          Floats total;
          Load(scales + i * kLanes, &w_scales);
          Load(acc + p * kTile + i * kLanes, &total);
          // Two steps, for the product of the scales is exact, too.
          total += __builtin_convertvector(sums[p][i] * (w_scales * scale), Floats);
          Store(total, acc + p * kTile + i * kLanes);
        }
      } else {
        double lanes[kTile];
        std::memcpy(lanes, sums[p], sizeof lanes);
        for (int n = 0; n < kTile; ++n) {
          acc[p * kTile + n] += RoundProduct(lanes[n], scales[n] * scale);
        }
      }
    }
  }
}

template <int kBytes, int kPixels>
NIBBLE_INLINE void AccumulateWide(WidePixels a, const WideTile& w, float* acc) {
  for (; a.count >= kPixels; a.count -= kPixels) {
    AccumulateWidePixels<kBytes, kPixels>(a, w, acc);
    a.elements += kPixels * a.element_stride;
    a.scales += kPixels * a.scale_stride;
    acc += kPixels * kTile;
  }
  for (; a.count > 0; --a.count) {
    AccumulateWidePixels<kBytes, 1>(a, w, acc);
    a.elements += a.element_stride;
    a.scales += a.scale_stride;
    acc += kTile;
  }
}

NIBBLE_INLINE void AccumulateWideProducts(const double* a, ptrdiff_t stride, int pixels,
                                          const double* w, int lanes, bool exact, float* acc) {
  for (int p = 0; p < pixels; ++p, a += stride, acc += kTile) {
    if (!exact) {
      for (int n = 0; n < lanes; ++n) acc[n] += RoundProduct(a[n], w[n]);
    } else if (lanes == kTile) {  // a constant count becomes vectors
      for (int n = 0; n < kTile; ++n) acc[n] += static_cast<float>(a[n] * w[n]);
    } else {
      for (int n = 0; n < lanes; ++n) acc[n] += static_cast<float>(a[n] * w[n]);
    }
  }
}

template <int kBytes>
NIBBLE_INLINE void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w,
                                      int lanes, float* acc) {
  if (lanes < kTile) {
    for (int p = 0; p < pixels; ++p, a += stride, acc += kTile) {
      for (int n = 0; n < lanes; ++n) acc[n] += a[n] * w[n];
    }
    return;
  }
  constexpr int kParts = kTile * 4 / kBytes;
  using Floats = Vector<float, kBytes>;
  Floats weights[kParts];
  std::memcpy(weights, w, sizeof weights);
  for (int p = 0; p < pixels; ++p, a += stride, acc += kTile) {
    for (int i = 0; i < kParts; ++i) {
      Floats x, sum;
      Load(a + i * kBytes / 4, &x);
      Load(acc + i * kBytes / 4, &sum);
      sum += x * weights[i];
      Store(sum, acc + i * kBytes / 4);
    }
  }
}

// Of a code in 0..15; comparisons become vector lanes.
NIBBLE_INLINE uint8_t ElementOf(int8_t code) {
  const auto m = static_cast<int8_t>(code & 7);
  const auto twice = static_cast<int8_t>(m + (m > 4 ? 1 : 0) + (m > 5 ? 1 : 0) + (m > 6 ? 3 : 0));
  return static_cast<uint8_t>(kOffset + (code > 7 ? -twice : twice));
}

NIBBLE_INLINE void DecodeE2M1(const uint8_t* packed, int count, uint8_t* elements) {
  for (int i = 0; i < count / 2; ++i) {
    elements[2 * i] = ElementOf(static_cast<int8_t>(packed[i] & 15));
    elements[2 * i + 1] = ElementOf(static_cast<int8_t>(packed[i] >> 4));
  }
  if (count % 2 != 0) elements[count - 1] = ElementOf(static_cast<int8_t>(packed[count / 2] & 15));
}

// The scale byte of a block with largest magnitude `amax`, and the factor of its elements
// (QuantizeNvfp4Block says why).
struct BlockScale {
  uint8_t byte;
  float encode;
};
NIBBLE_INLINE BlockScale Nvfp4BlockScale(float amax, const TensorScale& scale) {
  constexpr float kOneSixth = 0x1.555556p-3f;  // RNE32(1 / 6)
  const uint8_t byte = EncodeE4M3(amax * (scale.encode * kOneSixth));
  const float encode = 1.0f / (DecodeE4M3(byte) * scale.decode);
  return {byte, encode < FLT_MAX ? encode : FLT_MAX};
}

constexpr int kMaxCodes = 128;  // codes held before they are packed; even

NIBBLE_INLINE uint8_t QuantizeBlock(const float* x, int count, const TensorScale& scale,
                                    uint8_t* packed) {
  int32_t amax = 0;  // magnitudes order as their bit patterns do; NaN is ignored
  for (int i = 0; i < count; ++i) {
    const auto magnitude = static_cast<int32_t>(MagnitudeBits(x[i]));
    const int32_t number = magnitude > static_cast<int32_t>(kInfinity) ? 0 : magnitude;
    amax = number > amax ? number : amax;
  }
  const auto [scale_byte, encode] = Nvfp4BlockScale(BitsFloat(static_cast<uint32_t>(amax)), scale);
  uint8_t codes[kMaxCodes];
  for (int begin = 0; begin < count; begin += kMaxCodes) {
    const int part = count - begin < kMaxCodes ? count - begin : kMaxCodes;
    for (int i = 0; i < part; ++i) codes[i] = EncodeE2M1(x[begin + i] * encode);
    for (int i = 0; i < part / 2; ++i) {
      packed[begin / 2 + i] = static_cast<uint8_t>(codes[2 * i] | codes[2 * i + 1] << 4);
    }
    if (part % 2 != 0) packed[(begin + part) / 2] = codes[part - 1];
  }
  return scale_byte;
}

NIBBLE_INLINE void QuantizeNvfp4(const float* x, int count, int block, const TensorScale& scale,
                                 uint8_t* packed, uint8_t* scales) {
  int begin = 0;
  if (block == 16) {  // a constant count unrolls
    for (; begin + 16 <= count; begin += 16) {
      *scales++ = QuantizeBlock(x + begin, 16, scale, packed + begin / 2);
    }
  }
  for (; begin < count; begin += block) {
    *scales++ = QuantizeBlock(x + begin, std::min(block, count - begin), scale, packed + begin / 2);
  }
}

}  // namespace nibble::numerics::kernels::generic
