// AVX-512 with the 8-bit dot products of VNNI.
#include "models/numerics/kernels/generic.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define NIBBLE_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

namespace nibble::numerics::kernels {
namespace {

constexpr int kPixels = 8;

// The block sum of kCount pixels from `quads` whole quads. A constant count unrolls.
template <int kCount>
NIBBLE_AVX512 NIBBLE_INLINE void SumQuads(const uint8_t* a, ptrdiff_t stride, const int8_t* weights,
                                          int quads, __m512i* sum) {
  for (int q = 0; q < quads; ++q) {
    const __m512i bytes = _mm512_loadu_si512(weights + q * kTile * kQuad);
    for (int p = 0; p < kCount; ++p) {
      const int32_t quad = generic::LoadQuad(a + p * stride + q * kQuad);
      sum[p] = _mm512_dpbusd_epi32(sum[p], _mm512_set1_epi32(quad), bytes);
    }
  }
}

template <int kCount>
NIBBLE_AVX512 void AccumulatePixels(const Pixels<uint8_t>& pixels, const E2M1Tile& w,
                                    bool from_zero, float* acc) {
  const int blocks = BlockCount(w.length, w.block);
  const int8_t* weights = w.weights;
  __m512 total[kCount];
  for (int p = 0; p < kCount; ++p) {
    total[p] = from_zero ? _mm512_setzero_ps() : _mm512_loadu_ps(acc + p * kTile);
  }
  for (int b = 0; b < blocks; ++b) {
    const uint8_t* a = pixels.elements + static_cast<ptrdiff_t>(b) * w.block;
    const int count = std::min(w.block, w.length - b * w.block);
    const int quads = count / kQuad;
    __m512i sum[kCount];
    const __m512i start = _mm512_loadu_si512(w.starts + b * kTile);
    for (int p = 0; p < kCount; ++p) sum[p] = start;
    if (quads == 4) {
      SumQuads<kCount>(a, pixels.element_stride, weights, 4, sum);
    } else if (quads == 2) {
      SumQuads<kCount>(a, pixels.element_stride, weights, 2, sum);
    } else {
      SumQuads<kCount>(a, pixels.element_stride, weights, quads, sum);
    }
    weights += quads * kTile * kQuad;
    if (const int rest = count % kQuad; rest > 0) {
      const __m512i bytes = _mm512_loadu_si512(weights);
      for (int p = 0; p < kCount; ++p) {
        const int32_t quad = generic::LoadQuad(a + p * pixels.element_stride + quads * kQuad, rest);
        sum[p] = _mm512_dpbusd_epi32(sum[p], _mm512_set1_epi32(quad), bytes);
      }
      weights += kTile * kQuad;
    }
    const __m512 scales = _mm512_loadu_ps(w.scales + b * kTile);
    const __m512 base = _mm512_mul_ps(_mm512_set1_ps(kSumBase), scales);
    for (int p = 0; p < kCount; ++p) {
      // Both are exact but for the last addition: the sum has 15 bits, the scales 8 together.
      const __m512 scaled = _mm512_fmsub_ps(_mm512_castsi512_ps(sum[p]), scales, base);
      const __m512 scale = _mm512_set1_ps(pixels.scales[p * pixels.scale_stride + b]);
      total[p] = _mm512_fmadd_ps(scaled, scale, total[p]);
    }
  }
  for (int p = 0; p < kCount; ++p) _mm512_storeu_ps(acc + p * kTile, total[p]);
}

// As many pixels at a time as registers hold.
NIBBLE_AVX512 void AccumulateE2M1(const Pixels<uint8_t>& pixels, const E2M1Tile& w, bool from_zero,
                                  float* acc) {
  constexpr decltype(&AccumulatePixels<1>) kRest[kPixels] = {
      AccumulatePixels<1>, AccumulatePixels<2>, AccumulatePixels<3>, AccumulatePixels<4>,
      AccumulatePixels<5>, AccumulatePixels<6>, AccumulatePixels<7>, AccumulatePixels<8>};
  Pixels<uint8_t> a = pixels;
  while (a.count > 0) {
    const int count = std::min(a.count, kPixels);
    kRest[count - 1](a, w, from_zero, acc);
    a.elements += count * a.element_stride;
    a.scales += count * a.scale_stride;
    a.count -= count;
    acc += count * kTile;
  }
}

NIBBLE_AVX512 void AccumulateWide(const Pixels<double>& a, const WideTile& w, float* acc) {
  generic::AccumulateWide<64, 6>(a, w, acc);
}
NIBBLE_AVX512 void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w,
                                      int lanes, float* acc) {
  generic::AccumulateProducts<64>(a, stride, pixels, w, lanes, acc);
}
}  // namespace

const Kernels* Avx512Vnni() {
  static const Kernels kKernels = [] {
    Kernels kernels = *Avx2();  // what is limited by memory, or by scalar steps
    kernels.name = "avx512-vnni";
    kernels.accumulate_e2m1 = AccumulateE2M1;
    kernels.accumulate_wide = AccumulateWide;
    kernels.accumulate_products = AccumulateProducts;
    return kernels;
  }();
  return &kKernels;
}

}  // namespace nibble::numerics::kernels

#else

namespace nibble::numerics::kernels {
const Kernels* Avx512Vnni() { return nullptr; }
}  // namespace nibble::numerics::kernels

#endif
