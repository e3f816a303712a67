// AVX-512 with the 8-bit dot products of VNNI.
#include "models/numerics/kernels/generic.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define NIBBLE_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

namespace nibble::numerics::kernels {
namespace {

constexpr int kPixels = 8;

// _mm512_cvtepi32_ps, of which gcc 12 warns that it reads something uninitialised.
NIBBLE_AVX512 NIBBLE_INLINE __m512 ToFloat(__m512i x) {
  using I32x16 = int32_t __attribute__((vector_size(64)));
  return __builtin_convertvector(reinterpret_cast<I32x16>(x), generic::F32x16);
}

// The block sum of kCount pixels from `quads` whole quads. A constant count unrolls.
template <int kCount>
NIBBLE_AVX512 NIBBLE_INLINE void SumQuads(const int8_t* a, ptrdiff_t stride, const uint8_t* weights,
                                          int quads, __m512i* sum) {
  for (int q = 0; q < quads; ++q) {
    const __m512i bytes = _mm512_loadu_si512(weights + q * kTile * kQuad);
    for (int p = 0; p < kCount; ++p) {
      const int32_t quad = generic::LoadQuad(a + p * stride + q * kQuad);
      sum[p] = _mm512_dpbusd_epi32(sum[p], bytes, _mm512_set1_epi32(quad));
    }
  }
}

template <int kCount>
NIBBLE_AVX512 void AccumulatePixels(const Pixels<int8_t>& pixels, const int32_t* offsets,
                                    const E2M1Tile& w, float* acc) {
  const int blocks = BlockCount(w.length, w.block);
  const uint8_t* weights = w.weights;
  __m512 total[kCount];
  for (int p = 0; p < kCount; ++p) total[p] = _mm512_loadu_ps(acc + p * kTile);
  for (int b = 0; b < blocks; ++b) {
    const int8_t* a = pixels.elements + static_cast<ptrdiff_t>(b) * w.block;
    const int count = std::min(w.block, w.length - b * w.block);
    const int quads = count / kQuad;
    __m512i sum[kCount];
    for (int p = 0; p < kCount; ++p) sum[p] = _mm512_set1_epi32(offsets[p * blocks + b]);
    if (quads == 4) {
      SumQuads<kCount>(a, pixels.element_stride, weights, 4, sum);
    } else {
      SumQuads<kCount>(a, pixels.element_stride, weights, quads, sum);
    }
    weights += quads * kTile * kQuad;
    if (const int rest = count % kQuad; rest > 0) {
      const __m512i bytes = _mm512_loadu_si512(weights);
      for (int p = 0; p < kCount; ++p) {
        const int32_t quad = generic::LoadQuad(a + p * pixels.element_stride + quads * kQuad, rest);
        sum[p] = _mm512_dpbusd_epi32(sum[p], bytes, _mm512_set1_epi32(quad));
      }
      weights += kTile * kQuad;
    }
    const __m512 scales = _mm512_loadu_ps(w.scales + b * kTile);
    for (int p = 0; p < kCount; ++p) {
      const __m512 scale =
          _mm512_mul_ps(_mm512_set1_ps(pixels.scales[p * pixels.scale_stride + b]), scales);
      // Exact but for the addition: the scales have 8 bits together, the sum 15.
      total[p] = _mm512_fmadd_ps(ToFloat(sum[p]), scale, total[p]);
    }
  }
  for (int p = 0; p < kCount; ++p) _mm512_storeu_ps(acc + p * kTile, total[p]);
}

// As many pixels at a time as registers hold.
NIBBLE_AVX512 void AccumulateE2M1(const Pixels<int8_t>& pixels, const int32_t* offsets,
                                  const E2M1Tile& w, float* acc) {
  constexpr decltype(&AccumulatePixels<1>) kRest[kPixels] = {
      AccumulatePixels<1>, AccumulatePixels<2>, AccumulatePixels<3>, AccumulatePixels<4>,
      AccumulatePixels<5>, AccumulatePixels<6>, AccumulatePixels<7>, AccumulatePixels<8>};
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

NIBBLE_AVX512 void BlockOffsets(const Pixels<int8_t>& a, int length, int block, int32_t* offsets) {
  generic::BlockOffsets(a, length, block, offsets);
}
NIBBLE_AVX512 void AccumulateWide(const Pixels<double>& a, const WideTile& w, float* acc) {
  generic::AccumulateWide(a, w, acc);
}
NIBBLE_AVX512 void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w,
                                      int lanes, float* acc) {
  generic::AccumulateProducts(a, stride, pixels, w, lanes, acc);
}
}  // namespace

const Kernels* Avx512Vnni() {
  static const Kernels kKernels = [] {
    Kernels kernels = *Avx2();  // what is limited by memory, or by scalar steps
    kernels.name = "avx512-vnni";
    kernels.accumulate_e2m1 = AccumulateE2M1;
    kernels.block_offsets = BlockOffsets;
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
