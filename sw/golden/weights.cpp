#include "sw/golden/weights.h"

namespace nibble::golden {

numerics::QuantizedWeights QuantizeLayer(const trace::Network& net, const trace::Layer& layer,
                                         const numerics::Datapath& datapath) {
  // Streams of random numbers: tensors have the lower numbers.
  const uint64_t stream = (uint64_t{1} << 32) + static_cast<uint64_t>(layer.output);
  const std::vector<float> weights = trace::LayerWeights(net, layer);
  return numerics::QuantizeWeights(weights.data(), net.tensors[layer.output].shape.channels,
                                   trace::ReductionSegments(net, layer),
                                   trace::ReductionSegment(net, layer), datapath.weights,
                                   datapath.weight_block, datapath.tensor_scale,
                                   numerics::StreamOf(datapath.weight_rounding, stream));
}

}  // namespace nibble::golden
