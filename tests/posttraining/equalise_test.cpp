// Equalisation leaves FP32 results as they are, bit for bit, and does even out what it can.
#include "sw/posttraining/equalise.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "sw/golden/golden.h"
#include "sw/posttraining/channel_groups.h"
#include "tests/golden/quantised_network.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"

namespace nibble::posttraining {
namespace {

using trace::Activation;
using trace::Network;
using trace::Op;

ChannelStatistics Look(const Network& net, uint32_t seed, int inputs) {
  ChannelStatistics seen;
  for (int i = 0; i < inputs; ++i) {
    seen.Add(net, golden::RunFp32(net, test::RandomInput(net, seed + static_cast<uint32_t>(i))));
  }
  return seen;
}

std::vector<float> Output(const Network& net, uint32_t seed) {
  return golden::RunFp32(net, test::RandomInput(net, seed))[static_cast<size_t>(net.output)];
}

// pointwise -> depthwise -> pointwise with a residual -> pool -> fc: an inverted residual block,
// of which the rows of the first layer differ in size by up to 2^10.
Network InvertedResidual(uint32_t seed, Activation activation) {
  test::Random random(seed);
  compiler::NetworkBuilder builder("block");
  const int in = builder.AddInput("in", {6, 5, 8});
  const auto add = [&](const char* name, Op op, int input, int channels, Activation act) {
    trace::Layer l = test::NewLayer(name, op, input);
    l.activation = act;
    const int reads = op == Op::kDepthwiseConv ? 9 : builder.ShapeOf(input).channels;
    if (op == Op::kDepthwiseConv) {
      l.kernel_h = l.kernel_w = 3;
      l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
    }
    for (int n = 0; n < channels; ++n) {
      const float size = op == Op::kConv && input != in ? 0.125f : std::ldexp(1.0f, -(n * 5 % 11));
      for (int k = 0; k < reads; ++k) l.weights.push_back(random.Value() * size);
      l.bias.push_back(random.Value() * size);
    }
    return l;
  };
  const int stem = builder.AddLayer(add("stem", Op::kConv, in, 12, {}), 12);
  const int wide = builder.AddLayer(add("expand", Op::kConv, stem, 32, activation), 32);
  const int deep = builder.AddLayer(add("depthwise", Op::kDepthwiseConv, wide, 32, activation), 32);
  trace::Layer project = add("project", Op::kConv, deep, 12, {});
  project.residual = stem;
  const int narrow = builder.AddLayer(std::move(project), 12);
  const int pooled = builder.AddLayer(test::NewLayer("pool", Op::kGlobalAveragePool, narrow), 0);
  builder.AddLayer(add("fc", Op::kFullyConnected, pooled, 7, {}), 7);
  return std::move(builder).Finish("test");
}

TEST_CASE("FP32 results are the same bits", "[equalise]") {
  int scaled = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Network before = seed % 3 == 0   ? test::RandomNetwork(seed)
                           : seed % 3 == 1 ? test::RandomOperatorNetwork(seed)
                                           : test::RandomTransformer(seed);
    Network after = before;
    scaled += static_cast<int>(Equalise(after, Look(before, seed, 2), false).groups.size());
    trace::Validate(after);
    INFO("seed " << seed);
    REQUIRE(Output(after, seed + 1000) == Output(before, seed + 1000));
  }
  CHECK(scaled > 15);  // the property is not empty
}

TEST_CASE("Through Relu exactly, and the channels that a depthwise layer reads become alike",
          "[equalise]") {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const Network before = InvertedResidual(seed, {Activation::Kind::kRelu, 0, 0});
    Network after = before;
    const ChannelStatistics seen = Look(before, seed, 4);
    const Equalisation done = Equalise(after, seen, false);
    CHECK(done.groups.size() == 3);  // stem with its residual and the pool; expand; depthwise
    CHECK(done.bounded_channels == 0);
    CHECK(Output(after, seed + 1000) == Output(before, seed + 1000));

    const auto wide = static_cast<size_t>(before.layers[1].output);
    const ChannelStatistics then = Look(after, seed, 4);
    const double largest = *std::max_element(seen.squares[wide].begin(), seen.squares[wide].end());
    for (size_t c = 0; c < then.squares[wide].size(); ++c) {
      if (seen.squares[wide][c] * 0x1p16 < largest) continue;  // beyond the largest factor, or 0
      const double ratio = then.squares[wide][c] / largest;    // of squares: a power of four
      CHECK(ratio > 0.49);
      CHECK(ratio < 2.01);
    }
    CHECK(after.tensors[wide].amax ==
          *std::max_element(then.amax[wide].begin(), then.amax[wide].end()));
  }
}

TEST_CASE("Behind a clip nothing changes unless asked for, and then below the bound",
          "[equalise]") {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    const Network before = InvertedResidual(seed, {Activation::Kind::kClip, 0, 0.75f});
    const ChannelStatistics seen = Look(before, seed, 4);
    const auto wide = static_cast<size_t>(before.layers[1].output);
    const ChannelGroups groups(before, false);
    CHECK(groups.Fixed(static_cast<int>(wide)));
    Network exact = before, bounded = before;
    CHECK(Equalise(exact, seen, false).bounded_channels == 0);
    CHECK(Output(exact, seed + 1000) == Output(before, seed + 1000));

    CHECK(Equalise(bounded, seen, true).bounded_channels > 0);
    for (uint32_t i = 0; i < 4; ++i) CHECK(Output(bounded, seed + i) == Output(before, seed + i));
    const ChannelStatistics then = Look(bounded, seed, 4);
    for (size_t c = 0; c < then.amax[wide].size(); ++c) {
      CHECK(then.amax[wide][c] <= 0.75f);
      // A channel that was cut stays as it is.
      if (seen.amax[wide][c] == 0.75f) CHECK(then.squares[wide][c] == seen.squares[wide][c]);
    }
  }
}

TEST_CASE("Layers with imported codes keep their weights", "[equalise]") {
  const Network before = test::WithImportedCodes(
      InvertedResidual(3, {Activation::Kind::kRelu, 0, 0}), 16, numerics::Profile::kNv);
  Network after = before;
  CHECK(Equalise(after, Look(before, 3, 2), true).groups.empty());
  for (size_t i = 0; i < after.layers.size(); ++i) {
    CHECK(after.layers[i].weights == before.layers[i].weights);
  }
}

}  // namespace
}  // namespace nibble::posttraining
