#include "sw/golden/weights.h"

namespace nibble::golden {

numerics::QuantizedWeights QuantizeLayer(const trace::Network& net, const trace::Layer& layer,
                                         const numerics::Datapath& datapath) {
  const std::vector<float> weights = trace::LayerWeights(net, layer);
  return numerics::QuantizeWeights(weights.data(), net.tensors[layer.output].shape.channels,
                                   trace::ReductionSegments(net, layer),
                                   trace::ReductionSegment(net, layer), datapath.weights,
                                   datapath.block, datapath.tensor_scale);
}

}  // namespace nibble::golden
