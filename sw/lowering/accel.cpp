// Weights of the accelerator: in order of the layers, packed, below the activations.
#include "sw/lowering/constants.h"

namespace nibble::lowering {

std::vector<LayerConstants> PlaceOnAccel(const trace::Network& net,
                                         const platforms::DesignPoint& design, bool with_image,
                                         MemoryMap& map, sim::Program& program) {
  std::vector<LayerConstants> constants(net.layers.size());
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& layer = net.layers[i];
    if (!layer.has_weights()) continue;
    numerics::QuantizedWeights weights;
    if (with_image) weights = Quantize(net, layer, design);
    const numerics::QuantizedWeights* image = with_image ? &weights : nullptr;
    PlaceWeights(net, layer, design, image, map, program, constants[i]);
    PlaceParams(net, layer, design, image, map, program, constants[i]);
    CountWeights(net, layer, design, program);
  }
  return constants;
}

}  // namespace nibble::lowering
