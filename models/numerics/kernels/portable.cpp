#include "models/numerics/kernels/generic.h"

namespace nibble::numerics::kernels {
namespace {

void AccumulateE2M1(const Pixels<uint8_t>& a, const E2M1Tile& w, bool from_zero, float* acc) {
  generic::AccumulateE2M1(a, w, from_zero, acc);
}
void AccumulateWide(const Pixels<double>& a, const WideTile& w, float* acc) {
  generic::AccumulateWide<16, 1>(a, w, acc);
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

const Kernels& Portable() {
  static constexpr Kernels kKernels = {"portable",         AccumulateE2M1, AccumulateWide,
                                       AccumulateProducts, DecodeE2M1,     QuantizeNvfp4};
  return kKernels;
}

}  // namespace nibble::numerics::kernels
