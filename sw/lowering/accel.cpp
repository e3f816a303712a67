// Weights of the accelerator: in order of the layers, packed, below the activations.
#include "sw/lowering/constants.h"

namespace nibble::lowering {

std::vector<LayerConstants> PlaceOnAccel(const Target& target, bool with_image, MemoryMap& map,
                                         sim::Program& program) {
  return PlaceConstants(target, with_image, map, program,
                        [&](const trace::Layer& layer, const numerics::QuantizedWeights* image,
                            LayerConstants& constants) {
                          PlaceWeights(target, layer, image, map, program, constants);
                        });
}

}  // namespace nibble::lowering
