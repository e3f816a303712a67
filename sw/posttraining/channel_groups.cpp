#include "sw/posttraining/channel_groups.h"

#include <numeric>

namespace nibble::posttraining {

using trace::Activation;
using trace::Layer;
using trace::Op;

namespace {

// Whether f * activation(x) = activation(f * x) for f > 0; of a clip, below its upper bound.
bool Homogeneous(const Layer& l, bool through_clips) {
  switch (l.activation.kind) {
    case Activation::Kind::kNone:
    case Activation::Kind::kRelu:
      return true;
    case Activation::Kind::kClip:
      // With a residual the tensor holds more than what the clip let through.
      return through_clips && l.activation.lo == 0 && l.activation.hi > 0 && l.residual < 0;
    default:
      return false;
  }
}

}  // namespace

ChannelGroups::ChannelGroups(const trace::Network& net, bool through_clips)
    : parent_(net.tensors.size()), fixed_(net.tensors.size()) {
  std::iota(parent_.begin(), parent_.end(), 0);
  Fix(net.input);
  Fix(net.output);
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (net.tensors[t].constant) Fix(static_cast<int>(t));
  }
  for (const Layer& l : net.layers) AddLayer(l, through_clips);
}

void ChannelGroups::AddLayer(const Layer& l, bool through_clips) {
  if (!Homogeneous(l, through_clips)) Fix(l.output);
  switch (l.op) {
    case Op::kConv:
    case Op::kDepthwiseConv:
    case Op::kFullyConnected:
      if (l.quantized) {
        Fix(l.input);
        Fix(l.output);
      }
      if (l.residual >= 0) Join(l.output, l.residual);
      return;
    case Op::kAdd:
    case Op::kGlobalAveragePool:
    case Op::kMaxPool:
    case Op::kAveragePool:
    case Op::kActivate:
      for (const int t : trace::TensorsRead(l)) Join(l.output, t);
      return;
    default:  // these multiply factors, mix channels or move them
      Fix(l.output);
      for (const int t : trace::TensorsRead(l)) Fix(t);
  }
}

int ChannelGroups::Of(int t) const {
  while (parent_[static_cast<size_t>(t)] != t) t = parent_[static_cast<size_t>(t)];
  return t;
}

void ChannelGroups::Join(int a, int b) {
  a = Of(a);
  b = Of(b);
  if (a == b) return;
  parent_[static_cast<size_t>(b)] = a;
  fixed_[static_cast<size_t>(a)] = fixed_[static_cast<size_t>(a)] || fixed_[static_cast<size_t>(b)];
}

}  // namespace nibble::posttraining
