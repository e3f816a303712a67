// A network under a datapath: mixed precision layer by layer, and which tensors lie inside others.
#pragma once

#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/datapath.h"
#include "sw/trace/network.h"

namespace nibble::golden {

// Where a tensor lies: from `channel` on in each pixel of `root`, which is the tensor itself where
// it is not a view. A view has the format, the block and the tensor scale of its root, and begins
// at a multiple of the block.
struct View {
  int root = 0;
  int channel = 0;
};

struct ChannelRange {
  int channel = 0;  // the first
  int channels = 0;
};

// Concatenation and slicing cost nothing where addressing can do them:
// - An operand of a concatenation (of channels) lies inside it, so that it is quantised under its
// tensor scale
//   when it is computed, where it begins at a multiple of the concatenation's block, has a multiple
//   of it in channels or is the last, is an operand only once, is written by a layer other than a
//   slice, and the tensor scale is not dynamic (which is not known before all operands are).
// - A slice lies inside its input where it begins at a multiple of the block, has a multiple of it
//   in channels or reaches the end of the input, and is not the network's output.
// Neither where a layer multiplies the tensor in another format or block. Everything else is
// copied: dequantised, and quantised anew.
struct Datapaths {
  // The same for all layers.
  Datapaths(const trace::Network& net, const numerics::Datapath& datapath);
  // With overrides, of which later ones count. A tensor is stored as the layers that multiply it
  // ask for (those that add or pool take any format). Throws std::invalid_argument that names a
  // pattern that matches no layer, layers that want one tensor in two formats, a layer whose
  // operands the accumulator does not take, or one without the scale per channel that it is to
  // have.
  Datapaths(const trace::Network& net, const numerics::Datapath& datapath,
            const std::vector<numerics::LayerOverride>& overrides);

  numerics::Datapath base;
  // By layer. Both operands of a matmul are activations: its weights are what its activations are.
  std::vector<numerics::Datapath> layers;
  std::vector<numerics::ActivationLayout> tensors;  // by tensor; the network's output is kFp32
  std::vector<View> views;                          // by tensor

  bool IsView(int tensor) const { return views[static_cast<size_t>(tensor)].root != tensor; }
};

// The views under `datapaths`, of which `layers` and the layouts of `tensors`, each as if it were
// no view, are set. For the constructor.
std::vector<View> FindViews(const trace::Network& net, const Datapaths& datapaths);

// Channels of its output that a layer writes: all of them; of a concatenation those of operands
// that do not lie in it already, in as few ranges as there are; none where a slice is a view.
std::vector<ChannelRange> WrittenChannels(const trace::Network& net, const Datapaths& datapaths,
                                          const trace::Layer& layer);

}  // namespace nibble::golden
