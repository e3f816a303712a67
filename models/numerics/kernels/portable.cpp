#include "models/numerics/exact.h"
#include "models/numerics/kernels/generic.h"

namespace nibble::numerics::kernels {
namespace {

void AccumulateE2M1(const E2M1Pixels& a, const E2M1Tile& w, bool from_zero, float* acc) {
  generic::AccumulateE2M1(a, w, from_zero, acc);
}
void AccumulateWide(const WidePixels& a, const WideTile& w, float* acc) {
  generic::AccumulateWide<16, 1>(a, w, acc);
}
void AccumulateWideProducts(const double* a, ptrdiff_t stride, int pixels, const double* w,
                            int lanes, bool exact, float* acc) {
  generic::AccumulateWideProducts(a, stride, pixels, w, lanes, exact, acc);
}
void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w, int lanes,
                        float* acc) {
  generic::AccumulateProducts<16>(a, stride, pixels, w, lanes, acc);
}
void DecodeE2M1(const uint8_t* packed, int count, uint8_t* elements) {
  generic::DecodeE2M1(packed, count, elements);
}
void QuantizeNvfp4(const float* x, int count, int block, const TensorScale& scale, uint8_t* packed,
                   uint8_t* scales) {
  generic::QuantizeNvfp4(x, count, block, scale, packed, scales);
}

}  // namespace

float RoundProduct(double a, double b) {
  if (a != a || b != b) return BitsFloat(kCanonicalNan);
  const Exact x = ExactOf(a), y = ExactOf(b);
  return Round({x.integer * y.integer, x.exponent + y.exponent}, kBinary32,
               AddRounding::kNearestEven)
      .value;
}

const Kernels& Portable() {
  static constexpr Kernels kKernels = {"portable",         AccumulateE2M1,         AccumulateWide,
                                       AccumulateProducts, AccumulateWideProducts, DecodeE2M1,
                                       QuantizeNvfp4};
  return kKernels;
}

}  // namespace nibble::numerics::kernels
