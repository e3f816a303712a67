// What is decided before any word is written: where each tensor lives, and how each convolution is
// tiled.
#pragma once

#include <memory>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "sw/golden/datapaths.h"
#include "sw/lowering/tiling.h"
#include "sw/trace/network.h"

namespace nibble::lowering {

// A network on a machine: what every step of lowering looks at.
struct Target {
  const trace::Network& net;
  const platforms::DesignPoint& design;
  const golden::Datapaths& datapaths;

  const numerics::Datapath& DatapathOf(const trace::Layer& layer) const {
    return datapaths.layers[static_cast<size_t>(&layer - net.layers.data())];
  }
};

sim::Geometry GeometryOf(const Target& target, const trace::Layer& layer);
// True where weights carry a scale per output channel that the epilogue applies.
bool HasChannelScales(const Target& target, const trace::Layer& layer);
// True where parameters are pairs: (bias, scale), or beta and gamma of a normalization.
bool HasParamPairs(const Target& target, const trace::Layer& layer);
// Bytes of a layer's parameters: its biases, or pairs; 0 without.
uint32_t ParamBytes(const Target& target, const trace::Layer& layer);
// True where a layer's output waits in FP32 for its dynamic scale.
bool IsStaged(const Target& target, const trace::Layer& layer);

// Where a layer's dot products may be computed: beside the memory, near it, or where it is
// estimated to be better (nearmem.auto).
enum class Place : uint8_t { kHost, kNear, kEither };

struct LayerPlan {  // of layers with dot products
  ConvProblem problem;
  ConvTiling tiling;
};

class PlaceCost;  // place_cost.h

class Plan {
 public:
  // `places`: by layer. Sets in_dram, in_act and the SRAM addresses in `tensors`, whose
  // layouts are given.
  Plan(const Target& target, const std::vector<Place>& places,
       std::vector<sim::TensorPlacement>& tensors);
  ~Plan();

  const LayerPlan& layer(size_t index) const { return layers_[index]; }
  // Bytes at the end of the output SRAM that hold the parameters of two layers; tiles have the
  // rest.
  uint32_t params_room() const { return params_room_; }
  uint32_t tile_room() const { return target_.design.sram_out.size - params_room_; }

 private:
  bool MayStay(int layer) const;
  void PlanLayer(int layer, Place place);
  LayerPlan Tile(const trace::Layer& layer, Place place) const;
  ConvProblem Problem(const trace::Layer& layer, bool near_memory) const;
  void KeepOutput(const trace::Layer& layer);

  const Target& target_;
  std::vector<sim::TensorPlacement>& tensors_;
  std::unique_ptr<const PlaceCost> cost_;
  uint32_t params_room_ = 0;
  std::vector<LayerPlan> layers_;
};

}  // namespace nibble::lowering
