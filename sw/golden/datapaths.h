// A network under a datapath, layer by layer: mixed precision.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "sw/trace/network.h"

namespace nibble::golden {

struct Datapaths {
  // The same for all layers.
  Datapaths(const trace::Network& net, const numerics::Datapath& datapath);
  // With overrides, of which later ones count. A tensor is stored as the layers that multiply it
  // ask for (those that add or pool take any format). Throws std::invalid_argument that names a
  // pattern that matches no layer, layers that want one tensor in two formats, or a layer whose
  // operands the accumulator does not take.
  Datapaths(const trace::Network& net, const numerics::Datapath& datapath,
            const std::vector<numerics::LayerOverride>& overrides);

  numerics::Datapath base;
  std::vector<numerics::Datapath> layers;           // by layer
  std::vector<numerics::ActivationLayout> tensors;  // by tensor; the network's output is kFp32
};

}  // namespace nibble::golden
