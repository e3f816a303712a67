// Which tensors are views (datapaths.h).
#include <algorithm>

#include "sw/golden/datapaths.h"

namespace nibble::golden {
namespace {

using trace::Layer;
using trace::Network;
using trace::Op;

class ViewFinder {
 public:
  ViewFinder(const Network& net, const Datapaths& datapaths) : net_(net), datapaths_(datapaths) {
    for (size_t t = 0; t < net.tensors.size(); ++t) views_.push_back({static_cast<int>(t), 0});
    concats_.resize(net.tensors.size());
    from_slice_.resize(net.tensors.size());
    for (const Layer& l : net.layers) {
      from_slice_[static_cast<size_t>(l.output)] = l.op == Op::kSlice;
      if (l.op != Op::kConcat) continue;
      for (const int t : l.operands) ++concats_[static_cast<size_t>(t)];
    }
  }

  std::vector<View> Find() && {
    // From the back: a concatenation of concatenations is placed before its parts.
    for (auto l = net_.layers.rbegin(); l != net_.layers.rend(); ++l) {
      if (l->op == Op::kConcat) PlaceOperands(*l);
    }
    // From the front: a slice of a slice.
    for (const Layer& l : net_.layers) {
      if (l.op == Op::kSlice) PlaceSlice(l);
    }
    return std::move(views_);
  }

 private:
  int Channels(int t) const { return net_.tensors[static_cast<size_t>(t)].shape.channels; }

  // Whether tensor `t` fits into `root` from `channel` on; `to_end`: it reaches the end of the
  // tensor of which it is a part, which itself ends with a block or with the root.
  bool Fits(int t, int root, int channel, bool to_end) const {
    const numerics::ActivationLayout& layout = datapaths_.tensors[static_cast<size_t>(root)];
    if (layout.strips() || datapaths_.tensors[static_cast<size_t>(t)].strips()) return false;
    if (channel % layout.block != 0) return false;
    if (Channels(t) % layout.block != 0 && !to_end) return false;
    for (size_t i = 0; i < net_.layers.size(); ++i) {
      const numerics::Datapath& d = datapaths_.layers[i];
      if (net_.layers[i].multiplies(t) &&
          (d.activations != layout.format || d.activation_block != layout.block)) {
        return false;
      }
    }
    return true;
  }

  void PlaceOperands(const Layer& l) {
    if (datapaths_.base.tensor_scale == numerics::ScaleSource::kDynamic) return;
    const View parent = views_[static_cast<size_t>(l.output)];
    int channel = parent.channel;
    for (size_t i = 0; i < l.operands.size(); ++i) {
      const int t = l.operands[i];
      const bool computed = t != net_.input && !net_.tensors[static_cast<size_t>(t)].constant &&
                            !from_slice_[static_cast<size_t>(t)];
      if (computed && concats_[static_cast<size_t>(t)] == 1 &&
          Fits(t, parent.root, channel, i + 1 == l.operands.size())) {
        views_[static_cast<size_t>(t)] = {parent.root, channel};
      }
      channel += Channels(t);
    }
  }

  void PlaceSlice(const Layer& l) {
    const View& input = views_[static_cast<size_t>(l.input)];
    const int channel = input.channel + l.first_channel;
    const bool to_end = l.first_channel + Channels(l.output) == Channels(l.input);
    if (l.output == net_.output || !Fits(l.output, input.root, channel, to_end)) return;
    views_[static_cast<size_t>(l.output)] = {input.root, channel};
  }

  const Network& net_;
  const Datapaths& datapaths_;
  std::vector<View> views_;
  std::vector<int> concats_;      // by tensor: how often it is an operand of a concatenation
  std::vector<bool> from_slice_;  // by tensor
};

}  // namespace

std::vector<View> FindViews(const Network& net, const Datapaths& datapaths) {
  return ViewFinder(net, datapaths).Find();
}

std::vector<ChannelRange> WrittenChannels(const Network& net, const Datapaths& datapaths,
                                          const Layer& l) {
  const int channels = net.tensors[static_cast<size_t>(l.output)].shape.channels;
  const View& output = datapaths.views[static_cast<size_t>(l.output)];
  if (l.op == Op::kSlice && output.root != l.output) return {};
  if (l.op != Op::kConcat) return {{0, channels}};
  std::vector<ChannelRange> ranges;
  int channel = 0;
  bool open = false;
  for (const int t : l.operands) {
    const View& view = datapaths.views[static_cast<size_t>(t)];
    const int count = net.tensors[static_cast<size_t>(t)].shape.channels;
    const bool inside = view.root == output.root && view.channel == output.channel + channel;
    if (!inside && open) ranges.back().channels += count;
    if (!inside && !open) ranges.push_back({channel, count});
    open = !inside;
    channel += count;
  }
  return ranges;
}

}  // namespace nibble::golden
