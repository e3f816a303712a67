#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <stdexcept>

#include "sw/compiler/compiler.h"
#include "sw/compiler/recipe.h"
#include "sw/golden/compare.h"
#include "sw/golden/golden.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

struct Counts {
  int64_t macs = 0, weights = 0, outputs = 0;
};

// Table 2 of the MobileNetV2 paper in closed form; each stride of 2 halves the side, rounding up.
Counts MobileNetV2Counts(int64_t side) {
  Counts counts;
  const auto layer = [&](int64_t pixels, int64_t weights, int64_t channels) {
    counts.macs += pixels * weights;
    counts.weights += weights;
    counts.outputs += channels;
  };
  side = (side + 1) / 2;
  layer(side * side, 9 * 3 * 32, 32);
  int64_t in = 32;
  const int64_t table[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto& [t, c, n, s] : table) {
    for (int64_t i = 0; i < n; ++i, in = c) {
      const int64_t hidden = in * t;
      if (t != 1) layer(side * side, in * hidden, hidden);
      if (i == 0 && s == 2) side = (side + 1) / 2;
      layer(side * side, 9 * hidden, hidden);
      layer(side * side, hidden * c, c);
    }
  }
  layer(side * side, 320 * 1280, 1280);
  layer(1, 1280 * 1000, 1000);
  return counts;
}

TEST_CASE("a matrix-vector product is one layer of the size that its name says") {
  const trace::Network net = BuildNetwork("gemv:300x70");
  REQUIRE(net.layers.size() == 1);
  CHECK(net.layers[0].op == trace::Op::kFullyConnected);
  CHECK(net.tensors[net.input].shape == trace::Shape{1, 1, 70});
  CHECK(net.tensors[net.output].shape == trace::Shape{1, 1, 300});
  CHECK(trace::AnalyticMacs(net, net.layers[0]) == 300 * 70);
  for (const char* wrong :
       {"gemv:", "gemv:3", "gemv:3x", "gemv:3x4x5", "gemv:0x4", "gemv:4x40000"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(BuildNetwork(wrong), std::invalid_argument);
  }
}

TEST_CASE("MobileNetV2 has the published numbers of MACs and parameters") {
  const Counts at224 = MobileNetV2Counts(224);
  REQUIRE(at224.macs == 300774272);  // "300 M" in the paper
  REQUIRE(at224.weights + at224.outputs == 3487816);
  for (const int resolution : {32, 96, 225, 224}) {
    const trace::Network net = BuildNetwork("mobilenet_v2", resolution);
    int64_t macs = 0, parameters = 0;
    for (const trace::Layer& l : net.layers) {
      macs += trace::AnalyticMacs(net, l);
      parameters += trace::ParameterCount(net, l);
    }
    REQUIRE(macs == MobileNetV2Counts(resolution).macs);
    REQUIRE(parameters == 3487816);
    REQUIRE(net.tensors[net.input].shape == trace::Shape{resolution, resolution, 3});
    REQUIRE(net.tensors[net.output].shape == trace::Shape{1, 1, 1000});
  }
}

TEST_CASE("MobileNetV2 has ten residual sums, all fused, and 17 depthwise layers") {
  const trace::Network net = BuildNetwork("mobilenet_v2");
  int residuals = 0, depthwise = 0;
  std::set<uint64_t> seeds;
  for (const trace::Layer& l : net.layers) {
    residuals += l.residual >= 0;
    depthwise += l.op == trace::Op::kDepthwiseConv;
    REQUIRE(l.op != trace::Op::kAdd);
    if (l.has_weights()) REQUIRE(seeds.insert(l.generator.seed).second);
  }
  REQUIRE(residuals == 10);
  REQUIRE(depthwise == 17);
}

TEST_CASE("signals stay alive and bounded through the depth, and inputs tell in the logits") {
  trace::Network net = CompileBuiltIn("mobilenet_v2", 96, 2);
  for (const trace::Tensor& t : net.tensors) {
    CAPTURE(t.name);
    REQUIRE(t.amax > 0.5f);
    REQUIRE(t.amax < 10.0f);
  }
  const auto first = golden::RunFp32(net, GeneratedInput(net, 0));
  const auto second = golden::RunFp32(net, GeneratedInput(net, 1));
  for (const trace::Layer& l : net.layers) {
    size_t alive = 0;
    for (const float x : first[l.output]) alive += x != 0;
    CAPTURE(l.name);
    REQUIRE(alive * 10 > first[l.output].size() * 3);  // a rectifier passes about half
  }
  // The difference between two images is above that of rounding to four bits, about 20 dB.
  REQUIRE(golden::Sqnr(first[net.output], second[net.output]) < 30);
}

TEST_CASE("generated inputs fill -1..1, differ, and are the same every time") {
  const trace::Network net = BuildNetwork("mobilenet_v2", 64);
  const std::vector<float> x = GeneratedInput(net, 0);
  REQUIRE(x.size() == 64 * 64 * 3);
  REQUIRE(x == GeneratedInput(net, 0));
  REQUIRE(x != GeneratedInput(net, 1));
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  REQUIRE(*least >= -1);
  REQUIRE(*least < -0.8f);
  REQUIRE(*most <= 1);
  REQUIRE(*most > 0.8f);
}

TEST_CASE("calibration records the largest magnitude over all inputs") {
  trace::Network net = BuildNetwork("mobilenet_v2", 32);
  const std::vector<std::vector<float>> inputs = {GeneratedInput(net, 5), GeneratedInput(net, 6)};
  static int calls = 0;
  Calibrate(net, inputs, [](int done, int total) {
    ++calls;
    REQUIRE(done == calls);
    REQUIRE(total == 2);
  });
  REQUIRE(calls == 2);
  std::vector<float> expected(net.tensors.size());
  for (const auto& input : inputs) {
    const auto tensors = golden::RunFp32(net, input);
    for (size_t t = 0; t < tensors.size(); ++t) {
      for (const float x : tensors[t]) expected[t] = std::max(expected[t], std::fabs(x));
    }
  }
  for (size_t t = 0; t < expected.size(); ++t) REQUIRE(net.tensors[t].amax == expected[t]);
}

// Published with batch normalization, which has two parameters a channel where a folded layer has
// one bias. MACs to the last digit that is published.
struct Published {
  const char* name;
  int64_t parameters;
  double macs, to;      // millions
  const char* no_norm;  // substrings of layers without batch normalization, beside "classifier"
};

TEST_CASE("every network has the published numbers of MACs and parameters") {
  const Published table[] = {
      // torchvision 0.14: number of parameters of each model; MACs of its documentation (GFLOPS
      // there), MobileNetV1's of its paper (table 8) and Keras' trainable parameters.
      {"efficientnet_b0", 5288548, 386, 1, ".se_"},
      {"mnasnet1_0", 4383312, 314, 1, ""},
      {"mobilenet_v1", 4231976, 569, 1, ""},
      {"mobilenet_v2", 3504872, 301, 1, ""},
      {"mobilenet_v3_large", 5483032, 217, 1, ".se_ hidden"},
      {"mobilenet_v3_small", 2542856, 57, 1, ".se_ hidden"},
      {"resnet50", 25557032, 4089, 1, ""},
      {"shufflenet_v2_x1_0", 2278604, 145, 1, ""},
      {"squeezenet1_1", 1235496, 349, 1, "stem fire"},
      // DeiT-Ti of timm 0.6 (deit_tiny_patch16_224): 5,717,416 parameters, 1.26 GMACs.
      {"vit_tiny", 5717416, 1254, 1, "all"},
  };
  REQUIRE(std::size(table) == BuiltInNetworks().size());
  for (const Published& p : table) {
    CAPTURE(p.name);
    const trace::Network net =
        trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/" + p.name + ".trc", false);
    const std::string no_norm = p.no_norm;
    int64_t macs = 0, parameters = 0;
    std::set<uint64_t> seeds;
    for (const trace::Layer& l : net.layers) {
      macs += trace::AnalyticMacs(net, l);
      parameters += trace::ParameterCount(net, l);
      if (!l.has_weights()) continue;
      REQUIRE(seeds.insert(l.generator.seed).second);
      bool norm = l.name != "classifier" && no_norm != "all";
      for (const char* part : {".se_", "hidden", "stem", "fire"}) {
        norm = norm &&
               !(no_norm.find(part) != std::string::npos && l.name.find(part) != std::string::npos);
      }
      if (norm) parameters += net.tensors[l.output].shape.channels;
    }
    for (const trace::Tensor& t : net.tensors) {
      if (t.constant) parameters += t.shape.elements();
    }
    REQUIRE(parameters == p.parameters);
    REQUIRE(std::fabs(static_cast<double>(macs) / 1e6 - p.macs) < p.to);
    REQUIRE(net.tensors[net.output].shape == trace::Shape{1, 1, 1000});
  }
}

TEST_CASE("ViT-Tiny has the multiply-accumulates of its closed form") {
  for (const int resolution : {64, 224}) {
    const trace::Network net = BuildNetwork("vit_tiny", resolution);
    const int64_t patches = int64_t{resolution / 16} * (resolution / 16), tokens = patches + 1;
    const int64_t width = 192, hidden = 768;
    const int64_t block = tokens * width * (3 * width + width + 2 * hidden)  // four layers
                          + 2 * tokens * tokens * width;                     // scores and mixes
    int64_t macs = 0, products = 0;
    for (const trace::Layer& l : net.layers) {
      macs += trace::AnalyticMacs(net, l);
      products += l.op == trace::Op::kMatMul;
    }
    REQUIRE(macs == patches * 16 * 16 * 3 * width + 12 * block + width * 1000);
    REQUIRE(products == 12 * 3 * 2);
  }
}

TEST_CASE("networks can be built at other resolutions, with the same weights") {
  for (const std::string name : {"shufflenet_v2_x1_0", "squeezenet1_1", "mobilenet_v3_small"}) {
    CAPTURE(name);
    const trace::Network full =
        trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/" + name + ".trc", false);
    for (const int resolution : {32, 97}) {
      const trace::Network net = BuildNetwork(name, resolution);
      REQUIRE(net.tensors[net.output].shape == trace::Shape{1, 1, 1000});
      for (size_t i = 0; i < net.layers.size(); ++i) {
        REQUIRE(net.layers[i].generator.seed == full.layers[i].generator.seed);
        REQUIRE(net.layers[i].generator.gain == full.layers[i].generator.gain);
      }
    }
  }
}

TEST_CASE("unknown networks and resolutions are refused by name") {
  using Catch::Matchers::Contains;
  REQUIRE_THROWS_AS(BuildNetwork("resnet"), std::invalid_argument);
  REQUIRE_THROWS_WITH(BuildNetwork("resnet"), Contains("resnet") && Contains("mobilenet_v2"));
  REQUIRE_THROWS_WITH(BuildNetwork("mobilenet_v2", 31), Contains("31") && Contains("32..2048"));
}

}  // namespace
}  // namespace nibble::compiler
