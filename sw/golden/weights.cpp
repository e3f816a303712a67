#include "sw/golden/weights.h"

#include "models/numerics/weight_profiles.h"

namespace nibble::golden {

bool TakesImportedCodes(const trace::Layer& layer, const numerics::Datapath& datapath) {
  return layer.quantized && datapath.weights == numerics::Format::kNvfp4 &&
         datapath.block == layer.quantized->block &&
         (datapath.tensor_scale != numerics::ScaleSource::kNone || layer.quantized->s_dec == 1);
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
  return numerics::QuantizeWeights(weights.data(), rows, segments, segment, datapath.weights,
                                   datapath.block, datapath.tensor_scale);
}

}  // namespace nibble::golden
