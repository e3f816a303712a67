// AVX-512 with the 8-bit dot products of VNNI.
#include "models/numerics/kernels/generic.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define NIBBLE_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

namespace nibble::numerics::kernels {
namespace {

constexpr int kPixels = 8;

// Adds the term of one block of `count` elements to the totals of kCount pixels. kQuads: that many
// whole quads, which unroll; 0: any count.
template <int kCount, int kQuads>
NIBBLE_AVX512 NIBBLE_INLINE void AddBlock(const E2M1Pixels& pixels, const E2M1Tile& w, int b,
                                          const int8_t* weights, int count, __m512* total) {
  const uint8_t* a = pixels.elements + static_cast<ptrdiff_t>(b) * w.block;
  const __m512i start = _mm512_loadu_si512(w.starts + b * kTile);
  __m512i sum[kCount];
  for (int p = 0; p < kCount; ++p) sum[p] = start;
  const int quads = kQuads > 0 ? kQuads : count / kQuad;
  for (int q = 0; q < quads; ++q, weights += kTile * kQuad) {
    const __m512i bytes = _mm512_loadu_si512(weights);
    for (int p = 0; p < kCount; ++p) {
      const int32_t quad = generic::LoadQuad(a + p * pixels.element_stride + q * kQuad);
      sum[p] = _mm512_dpbusd_epi32(sum[p], _mm512_set1_epi32(quad), bytes);
    }
  }
  if (kQuads == 0 && count % kQuad > 0) {
    const __m512i bytes = _mm512_loadu_si512(weights);
    for (int p = 0; p < kCount; ++p) {
      const int32_t quad =
          generic::LoadQuad(a + p * pixels.element_stride + quads * kQuad, count % kQuad);
      sum[p] = _mm512_dpbusd_epi32(sum[p], _mm512_set1_epi32(quad), bytes);
    }
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

template <int kCount>
NIBBLE_AVX512 void AccumulatePixels(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                    float* acc) {
  __m512 total[kCount];
  for (int p = 0; p < kCount; ++p) {
    total[p] = from_zero ? _mm512_setzero_ps() : _mm512_loadu_ps(acc + p * kTile);
  }
  const int whole = w.length / w.block, rest = w.length % w.block;
  const int stride = (w.block + kQuad - 1) / kQuad * kQuad * kTile;  // of the weights of a block
  const int8_t* weights = w.weights;
  if (w.block == 16) {
    for (int b = 0; b < whole; ++b, weights += stride) {
      AddBlock<kCount, 4>(pixels, w, b, weights, 16, total);
    }
  } else {
    for (int b = 0; b < whole; ++b, weights += stride) {
      AddBlock<kCount, 0>(pixels, w, b, weights, w.block, total);
    }
  }
  if (rest == 8) {
    AddBlock<kCount, 2>(pixels, w, whole, weights, rest, total);
  } else if (rest > 0) {
    AddBlock<kCount, 0>(pixels, w, whole, weights, rest, total);
  }
  for (int p = 0; p < kCount; ++p) _mm512_storeu_ps(acc + p * kTile, total[p]);
}

// As many pixels at a time as registers hold.
NIBBLE_AVX512 void AccumulateE2M1(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                  float* acc) {
  constexpr decltype(&AccumulatePixels<1>) kRest[kPixels] = {
      AccumulatePixels<1>, AccumulatePixels<2>, AccumulatePixels<3>, AccumulatePixels<4>,
      AccumulatePixels<5>, AccumulatePixels<6>, AccumulatePixels<7>, AccumulatePixels<8>};
  generic::AccumulateGroups(kRest, pixels, w, from_zero, acc);
}

NIBBLE_AVX512 void AccumulateWide(const WidePixels& a, const WideTile& w, float* acc) {
  generic::AccumulateWide<64, 6>(a, w, acc);
}
NIBBLE_AVX512 void AccumulateWideProducts(const double* a, ptrdiff_t stride, int pixels,
                                          const double* w, int lanes, bool exact, float* acc) {
  generic::AccumulateWideProducts(a, stride, pixels, w, lanes, exact, acc);
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
    kernels.accumulate_wide_products = AccumulateWideProducts;
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
