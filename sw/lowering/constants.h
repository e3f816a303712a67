// Weights and parameters: quantised, packed and placed.
#pragma once

#include <functional>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "sw/lowering/memory_map.h"
#include "sw/lowering/plan.h"
#include "sw/lowering/schedule.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// Places constants of all layers and, with `with_image`, fills program.image with them. One file
// for each platform: they differ in where weights lie.
std::vector<LayerConstants> PlaceOnAccel(const Target& target, bool with_image, MemoryMap& map,
                                         sim::Program& program);
std::vector<LayerConstants> PlaceOnNearmem(const Target& target, const Plan& plan, bool with_image,
                                           MemoryMap& map, sim::Program& program);
// Where each layer may run on that platform, as nearmem.layers says. Throws LoweringError for
// weights that the banks cannot hold and that are asked for there.
std::vector<Place> PlacesOnNearmem(const Target& target);

// Shared by both.

// Quantises the weights of every layer that has some (with `with_image`), has `place` put them
// somewhere, and places the parameters.
using WeightPlacer = std::function<void(const trace::Layer&,
                                        const numerics::QuantizedWeights* image, LayerConstants&)>;
std::vector<LayerConstants> PlaceConstants(const Target& target, bool with_image, MemoryMap& map,
                                           sim::Program& program, const WeightPlacer& place);
// Bytes of one run, and of its block scales, as they lie in memory (models/accel/weight_layout.h).
std::vector<uint8_t> PackRun(const numerics::QuantizedWeights& weights, size_t row, size_t segment);
std::vector<uint8_t> PackScales(const numerics::QuantizedWeights& weights, size_t row,
                                size_t segment);
// Reserves and fills weights as they lie beside the memory: all codes, then all scales.
void PlaceWeights(const Target& target, const trace::Layer& layer,
                  const numerics::QuantizedWeights* image, MemoryMap& map, sim::Program& program,
                  LayerConstants& constants);

}  // namespace nibble::lowering
