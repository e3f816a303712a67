// The inner loops of the bit-accurate path, once per instruction set, chosen at run time.
//
// Every kernel gives the same bits on every target. The arithmetic leaves no choice: integer sums
// are exact, a floating-point product is used only where it is exact, and additions that round
// happen in the order that datapath D0 defines (models/numerics/dot.h). Where a product is exact, a
// fused multiply-add rounds as the separate addition does, and the targets that have one use it.
//
// Kernels hold no state: they may run on any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/numerics/quantize.h"

namespace nibble::numerics::kernels {

// Output channels computed together: one vector lane each.
inline constexpr int kTile = 16;
// Consecutive elements of the reduction axis in one 32-bit lane, as 8-bit dot-product instructions
// take them.
inline constexpr int kQuad = 4;
// E2M1 activations are held as twice the value plus 12, in 0..24, because those instructions
// multiply unsigned by signed bytes. Block sums start where that is made good again.
inline constexpr int kOffset = 12;
// They start, besides, from the bits of 1.5 * 2^23: a sum below 2^22 in magnitude, added to these
// as an integer, gives the bits of 1.5 * 2^23 + sum, and no conversion is needed.
inline constexpr float kSumBase = 0x1.8p23f;
inline constexpr int32_t kSumBaseBits = 0x4B400000;

// Activations of adjacent output pixels at one kernel tap.
template <typename Element, typename Scale>
struct Pixels {
  const Element* elements;   // of the first pixel
  ptrdiff_t element_stride;  // from a pixel to the next
  const Scale* scales;       // block scales of the first pixel; 1 without, NaN for a NaN scale
  ptrdiff_t scale_stride;
  int count;
};
using E2M1Pixels = Pixels<uint8_t, float>;
using WidePixels = Pixels<double, double>;

// The weights of kTile output channels along one run of `length` elements in blocks of `block`.
struct E2M1Tile {
  const int8_t* weights;  // twice the value, [block][quad of the block][kTile][kQuad]; 0 fills up
  const int32_t* starts;  // [block][kTile]: kSumBaseBits - kOffset * (sum of the block's weights)
  const float* scales;    // [block][kTile]: weight scale / 4, as both operands are doubled
  int length, block;
};
// Operands as values. Block sums are exact in binary64.
struct WideTile {
  const float* weights;  // [element][kTile]
  const double* scales;  // [block][kTile]
  int length, block;
  bool exact_in_double;  // so is a block sum times both scales
};

// RNE32(a * b) of any finite binary64, where the product may have up to 106 bits; NaN gives the
// canonical NaN.
float RoundProduct(double a, double b);

struct Kernels {
  const char* name;

  // acc[pixel][kTile] += a term for every block, ascending. `elements` are twice the E2M1 values
  // plus kOffset. With `from_zero` acc is not read and counts as +0.
  void (*accumulate_e2m1)(const E2M1Pixels& a, const E2M1Tile& w, bool from_zero, float* acc);
  // acc[pixel][kTile] = RNE32(acc + RNE32(block sum * scales)) for every block, ascending.
  void (*accumulate_wide)(const WidePixels& a, const WideTile& w, float* acc);
  // acc[pixel][lane] += a[pixel][lane] * w[lane] for `lanes` <= kTile; the products are exact.
  void (*accumulate_products)(const float* a, ptrdiff_t stride, int pixels, const float* w,
                              int lanes, float* acc);
  // The same with each product rounded to binary32; `exact`: they have at most 53 bits.
  void (*accumulate_wide_products)(const double* a, ptrdiff_t stride, int pixels, const double* w,
                                   int lanes, bool exact, float* acc);

  // Twice the E2M1 value plus kOffset of `count` packed codes, the even element in bits 3:0.
  void (*decode_e2m1)(const uint8_t* packed, int count, uint8_t* elements);
  // `count` values in blocks of `block` (even), as QuantizeNvfp4Block defines it, to packed codes
  // and one scale byte per block. The upper nibble of the last byte is 0 for an odd count.
  void (*quantize_nvfp4)(const float* x, int count, int block, const TensorScale& scale,
                         uint8_t* packed, uint8_t* scales);
};

// The fastest that this processor runs.
const Kernels& Active();

// For tests and benchmarks: all that this processor runs, the portable ones first; and the choice
// of one of them for the whole process (not while kernels run on other threads).
std::vector<const Kernels*> Available();
void Select(const Kernels& kernels);

// One per instruction set. Null where the compiler's target has no such processor.
const Kernels& Portable();
const Kernels* Avx2();        // needs AVX2 and FMA
const Kernels* Avx512Vnni();  // needs AVX-512 F, BW, DQ, VL and VNNI

}  // namespace nibble::numerics::kernels
