#include "sw/golden/weights.h"

#include <algorithm>

#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/packing.h"
#include "models/numerics/weight_profiles.h"

namespace nibble::golden {

bool TakesImportedCodes(const trace::Layer& layer, const numerics::Datapath& datapath) {
  return layer.quantized && datapath.weights == numerics::Format::kNvfp4 &&
         datapath.weight_block == layer.quantized->block &&
         datapath.weight_profile == numerics::Profile::kNv &&
         datapath.weight_rounding.mode == numerics::RoundingMode::kNearestEven &&
         datapath.weight_scale == numerics::WeightScale::kTensor &&
         (datapath.tensor_scale != numerics::ScaleSource::kNone || layer.quantized->s_dec == 1);
}

Activations::Activations(const numerics::StoredActivations& stored)
    : layout(stored.layout),
      scale(stored.scale),
      codes(static_cast<size_t>(layout.pixels) * layout.channels) {
  const int bits = numerics::ElementBits(layout.format);
  for (int p = 0; p < layout.pixels; ++p) {
    numerics::UnpackCodes(bits, &stored.codes[size_t{layout.code_bytes_per_pixel()} * p],
                          layout.channels, &codes[static_cast<size_t>(p) * layout.channels]);
  }
  const auto bytes = static_cast<size_t>(numerics::BlockScaleBits(layout.format) / 8);
  for (size_t i = 0; i < stored.scales.size(); i += bytes) {
    scales.push_back(numerics::LoadWord(&stored.scales[i], static_cast<int>(bytes)));
  }
}

numerics::QuantizedWeights WeightsOf(const numerics::StoredActivations& stored, float scale) {
  Activations a(stored);
  numerics::QuantizedWeights weights;
  weights.format = a.layout.format;
  weights.block = a.layout.block;
  weights.rows = a.layout.pixels;
  weights.segments = 1;
  weights.segment = a.layout.channels;
  weights.codes = std::move(a.codes);
  weights.scales = std::move(a.scales);
  weights.channel_scale.assign(static_cast<size_t>(weights.rows), a.scale.decode * scale);
  return weights;
}

numerics::QuantizedWeights QuantizeLayer(const trace::Network& net, const trace::Layer& layer,
                                         const numerics::Datapath& datapath) {
  const int rows = net.tensors[layer.output].shape.channels;
  const int segments = trace::ReductionSegments(net, layer);
  const int segment = trace::ReductionSegment(net, layer);
  if (TakesImportedCodes(layer, datapath)) {
    const trace::QuantizedValues& q = *layer.quantized;
    return numerics::WeightsOf(
        numerics::ImportNvfp4(rows * segments, segment, q.block, q.codes, q.scales, q.s_dec),
        segments);
  }
  const std::vector<float> weights = trace::LayerWeights(net, layer);
  if (datapath.weights == numerics::Format::kNvfp4 &&
      datapath.weight_profile != numerics::Profile::kNv) {
    return numerics::QuantizeWeightsByProfile(weights.data(), rows, segments, segment,
                                              datapath.weight_block, datapath.weight_profile,
                                              datapath.weight_scale);
  }
  // Streams of random numbers: tensors have the lower numbers.
  const uint64_t stream = (uint64_t{1} << 32) + static_cast<uint64_t>(layer.output);
  return numerics::QuantizeWeights(weights.data(), rows, segments, segment, datapath.weights,
                                   datapath.weight_block, datapath.weight_outer(),
                                   numerics::StreamOf(datapath.weight_rounding, stream));
}

std::vector<float> ValuesOf(const numerics::QuantizedWeights& weights) {
  const numerics::FormatSpec& spec = numerics::SpecOf(weights.format);
  std::vector<float> values(weights.codes.size());
  const bool has_scales = !weights.scales.empty();
  const int block = has_scales ? weights.block : weights.segment;
  size_t at = 0, block_at = 0;
  for (int row = 0; row < weights.rows; ++row) {
    for (int run = 0; run < weights.segments; ++run) {
      for (int k = 0; k < weights.segment; k += block) {
        float scale = weights.channel_scale[static_cast<size_t>(row)];
        if (has_scales) {
          scale = numerics::BlockScaleValue(spec.block_scale, weights.scales[block_at++]) * scale;
        }
        const int count = std::min(block, weights.segment - k);
        numerics::DecodeElements(spec.element, &weights.codes[at], count, &values[at]);
        for (int i = 0; i < count; ++i) values[at++] *= scale;
      }
    }
  }
  return values;
}

}  // namespace nibble::golden
