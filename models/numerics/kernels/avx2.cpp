// AVX2 with FMA.
#include "models/numerics/kernels/generic.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define NIBBLE_AVX2 __attribute__((target("avx2,fma")))

namespace nibble::numerics::kernels {
namespace {

constexpr int kPixels = 6;
constexpr int kLanes = 8;  // 32-bit lanes of a register: half a tile

// One half of a tile. A 16-bit lane of a block sum takes at most 128 / 4 pairs of products of
// 12 * 24: no more than 18432, so that the pairs are added in 16 bits and widened once per block.
template <int kCount>
NIBBLE_AVX2 void AccumulateHalf(const Pixels<int8_t>& pixels, const int32_t* offsets,
                                const E2M1Tile& w, int half, float* acc) {
  const int blocks = BlockCount(w.length, w.block);
  const __m256i ones = _mm256_set1_epi16(1);
  const uint8_t* weights = w.weights + half * kLanes * kQuad;
  const float* w_scales = w.scales + half * kLanes;
  acc += half * kLanes;
  __m256 total[kCount];
  for (int p = 0; p < kCount; ++p) total[p] = _mm256_loadu_ps(acc + p * kTile);
  for (int b = 0; b < blocks; ++b, w_scales += kTile) {
    __m256i sum[kCount];
    for (int p = 0; p < kCount; ++p) sum[p] = _mm256_setzero_si256();
    const int8_t* a = pixels.elements + static_cast<ptrdiff_t>(b) * w.block;
    int left = std::min(w.block, w.length - b * w.block);
    for (; left >= kQuad; left -= kQuad, a += kQuad, weights += kTile * kQuad) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
      for (int p = 0; p < kCount; ++p) {
        const __m256i quad = _mm256_set1_epi32(generic::LoadQuad(a + p * pixels.element_stride));
        sum[p] = _mm256_add_epi16(sum[p], _mm256_maddubs_epi16(bytes, quad));
      }
    }
    if (left > 0) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
      for (int p = 0; p < kCount; ++p) {
        const int32_t quad = generic::LoadQuad(a + p * pixels.element_stride, left);
        sum[p] = _mm256_add_epi16(sum[p], _mm256_maddubs_epi16(bytes, _mm256_set1_epi32(quad)));
      }
      weights += kTile * kQuad;
    }
    const __m256 scales = _mm256_loadu_ps(w_scales);
    for (int p = 0; p < kCount; ++p) {
      const __m256i exact = _mm256_add_epi32(_mm256_madd_epi16(sum[p], ones),
                                             _mm256_set1_epi32(offsets[p * blocks + b]));
      const __m256 scale =
          _mm256_mul_ps(_mm256_set1_ps(pixels.scales[p * pixels.scale_stride + b]), scales);
      // Exact but for the addition: the scales have 8 bits together, the sum 15.
      total[p] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(exact), scale, total[p]);
    }
  }
  for (int p = 0; p < kCount; ++p) _mm256_storeu_ps(acc + p * kTile, total[p]);
}

template <int kCount>
NIBBLE_AVX2 void AccumulatePixels(const Pixels<int8_t>& pixels, const int32_t* offsets,
                                  const E2M1Tile& w, float* acc) {
  AccumulateHalf<kCount>(pixels, offsets, w, 0, acc);
  AccumulateHalf<kCount>(pixels, offsets, w, 1, acc);
}

// As many pixels at a time as registers hold.
NIBBLE_AVX2 void AccumulateE2M1(const Pixels<int8_t>& pixels, const int32_t* offsets,
                                const E2M1Tile& w, float* acc) {
  constexpr decltype(&AccumulatePixels<1>) kRest[kPixels] = {
      AccumulatePixels<1>, AccumulatePixels<2>, AccumulatePixels<3>,
      AccumulatePixels<4>, AccumulatePixels<5>, AccumulatePixels<6>};
  const int blocks = BlockCount(w.length, w.block);
  Pixels<int8_t> a = pixels;
  while (a.count > 0) {
    const int count = std::min(a.count, kPixels);
    kRest[count - 1](a, offsets, w, acc);
    a.elements += count * a.element_stride;
    a.scales += count * a.scale_stride;
    a.count -= count;
    offsets += count * blocks;
    acc += count * kTile;
  }
}

NIBBLE_AVX2 void BlockOffsets(const Pixels<int8_t>& a, int length, int block, int32_t* offsets) {
  generic::BlockOffsets(a, length, block, offsets);
}
NIBBLE_AVX2 void AccumulateWide(const Pixels<double>& a, const WideTile& w, float* acc) {
  generic::AccumulateWide(a, w, acc);
}
NIBBLE_AVX2 void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w,
                                    int lanes, float* acc) {
  generic::AccumulateProducts(a, stride, pixels, w, lanes, acc);
}
NIBBLE_AVX2 void DecodeE2M1(const uint8_t* packed, int count, int8_t* twice) {
  generic::DecodeE2M1(packed, count, twice);
}
NIBBLE_AVX2 void QuantizeNvfp4(const float* x, int count, int block, const TensorScale& scale,
                               uint8_t* packed, uint8_t* scales) {
  generic::QuantizeNvfp4(x, count, block, scale, packed, scales);
}

}  // namespace

const Kernels* Avx2() {
  static constexpr Kernels kKernels = {"avx2",         AccumulateE2M1,     BlockOffsets,
                                       AccumulateWide, AccumulateProducts, DecodeE2M1,
                                       QuantizeNvfp4};
  return &kKernels;
}

}  // namespace nibble::numerics::kernels

#else

namespace nibble::numerics::kernels {
const Kernels* Avx2() { return nullptr; }
}  // namespace nibble::numerics::kernels

#endif
