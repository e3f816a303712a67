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
NIBBLE_AVX2 void AccumulateHalf(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                int half, float* acc) {
  const int blocks = BlockCount(w.length, w.block);
  const __m256i ones = _mm256_set1_epi16(1);
  const int8_t* weights = w.weights + half * kLanes * kQuad;
  const float* w_scales = w.scales + half * kLanes;
  const int32_t* starts = w.starts + half * kLanes;
  const __m256 sum_base = _mm256_set1_ps(kSumBase);
  acc += half * kLanes;
  __m256 total[kCount];
  for (int p = 0; p < kCount; ++p) {
    total[p] = from_zero ? _mm256_setzero_ps() : _mm256_loadu_ps(acc + p * kTile);
  }
  for (int b = 0; b < blocks; ++b, w_scales += kTile, starts += kTile) {
    __m256i sum[kCount];
    for (int p = 0; p < kCount; ++p) sum[p] = _mm256_setzero_si256();
    const uint8_t* a = pixels.elements + static_cast<ptrdiff_t>(b) * w.block;
    int left = std::min(w.block, w.length - b * w.block);
    for (; left >= kQuad; left -= kQuad, a += kQuad, weights += kTile * kQuad) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
      for (int p = 0; p < kCount; ++p) {
        const __m256i quad = _mm256_set1_epi32(generic::LoadQuad(a + p * pixels.element_stride));
        sum[p] = _mm256_add_epi16(sum[p], _mm256_maddubs_epi16(quad, bytes));
      }
    }
    if (left > 0) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
      for (int p = 0; p < kCount; ++p) {
        const int32_t quad = generic::LoadQuad(a + p * pixels.element_stride, left);
        sum[p] = _mm256_add_epi16(sum[p], _mm256_maddubs_epi16(_mm256_set1_epi32(quad), bytes));
      }
      weights += kTile * kQuad;
    }
    const __m256 scales = _mm256_loadu_ps(w_scales);
    const __m256 base = _mm256_mul_ps(sum_base, scales);
    const __m256i start = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(starts));
    for (int p = 0; p < kCount; ++p) {
      const __m256i bits = _mm256_add_epi32(_mm256_madd_epi16(sum[p], ones), start);
      // Both are exact but for the last addition: the sum has 15 bits, the scales 8 together.
      const __m256 scaled = _mm256_fmsub_ps(_mm256_castsi256_ps(bits), scales, base);
      const __m256 scale = _mm256_set1_ps(pixels.scales[p * pixels.scale_stride + b]);
      total[p] = _mm256_fmadd_ps(scaled, scale, total[p]);
    }
  }
  for (int p = 0; p < kCount; ++p) _mm256_storeu_ps(acc + p * kTile, total[p]);
}

template <int kCount>
NIBBLE_AVX2 void AccumulatePixels(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                  float* acc) {
  AccumulateHalf<kCount>(pixels, w, from_zero, 0, acc);
  AccumulateHalf<kCount>(pixels, w, from_zero, 1, acc);
}

// As many pixels at a time as registers hold.
NIBBLE_AVX2 void AccumulateE2M1(const E2M1Pixels& pixels, const E2M1Tile& w, bool from_zero,
                                float* acc) {
  constexpr decltype(&AccumulatePixels<1>) kRest[kPixels] = {
      AccumulatePixels<1>, AccumulatePixels<2>, AccumulatePixels<3>,
      AccumulatePixels<4>, AccumulatePixels<5>, AccumulatePixels<6>};
  generic::AccumulateGroups(kRest, pixels, w, from_zero, acc);
}

NIBBLE_AVX2 void AccumulateWide(const WidePixels& a, const WideTile& w, float* acc) {
  generic::AccumulateWide<32, 2>(a, w, acc);
}
NIBBLE_AVX2 void AccumulateWideProducts(const double* a, ptrdiff_t stride, int pixels,
                                        const double* w, int lanes, bool exact, float* acc) {
  generic::AccumulateWideProducts(a, stride, pixels, w, lanes, exact, acc);
}
NIBBLE_AVX2 void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w,
                                    int lanes, float* acc) {
  generic::AccumulateProducts<32>(a, stride, pixels, w, lanes, acc);
}
NIBBLE_AVX2 void DecodeE2M1(const uint8_t* packed, int count, uint8_t* elements) {
  const __m128i table = _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
  const __m128i nibble = _mm_set1_epi8(15);
  for (; count >= 32; count -= 32, packed += 16, elements += 32) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed));
    const __m128i even = _mm_shuffle_epi8(table, _mm_and_si128(bytes, nibble));
    const __m128i odd = _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
    auto* out = reinterpret_cast<__m128i*>(elements);
    _mm_storeu_si128(out, _mm_unpacklo_epi8(even, odd));
    _mm_storeu_si128(out + 1, _mm_unpackhi_epi8(even, odd));
  }
  if (count >= 16) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(packed));
    const __m128i even = _mm_shuffle_epi8(table, _mm_and_si128(bytes, nibble));
    const __m128i odd = _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(elements), _mm_unpacklo_epi8(even, odd));
    count -= 16;
    packed += 8;
    elements += 16;
  }
  for (int i = 0; i < count; ++i) {
    elements[i] = generic::ElementOf(static_cast<int8_t>(packed[i / 2] >> (4 * (i % 2)) & 15));
  }
}

// EncodeE2M1 of eight values, one code in each 32-bit lane.
NIBBLE_AVX2 NIBBLE_INLINE __m256i EncodeE2M1(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFFFFFF));
  // Magnitudes beyond which the code is one more; those of an even neighbour take it themselves.
  constexpr int kLast[] = {0x3E800000, 0x3F400000 - 1, 0x3FA00000, 0x3FE00000 - 1,
                           0x40200000, 0x40600000 - 1, 0x40A00000};
  __m256i code = _mm256_setzero_si256();
  for (const int last : kLast) {
    code = _mm256_sub_epi32(code, _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(last)));
  }
  const __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(static_cast<int>(kInfinity)));
  const __m256i sign = _mm256_and_si256(_mm256_srli_epi32(bits, 28), _mm256_set1_epi32(8));
  return _mm256_or_si256(code, _mm256_andnot_si256(nan, sign));
}

// Sixteen values times `encode` to eight bytes.
NIBBLE_AVX2 NIBBLE_INLINE void Encode16(const float* x, __m256 encode, uint8_t* packed) {
  const __m256i low = EncodeE2M1(_mm256_mul_ps(_mm256_loadu_ps(x), encode));
  const __m256i high = EncodeE2M1(_mm256_mul_ps(_mm256_loadu_ps(x + 8), encode));
  // Two codes meet in the lowest byte of each 64-bit lane; then `high` moves beside `low`.
  const __m256i low_bytes = _mm256_or_si256(low, _mm256_srli_epi64(low, 28));
  const __m256i high_bytes = _mm256_or_si256(high, _mm256_srli_epi64(high, 28));
  const __m256i order =
      _mm256_setr_epi8(0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 8, -1, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i low_pairs = _mm256_shuffle_epi8(low_bytes, order);
  const __m256i high_pairs = _mm256_shuffle_epi8(high_bytes, order);
  const __m256i pairs = _mm256_unpacklo_epi16(low_pairs, high_pairs);  // per half: low, high
  const __m128i bytes =
      _mm_unpacklo_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  // Words now: low 0, low 1, high 0, high 1.
  _mm_storel_epi64(reinterpret_cast<__m128i*>(packed), bytes);
}

// Maximum of the magnitudes' bits, NaN as 0.
NIBBLE_AVX2 NIBBLE_INLINE __m256i MaxMagnitude(__m256i max, const float* x) {
  const __m256i magnitude =
      _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x)), _mm256_set1_epi32(0x7FFFFFFF));
  const __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(static_cast<int>(kInfinity)));
  return _mm256_max_epi32(max, _mm256_andnot_si256(nan, magnitude));
}

NIBBLE_AVX2 NIBBLE_INLINE float Largest(__m256i x) {
  __m128i max = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0x4E));
  max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0xB1));
  return BitsFloat(static_cast<uint32_t>(_mm_cvtsi128_si32(max)));
}

NIBBLE_AVX2 void QuantizeNvfp4(const float* x, int count, int block, const TensorScale& scale,
                               uint8_t* packed, uint8_t* scales) {
  constexpr int kStep = 16;
  for (int begin = 0; begin < count; begin += block) {
    const int end = begin + block < count ? begin + block : count;
    const int whole = begin + (end - begin) / kStep * kStep;
    float rest[kStep] = {};  // of the block, filled up with +0
    for (int i = whole; i < end; ++i) rest[i - whole] = x[i];

    __m256i max = _mm256_setzero_si256();
    for (int i = begin; i < whole; i += 8) max = MaxMagnitude(max, x + i);
    if (whole < end) max = MaxMagnitude(MaxMagnitude(max, rest), rest + 8);
    const generic::BlockScale block_scale = generic::Nvfp4BlockScale(Largest(max), scale);
    *scales++ = block_scale.byte;

    const __m256 encode = _mm256_set1_ps(block_scale.encode);
    for (int i = begin; i < whole; i += kStep) Encode16(x + i, encode, packed + i / 2);
    if (whole < end) {
      uint8_t bytes[kStep / 2];
      Encode16(rest, encode, bytes);
      std::memcpy(packed + whole / 2, bytes, static_cast<size_t>(end - whole + 1) / 2);
    }
  }
}

}  // namespace

const Kernels* Avx2() {
  static constexpr Kernels kKernels = {
      "avx2",     AccumulateE2M1, AccumulateWide, AccumulateProducts, AccumulateWideProducts,
      DecodeE2M1, QuantizeNvfp4};
  return &kKernels;
}

}  // namespace nibble::numerics::kernels

#else

namespace nibble::numerics::kernels {
const Kernels* Avx2() { return nullptr; }
}  // namespace nibble::numerics::kernels

#endif
