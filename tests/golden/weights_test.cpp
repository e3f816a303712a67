// Imported codes are a layer's weights where the datapath has room for them, and only there.
#include "sw/golden/weights.h"

#include <catch2/catch.hpp>

#include "sw/golden/golden.h"
#include "tests/golden/quantised_network.h"
#include "tests/golden/random_network.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::Format;
using numerics::Profile;
using numerics::ScaleSource;

TEST_CASE("codes of profile nv give the bits of a run that quantises by itself") {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    for (const int block : {8, 16, 64}) {
      CAPTURE(seed, block);
      const trace::Network net = test::RandomNetwork(seed);
      Datapath datapath;
      datapath.SetBlock(block);
      const std::vector<float> input = test::RandomInput(net, seed);
      const Execution plain = Run(net, datapath, input);
      const Execution imported =
          Run(test::WithImportedCodes(net, block, Profile::kNv), datapath, input);
      for (size_t t = 0; t < net.tensors.size(); ++t) {
        REQUIRE(imported.tensors[t].codes == plain.tensors[t].codes);
        REQUIRE(imported.tensors[t].scales == plain.tensors[t].scales);
        REQUIRE(imported.tensors[t].scale.decode == plain.tensors[t].scale.decode);
      }
    }
  }
}

TEST_CASE("imported codes are taken as they are, whatever made them") {
  const trace::Network plain = test::RandomNetwork(3);
  for (const numerics::ProfileSpec& spec : numerics::AllProfiles()) {
    CAPTURE(spec.name);
    const trace::Network net = test::WithImportedCodes(plain, 16, spec.profile);
    for (size_t i = 0; i < net.layers.size(); ++i) {
      if (!net.layers[i].has_weights()) continue;
      REQUIRE(TakesImportedCodes(net.layers[i], Datapath()));
      const numerics::BlockTensor t =
          test::QuantizeByProfile(plain, plain.layers[i], 16, spec.profile);
      const numerics::QuantizedWeights w = QuantizeLayer(net, net.layers[i], Datapath());
      REQUIRE(w.codes == t.codes);
      REQUIRE(std::vector<uint32_t>(w.scales.begin(), w.scales.end()) == t.scales);
      for (const float scale : w.channel_scale) REQUIRE(scale == t.outer[0].decode);
    }
  }
}

TEST_CASE("a datapath of another kind quantises the values of the codes") {
  const trace::Network net =
      test::WithImportedCodes(test::RandomNetwork(4), 16, Profile::kModelOpt);
  const auto check = [&](auto change) {
    Datapath datapath;
    change(datapath);
    for (const trace::Layer& l : net.layers) {
      if (!l.has_weights()) continue;
      CHECK_FALSE(TakesImportedCodes(l, datapath));
      const numerics::QuantizedWeights got = QuantizeLayer(net, l, datapath);
      const numerics::QuantizedWeights expected = numerics::QuantizeWeights(
          l.weights.data(), net.tensors[l.output].shape.channels, trace::ReductionSegments(net, l),
          trace::ReductionSegment(net, l), datapath.weights, datapath.weight_block,
          datapath.weight_outer());
      CHECK(got.codes == expected.codes);
      CHECK(got.scales == expected.scales);
      CHECK(got.channel_scale == expected.channel_scale);
    }
  };
  check([](Datapath& d) { d.SetBlock(32); });
  check([](Datapath& d) { d.weights = Format::kFp8; });
  check([](Datapath& d) { d.weights = Format::kFp16; });
  check([](Datapath& d) { d.tensor_scale = ScaleSource::kNone; });
  check([](Datapath& d) { d.weight_scale = numerics::WeightScale::kChannel; });
}

TEST_CASE("a layer in a format without an FP32 scale leaves a scale per channel to the others") {
  using numerics::LayerOverride;
  using numerics::WeightScale;
  const trace::Network net = test::RandomNetwork(4);
  Datapath channel;
  channel.weight_scale = WeightScale::kChannel;
  LayerOverride first, every;
  first.pattern = "first";
  first.weights = Format::kFp16;
  every.pattern = "*";
  every.weight_scale = WeightScale::kChannel;
  const Datapaths mixed(net, channel, {first});
  CHECK(mixed.layers.front().weight_outer() == numerics::OuterScale::kNone);
  CHECK(mixed.layers.back().weight_outer() == numerics::OuterScale::kChannel);
  // Asked for by name, it is refused.
  CHECK_NOTHROW(Datapaths(net, {}, {every, first}));
  CHECK_THROWS_WITH(Datapaths(net, {}, {first, every}),
                    Catch::Contains(net.layers.front().name) && Catch::Contains("fp16"));
}

TEST_CASE("codes without a tensor scale fit a datapath without") {
  const trace::Network net = test::WithImportedCodes(test::RandomNetwork(5), 16, Profile::kGgml);
  Datapath datapath;
  datapath.tensor_scale = ScaleSource::kNone;
  CHECK(TakesImportedCodes(net.layers[0], datapath));
  CHECK_FALSE(TakesImportedCodes(test::RandomNetwork(5).layers[0], datapath));
}

}  // namespace
}  // namespace nibble::golden
