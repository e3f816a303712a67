// Which concatenations and slices are free, and that a view holds what its root does.
#include <catch2/catch.hpp>
#include <random>

#include "sw/golden/channel_ranges.h"
#include "sw/golden/golden.h"
#include "tests/golden/random_network.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::Format;
using trace::Op;

// Pointwise convolutions of an image of 64 channels, concatenations and slices of anything.
class Maker {
 public:
  Maker() { image_ = builder_.AddInput("in", {2, 2, 64}); }
  int image() const { return image_; }
  int Conv(int input, int channels) {
    trace::Layer l = test::NewLayer(Name(), Op::kConv, input);
    l.weights.assign(static_cast<size_t>(channels) * builder_.ShapeOf(input).channels, 0.125f);
    l.bias.assign(static_cast<size_t>(channels), 0.25f);
    return builder_.AddLayer(std::move(l), channels);
  }
  int Concat(const std::vector<int>& operands) {
    trace::Layer l = test::NewLayer(Name(), Op::kConcat, operands[0]);
    l.operands = operands;
    return builder_.AddLayer(std::move(l));
  }
  int Slice(int input, int first, int channels) {
    trace::Layer l = test::NewLayer(Name(), Op::kSlice, input);
    l.first_channel = first;
    return builder_.AddLayer(std::move(l), channels);
  }
  trace::Network Finish() && { return std::move(builder_).Finish("test"); }
  // Ends with a pool, so that nothing of interest is the network's output.
  trace::Network Finish(int last) & {
    builder_.AddLayer(test::NewLayer("pool", Op::kGlobalAveragePool, last));
    return std::move(builder_).Finish("test");
  }

 private:
  std::string Name() { return "l" + std::to_string(count_++); }
  compiler::NetworkBuilder builder_{"views"};
  int image_ = 0, count_ = 0;
};

Datapath Blocks(int block) {
  Datapath d;
  d.SetBlock(block);
  return d;
}

void RequireView(const Datapaths& d, int tensor, int root, int channel) {
  CAPTURE(tensor);
  REQUIRE(d.views[tensor].root == root);
  REQUIRE(d.views[tensor].channel == channel);
  REQUIRE(d.IsView(tensor) == (root != tensor));
  REQUIRE(d.tensors[tensor].format == d.tensors[root].format);
  REQUIRE(d.tensors[tensor].block == d.tensors[root].block);
}

std::vector<std::vector<int>> Written(const trace::Network& net, const Datapaths& d, int tensor) {
  std::vector<std::vector<int>> ranges;
  for (const trace::Layer& l : net.layers) {
    if (l.output != tensor) continue;
    for (const ChannelRange& r : WrittenChannels(net, d, l))
      ranges.push_back({r.channel, r.channels});
  }
  return ranges;
}
using Ranges = std::vector<std::vector<int>>;

TEST_CASE("operands on block boundaries lie in the concatenation, the last of any length") {
  Maker m;
  const int a = m.Conv(m.image(), 32), b = m.Conv(m.image(), 24), c = m.Conv(m.image(), 5);
  const int y = m.Concat({a, b, c});
  const trace::Network net = m.Finish(m.Conv(y, 8));
  const Datapaths at8(net, Blocks(8));
  RequireView(at8, a, y, 0);
  RequireView(at8, b, y, 32);
  RequireView(at8, c, y, 56);
  REQUIRE(Written(net, at8, y).empty());
  REQUIRE(Written(net, at8, c) == Ranges{{0, 5}});
  // Of 16, the second does not end on a boundary, and the third begins off one.
  const Datapaths at16(net, Blocks(16));
  RequireView(at16, a, y, 0);
  RequireView(at16, b, b, 0);
  RequireView(at16, c, c, 0);
  REQUIRE(Written(net, at16, y) == Ranges{{32, 29}});
  const Datapaths at64(net, Blocks(64));
  for (const int t : {a, b, c}) RequireView(at64, t, t, 0);
  REQUIRE(Written(net, at64, y) == Ranges{{0, 61}});
}

TEST_CASE("a dynamic tensor scale is known too late for operands, but not for slices") {
  Maker m;
  const int a = m.Conv(m.image(), 16), b = m.Conv(m.image(), 16);
  const int y = m.Concat({a, b}), s = m.Slice(y, 16, 16);
  const trace::Network net = m.Finish(m.Conv(s, 8));
  Datapath datapath = Blocks(16);
  RequireView(Datapaths(net, datapath), a, y, 0);
  RequireView(Datapaths(net, datapath), s, y, 16);
  datapath.tensor_scale = numerics::ScaleSource::kDynamic;
  RequireView(Datapaths(net, datapath), a, a, 0);
  RequireView(Datapaths(net, datapath), b, b, 0);
  RequireView(Datapaths(net, datapath), s, y, 16);
}

TEST_CASE("operands that lie elsewhere already are copied") {
  Maker m;
  const int a = m.Conv(m.image(), 16), s = m.Slice(m.image(), 0, 16), b = m.Conv(m.image(), 16);
  const int twice = m.Concat({a, a}), y = m.Concat({s, b, m.image()}), z = m.Concat({a, b});
  const trace::Network net = m.Finish(m.Concat({twice, y, z}));
  const Datapaths d(net, Blocks(16));
  const int all = net.layers[net.layers.size() - 2].output;
  RequireView(d, a, a, 0);  // an operand three times
  RequireView(d, b, b, 0);
  RequireView(d, s, m.image(), 0);
  RequireView(d, m.image(), m.image(), 0);
  RequireView(d, twice, all, 0);
  RequireView(d, y, all, 32);
  RequireView(d, z, all, 128);
  REQUIRE(Written(net, d, all).empty());
  REQUIRE(Written(net, d, y) == Ranges{{0, 96}});
  REQUIRE(Written(net, d, s).empty());
}

TEST_CASE("views of views name the tensor in which the bytes are") {
  Maker m;
  const int a = m.Conv(m.image(), 16), b = m.Conv(m.image(), 24), c = m.Conv(m.image(), 16);
  const int inner = m.Concat({a, b}), y = m.Concat({c, inner});
  const int s = m.Slice(y, 16, 40), t = m.Slice(s, 8, 32), u = m.Slice(b, 8, 8);
  const trace::Network net = m.Finish(m.Concat({t, m.Conv(u, 8)}));
  const Datapaths d(net, Blocks(8));
  RequireView(d, c, y, 0);
  RequireView(d, inner, y, 16);
  RequireView(d, a, y, 16);
  RequireView(d, b, y, 32);
  RequireView(d, s, y, 16);
  RequireView(d, t, y, 24);
  RequireView(d, u, y, 40);
}

TEST_CASE("slices begin on a boundary and end on one, or with their input") {
  Maker m;
  const int x = m.Conv(m.image(), 40);
  const int whole = m.Slice(x, 0, 40), tail = m.Slice(x, 16, 24), head = m.Slice(x, 0, 24);
  const int off = m.Slice(x, 8, 16);
  const trace::Network net = m.Finish(m.Concat({whole, tail, head, off}));
  const Datapaths d(net, Blocks(16));
  RequireView(d, whole, x, 0);
  RequireView(d, tail, x, 16);
  RequireView(d, head, head, 0);
  RequireView(d, off, off, 0);
  REQUIRE(Written(net, d, off) == Ranges{{0, 16}});
}

TEST_CASE("a tensor that a layer multiplies in another format is stored on its own") {
  Maker m;
  const int a = m.Conv(m.image(), 16), b = m.Conv(m.image(), 16);
  const int y = m.Concat({a, b}), other = m.Conv(a, 16), s = m.Slice(y, 0, 16);
  const int last = m.Conv(s, 8);
  const trace::Network net = m.Finish(m.Concat({other, last, m.Conv(y, 8)}));
  const Datapath datapath = Blocks(16);
  RequireView(Datapaths(net, datapath), a, y, 0);
  RequireView(Datapaths(net, datapath), s, y, 0);
  numerics::LayerOverride change;
  change.pattern = net.layers[3].name;  // `other`, which multiplies a
  change.activations = Format::kFp8;
  const Datapaths d(net, datapath, {change});
  RequireView(d, a, a, 0);
  RequireView(d, b, y, 16);
  REQUIRE(d.tensors[a].format == Format::kFp8);
  REQUIRE(d.tensors[y].format == Format::kNvfp4);
  REQUIRE(Written(net, d, y) == Ranges{{0, 16}});
  change.pattern = net.layers[5].name;  // `last`, which multiplies the slice
  REQUIRE(Datapaths(net, datapath, {change}).tensors[s].format == Format::kFp8);
}

TEST_CASE("ranges of channels keep all bits, in every format") {
  std::mt19937 random(5);
  for (const numerics::FormatSpec& spec : numerics::AllFormats()) {
    for (const int block : {8, 16, 32}) {
      CAPTURE(spec.name, block);
      const int channels = 3 * block + 5;
      test::Random values(random());
      const std::vector<float> x = values.Values(4 * channels, 3);
      numerics::StoredActivations whole{{spec.format, block, 4, channels}, {2, 0.5f}, {}, {}};
      whole = numerics::StoreTensor(whole.layout, whole.scale, x.data());
      numerics::StoredActivations pieces = whole;
      std::fill(pieces.codes.begin(), pieces.codes.end(), uint8_t{0xA5});
      std::fill(pieces.scales.begin(), pieces.scales.end(), uint8_t{0xA5});
      for (const ChannelRange& r :
           {ChannelRange{2 * block, block + 5}, ChannelRange{0, 2 * block}}) {
        std::vector<float> part;
        for (int p = 0; p < 4; ++p) {
          const auto first = x.begin() + p * channels + r.channel;
          part.insert(part.end(), first, first + r.channels);
        }
        StoreChannels(pieces, r, part.data(), {});
        const std::vector<float> all = numerics::LoadTensor(whole);
        const std::vector<float> read = numerics::LoadTensor(ReadChannels(whole, r));
        for (int p = 0; p < 4; ++p) {
          for (int c = 0; c < r.channels; ++c) {
            REQUIRE(read[p * r.channels + c] == all[p * channels + r.channel + c]);
          }
        }
      }
      REQUIRE(pieces.codes == whole.codes);
      REQUIRE(pieces.scales == whole.scales);
    }
  }
}

// What a pointwise convolution of `channels` computes, unquantised: as the output of a network.
std::vector<float> Unquantised(const Datapath& datapath, int channels,
                               const std::vector<float>& input) {
  Maker m;
  m.Conv(m.image(), channels);
  trace::Network net = std::move(m).Finish();
  net.tensors[net.input].amax = 2;
  return numerics::LoadTensor(Run(net, datapath, input).tensors[net.output]);
}

TEST_CASE("parts of a concatenation are rounded as the whole would be, stochastically too") {
  Maker m;
  const int a = m.Conv(m.image(), 16), b = m.Conv(m.image(), 40), y = m.Concat({a, b});
  trace::Network net = m.Finish(y);
  for (trace::Tensor& t : net.tensors) t.amax = 2;
  net.tensors[a].amax = 1;  // of no effect
  const std::vector<float> input = test::RandomInput(net, 8);
  for (const auto mode :
       {numerics::RoundingMode::kNearestEven, numerics::RoundingMode::kStochastic}) {
    Datapath datapath = Blocks(16);
    datapath.activation_rounding.mode = mode;
    datapath.activation_rounding.seed = 5;
    const std::vector<float> left = Unquantised(datapath, 16, input);
    const std::vector<float> right = Unquantised(datapath, 40, input);
    std::vector<float> whole;
    for (int p = 0; p < 4; ++p) {
      whole.insert(whole.end(), left.begin() + p * 16, left.begin() + (p + 1) * 16);
      whole.insert(whole.end(), right.begin() + p * 40, right.begin() + (p + 1) * 40);
    }
    const Datapaths d(net, datapath);
    RequireView(d, b, y, 16);
    const Execution e = Run(net, d, input);
    const numerics::StoredActivations expected = numerics::StoreTensor(
        d.tensors[y], ScaleOf(net, y, d, whole), whole.data(),
        numerics::StreamOf(datapath.activation_rounding, static_cast<uint64_t>(y)));
    REQUIRE(e.tensors[y].codes == expected.codes);
    REQUIRE(e.tensors[y].scales == expected.scales);
    REQUIRE(e.tensors[y].scale.decode == expected.scale.decode);
  }
}

}  // namespace
}  // namespace nibble::golden
