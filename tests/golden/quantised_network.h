// A network as it is after its weights were quantised elsewhere.
#pragma once

#include "models/numerics/packing.h"
#include "models/numerics/profiles.h"
#include "sw/trace/network.h"

namespace nibble::test {

inline numerics::BlockTensor QuantizeByProfile(const trace::Network& net, const trace::Layer& l,
                                               int block, numerics::Profile profile) {
  const int rows = net.tensors[l.output].shape.channels * trace::ReductionSegments(net, l);
  const std::vector<float> weights = trace::LayerWeights(net, l);
  return numerics::QuantizeNvfp4(weights.data(), rows, trace::ReductionSegment(net, l), block,
                                 profile);
}

// Every layer that has weights carries their codes by `profile`.
inline trace::Network WithImportedCodes(trace::Network net, int block, numerics::Profile profile) {
  for (trace::Layer& l : net.layers) {
    if (!l.has_weights()) continue;
    const numerics::BlockTensor t = QuantizeByProfile(net, l, block, profile);
    const std::vector<float> bias = trace::LayerBias(net, l);
    l.quantized = {block, t.outer.at(0).decode,
                   numerics::PackRows(t.codes, static_cast<size_t>(t.rows), 4),
                   numerics::PackScales(t)};
    l.synthetic = false;
    l.generator = {};
    l.bias = bias;
    l.weights = numerics::Dequantize(t);
  }
  trace::Validate(net);
  return net;
}

}  // namespace nibble::test
