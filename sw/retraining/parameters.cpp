#include "sw/retraining/parameters.h"

namespace nibble::retraining {

Parameters ParametersOf(const trace::Network& net) {
  Parameters parameters;
  for (const trace::Layer& l : net.layers) {
    parameters.weights.push_back(l.weights);
    parameters.biases.push_back(l.bias);
  }
  for (const trace::Tensor& t : net.tensors) parameters.ranges.push_back(t.amax);
  return parameters;
}

void SetParameters(trace::Network& net, const Parameters& parameters) {
  for (size_t i = 0; i < net.layers.size(); ++i) {
    net.layers[i].weights = parameters.weights[i];
    net.layers[i].bias = parameters.biases[i];
  }
  for (size_t t = 0; t < net.tensors.size(); ++t) net.tensors[t].amax = parameters.ranges[t];
}

Parameters ZeroLike(const Parameters& parameters) {
  Parameters zero = parameters;
  zero.ForEach([](std::vector<float>& x) { x.assign(x.size(), 0.0f); });
  return zero;
}

void OwnParameters(trace::Network& net) {
  for (trace::Layer& l : net.layers) {
    if (!l.has_parameters()) continue;
    l.weights = trace::LayerWeights(net, l);
    l.bias = trace::CorrectedBias(net, l);
    l.bias_correction.clear();
    l.synthetic = false;
    l.quantized.reset();
  }
}

}  // namespace nibble::retraining
