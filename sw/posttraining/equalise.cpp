#include "sw/posttraining/equalise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sw/posttraining/channel_groups.h"
#include "sw/posttraining/own_weights.h"

namespace nibble::posttraining {
namespace {

using trace::Activation;
using trace::Layer;
using trace::Network;
using trace::Op;

constexpr int kMostDoublings = 8;  // of a channel, or halvings: what a block's scale can take

size_t Channels(const Network& net, int tensor) {
  return static_cast<size_t>(net.tensors[static_cast<size_t>(tensor)].shape.channels);
}

// Calls visit(index, output channel, input channel) for each weight.
template <class Visit>
void ForEachWeight(const Network& net, const Layer& l, Visit visit) {
  const int out = static_cast<int>(Channels(net, l.output));
  const int segments = trace::ReductionSegments(net, l), segment = trace::ReductionSegment(net, l);
  size_t i = 0;
  for (int n = 0; n < out; ++n) {
    for (int s = 0; s < segments; ++s) {
      for (int k = 0; k < segment; ++k, ++i) {
        const int in = l.op == Op::kDepthwiseConv ? n : n / (out / l.groups) * segment + k;
        visit(i, static_cast<size_t>(n), static_cast<size_t>(in));
      }
    }
  }
}

// The power of two nearest to sqrt(square), on a logarithmic scale, as its exponent.
int NearestExponent(double square) {
  int exponent = 0;
  std::frexp(square, &exponent);  // 2^(exponent - 1) <= square < 2^exponent
  // 2^(2k - 1) <= square < 2^(2k + 1)
  const int k = exponent >= 0 ? exponent / 2 : -((1 - exponent) / 2);
  return std::clamp(k, -kMostDoublings, kMostDoublings);
}

// What is known of one group of tensors, by channel.
struct Channel {
  double squares = 0;  // of the tensor where the channel has most
  double weight = 0;   // the largest that reads it, in units of its layer's largest
  double bound = std::numeric_limits<double>::infinity();  // of the factor
};

class Equaliser {
 public:
  Equaliser(const Network& net, const ChannelStatistics& seen, bool through_clips)
      : net_(net), seen_(seen), groups_(net, through_clips) {}

  // Exponents of the factors by tensor; empty where all are 0.
  std::vector<std::vector<int>> Exponents(Equalisation& done) const {
    std::vector<std::vector<int>> exponents(net_.tensors.size());
    for (size_t t = 0; t < net_.tensors.size(); ++t) {
      const int tensor = static_cast<int>(t);
      if (groups_.Of(tensor) != tensor || groups_.Fixed(tensor)) continue;
      bool dense = false;
      const std::vector<Channel> channels = Look(tensor, dense);
      const std::vector<int> found = Choose(channels, dense);
      Equalisation::Group group;
      for (size_t c = 0; c < found.size(); ++c) {
        group.channels += found[c] != 0;
        done.bounded_channels += found[c] != 0 && std::isfinite(channels[c].bound);
        group.least = std::min(group.least, found[c]);
        group.most = std::max(group.most, found[c]);
      }
      if (group.channels == 0) continue;
      for (size_t m = 0; m < net_.tensors.size(); ++m) {
        if (groups_.Of(static_cast<int>(m)) != tensor) continue;
        group.tensors.push_back(static_cast<int>(m));
        exponents[m] = found;
      }
      done.groups.push_back(std::move(group));
    }
    return exponents;
  }

 private:
  // `dense` is set where a layer other than a depthwise one multiplies a tensor of the group.
  std::vector<Channel> Look(int group, bool& dense) const {
    std::vector<Channel> channels(Channels(net_, group));
    for (size_t t = 0; t < net_.tensors.size(); ++t) {
      if (groups_.Of(static_cast<int>(t)) != group) continue;
      const double pixels = net_.tensors[t].shape.pixels();
      for (size_t c = 0; c < channels.size(); ++c) {
        channels[c].squares = std::max(channels[c].squares, seen_.squares[t][c] / pixels);
      }
    }
    for (const Layer& l : net_.layers) {
      if (groups_.Of(l.output) == group && l.activation.kind == Activation::Kind::kClip) {
        for (size_t c = 0; c < channels.size(); ++c) {
          const double amax = seen_.amax[static_cast<size_t>(l.output)][c];
          channels[c].bound = std::min(channels[c].bound, amax > 0 ? l.activation.hi / amax : 1);
        }
      }
      if (!l.has_weights() || l.op == Op::kDepthwiseConv || groups_.Of(l.input) != group) continue;
      dense = true;
      double largest = 0;
      std::vector<double> reads(channels.size());
      const std::vector<float> weights = trace::LayerWeights(net_, l);
      ForEachWeight(net_, l, [&](size_t i, size_t, size_t in) {
        reads[in] = std::max(reads[in], std::fabs(double{weights[i]}));
        largest = std::max(largest, reads[in]);
      });
      for (size_t c = 0; c < channels.size() && largest > 0; ++c) {
        channels[c].weight = std::max(channels[c].weight, reads[c] / largest);
      }
    }
    return channels;
  }

  static std::vector<int> Choose(const std::vector<Channel>& channels, bool dense) {
    double largest = 0;
    for (const Channel& c : channels) largest = std::max(largest, c.squares);
    std::vector<int> exponents;
    for (const Channel& c : channels) {
      int k = 0;
      const bool known = c.squares > 0 && (!dense || c.weight > 0);
      if (known) {
        const double even = largest / c.squares;  // (max r / r)^2
        k = NearestExponent(dense ? c.weight * std::sqrt(even) : even);
      }
      // A channel that reached its clip has the factor 1 alone.
      while (k > 0 && std::ldexp(1.0, k) > c.bound) --k;
      if (c.bound <= 1) k = 0;
      exponents.push_back(k);
    }
    return exponents;
  }

  const Network& net_;
  const ChannelStatistics& seen_;
  ChannelGroups groups_;
};

// Scales weights and bias between channels with these exponents.
void Scale(const Network& net, const std::vector<int>& in, const std::vector<int>& out, Layer& l) {
  if (in.empty() && out.empty()) return;
  OwnWeights(net, l);
  const auto exponent = [](const std::vector<int>& of, size_t c) { return of.empty() ? 0 : of[c]; };
  ForEachWeight(net, l, [&](size_t i, size_t n, size_t k) {
    l.weights[i] = std::ldexp(l.weights[i], exponent(out, n) - exponent(in, k));
  });
  for (std::vector<float>* bias : {&l.bias, &l.bias_correction}) {
    for (size_t n = 0; n < bias->size(); ++n) (*bias)[n] = std::ldexp((*bias)[n], exponent(out, n));
  }
}

}  // namespace

void ChannelStatistics::Add(const Network& net, const std::vector<std::vector<float>>& tensors) {
  squares.resize(tensors.size());
  amax.resize(tensors.size());
  for (size_t t = 0; t < tensors.size(); ++t) {
    const size_t channels = Channels(net, static_cast<int>(t));
    squares[t].resize(channels);
    amax[t].resize(channels);
    for (size_t i = 0; i < tensors[t].size(); ++i) {
      const float x = std::fabs(tensors[t][i]);
      squares[t][i % channels] += double{x} * double{x};
      amax[t][i % channels] = std::max(amax[t][i % channels], x);
    }
  }
}

Equalisation Equalise(Network& net, const ChannelStatistics& seen, bool through_clips) {
  Equalisation done;
  const auto exponents = Equaliser(net, seen, through_clips).Exponents(done);
  for (Layer& l : net.layers) {
    if (!l.has_weights()) continue;
    Scale(net, exponents[static_cast<size_t>(l.input)], exponents[static_cast<size_t>(l.output)],
          l);
  }
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (exponents[t].empty()) continue;
    float amax = 0;
    for (size_t c = 0; c < exponents[t].size(); ++c) {
      amax = std::max(amax, std::ldexp(seen.amax[t][c], exponents[t][c]));
    }
    net.tensors[t].amax = amax;
  }
  return done;
}

}  // namespace nibble::posttraining
