#include "models/numerics/weight_profiles.h"

#include <cmath>
#include <stdexcept>

namespace nibble::numerics {

QuantizedWeights WeightsOf(const BlockTensor& tensor, int segments) {
  if (tensor.format != Format::kNvfp4 || segments < 1 || tensor.rows % segments != 0) {
    throw std::invalid_argument("the tensor is not NVFP4 weights of whole output channels");
  }
  QuantizedWeights weights;
  weights.format = tensor.format;
  weights.block = tensor.block;
  weights.rows = tensor.rows / segments;
  weights.segments = segments;
  weights.segment = tensor.columns;
  weights.codes = tensor.codes;
  weights.scales = tensor.scales;
  weights.channel_scale.assign(static_cast<size_t>(weights.rows), tensor.outer.at(0).decode);
  return weights;
}

QuantizedWeights QuantizeWeightsByProfile(const float* x, int rows, int segments, int segment,
                                          int block, Profile profile) {
  BlockTensor tensor = QuantizeNvfp4(x, rows * segments, segment, block, profile);
  const float s_dec = tensor.outer.at(0).decode;
  if (!(s_dec > 0) || std::isinf(s_dec)) {
    tensor = QuantizeNvfp4(x, rows * segments, segment, block, Profile::kNv);
  }
  return WeightsOf(tensor, segments);
}

}  // namespace nibble::numerics
