#include "models/numerics/kernels/generic.h"

namespace nibble::numerics::kernels {
namespace {

void AccumulateE2M1(const Pixels<int8_t>& a, const int32_t* offsets, const E2M1Tile& w,
                    float* acc) {
  generic::AccumulateE2M1(a, offsets, w, acc);
}
void BlockOffsets(const Pixels<int8_t>& a, int length, int block, int32_t* offsets) {
  generic::BlockOffsets(a, length, block, offsets);
}
void AccumulateWide(const Pixels<double>& a, const WideTile& w, float* acc) {
  generic::AccumulateWide(a, w, acc);
}
void AccumulateProducts(const float* a, ptrdiff_t stride, int pixels, const float* w, int lanes,
                        float* acc) {
  generic::AccumulateProducts(a, stride, pixels, w, lanes, acc);
}
void DecodeE2M1(const uint8_t* packed, int count, int8_t* twice) {
  generic::DecodeE2M1(packed, count, twice);
}
void QuantizeNvfp4(const float* x, int count, int block, const TensorScale& scale, uint8_t* packed,
                   uint8_t* scales) {
  generic::QuantizeNvfp4(x, count, block, scale, packed, scales);
}

}  // namespace

const Kernels& Portable() {
  static constexpr Kernels kKernels = {"portable",     AccumulateE2M1,     BlockOffsets,
                                       AccumulateWide, AccumulateProducts, DecodeE2M1,
                                       QuantizeNvfp4};
  return kKernels;
}

}  // namespace nibble::numerics::kernels
