#include "models/numerics/weight_profiles.h"

#include <cmath>
#include <stdexcept>
#include <string>

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

namespace {

// Output channels under one scale.
QuantizedWeights QuantizeTogether(const float* x, int rows, int segments, int segment, int block,
                                  Profile profile) {
  BlockTensor tensor = QuantizeNvfp4(x, rows * segments, segment, block, profile);
  const float s_dec = tensor.outer.at(0).decode;
  if (!(s_dec > 0) || std::isinf(s_dec)) {
    tensor = QuantizeNvfp4(x, rows * segments, segment, block, Profile::kNv);
  }
  return WeightsOf(tensor, segments);
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void CheckWeightScale(const Datapath& d) {
  if (d.weight_scale == WeightScale::kTensor || SpecOf(d.weights).outer == OuterScale::kChannel) {
    return;
  }
  const auto refuse = [](const std::string& why) {
    throw std::invalid_argument("datapath.weights.scale = \"channel\": " + why);
  };
  if (SpecOf(d.weights).outer == OuterScale::kNone) {
    refuse(std::string("weights in ") + FormatName(d.weights) + " have no FP32 scale");
  }
  if (d.tensor_scale == ScaleSource::kNone) refuse("datapath.tensor_scale is none");
  if (d.weights == Format::kNvfp4 && !HasTensorScale(d.weight_profile)) {
    refuse(std::string("datapath.weights.profile ") + ProfileName(d.weight_profile) +
           " has no FP32 scale");
  }
}

QuantizedWeights QuantizeWeightsByProfile(const float* x, int rows, int segments, int segment,
                                          int block, Profile profile, WeightScale scale) {
  if (scale == WeightScale::kTensor) {
    return QuantizeTogether(x, rows, segments, segment, block, profile);
  }
  const size_t row_length = static_cast<size_t>(segments) * static_cast<size_t>(segment);
  QuantizedWeights weights = QuantizeTogether(x, 1, segments, segment, block, profile);
  weights.rows = rows;
  for (size_t row = 1; row < static_cast<size_t>(rows); ++row) {
    const QuantizedWeights channel =
        QuantizeTogether(x + row * row_length, 1, segments, segment, block, profile);
    Append(weights.codes, channel.codes);
    Append(weights.scales, channel.scales);
    Append(weights.channel_scale, channel.channel_scale);
  }
  return weights;
}

}  // namespace nibble::numerics
