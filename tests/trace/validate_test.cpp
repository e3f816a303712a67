#include <catch2/catch.hpp>
#include <limits>

#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::trace {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("the output length counts the positions at which the dilated kernel fits") {
  for (int input = 1; input <= 12; ++input) {
    for (int kernel = 1; kernel <= 4; ++kernel) {
      for (int stride = 1; stride <= 3; ++stride) {
        for (int dilation = 1; dilation <= 3; ++dilation) {
          for (int pad = 0; pad <= 3; ++pad) {
            int positions = 0;
            for (int at = -pad; at + dilation * (kernel - 1) < input + 1; at += stride) {
              ++positions;  // padding after the input is 1
            }
            REQUIRE(ConvOutputLength(input, kernel, stride, dilation, pad, 1) == positions);
          }
        }
      }
    }
  }
}

TEST_CASE("counts of the small network") {
  const Network net = test::SmallNetwork();
  const int64_t weights[] = {4 * 3 * 2 * 3, 4 * 9, 4 * 4, 0, 0, 7 * 4};
  const int64_t macs[] = {72 * 15, 36 * 15, 16 * 15, 0, 0, 28};
  const int segments[] = {6, 1, 1, 1, 1, 1}, segment[] = {3, 9, 4, 4, 4, 4};
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const Layer& l = net.layers[i];
    REQUIRE(WeightCount(net, l) == weights[i]);
    REQUIRE(AnalyticMacs(net, l) == macs[i]);
    if (!l.has_weights()) continue;
    REQUIRE(ReductionSegments(net, l) == segments[i]);
    REQUIRE(ReductionSegment(net, l) == segment[i]);
    REQUIRE(ParameterCount(net, l) == weights[i] + net.tensors[l.output].shape.channels);
  }
}

TEST_CASE("counts of a grouped convolution") {
  const Network net = test::OperatorNetwork();
  const Layer& l = net.layers[2];  // 4 to 6 channels in 2 groups, 3 x 1, of 6 x 5 pixels
  REQUIRE(ReductionSegment(net, l) == 2);
  REQUIRE(ReductionSegments(net, l) == 3);
  REQUIRE(WeightCount(net, l) == 6 * 3 * 2);
  REQUIRE(ParameterCount(net, l) == 6 * 3 * 2 + 6);
  REQUIRE(AnalyticMacs(net, l) == 36 * 30);
  REQUIRE(LayerWeights(net, l).size() == 36);
}

TEST_CASE("a fully connected layer takes one pixel") {
  Network net = test::SmallNetwork();
  net.layers.erase(net.layers.begin() + 4);  // the pool
  net.tensors.erase(net.tensors.begin() + 5);
  net.output = 5;
  net.layers[4].input = 4;
  net.layers[4].output = 5;
  REQUIRE_THROWS_WITH(Validate(net), Contains("takes 1x1xC"));
}

TEST_CASE("the output is written once and read by no layer") {
  Network net = test::SmallNetwork();
  net.output = 4;
  REQUIRE_THROWS_WITH(Validate(net),
                      Contains("layer 4 \"pool\": input reads the network's output"));
  net = test::SmallNetwork();
  net.tensors.push_back({"unused", {1, 1, 1}, 0});
  REQUIRE_THROWS_WITH(Validate(net), Contains("tensor 7 \"unused\": no layer writes it"));
}

TEST_CASE("shares of zeros lie between 0 and 1, and belong to layers with weights") {
  for (const float share : {-0.1f, 1.5f, std::numeric_limits<float>::quiet_NaN()}) {
    Network net = test::SmallNetwork();
    net.tensors[1].zeros = share;
    REQUIRE_THROWS_WITH(Validate(net), Contains("tensor 1 \"a\": share of zeros"));
    net = test::SmallNetwork();
    net.layers[0].zeros = {share, 0.5f};
    REQUIRE_THROWS_WITH(Validate(net), Contains("layer 0 \"stem\": share of zero weights"));
    net.layers[0].zeros = {0.5f, share};
    REQUIRE_THROWS_WITH(Validate(net), Contains("share of zero blocks"));
  }
  Network net = test::SmallNetwork();
  net.layers[4].zeros = {0.5f, 0.5f};
  REQUIRE_THROWS_WITH(Validate(net), Contains("layer 4 \"pool\": shares of zeros"));
}

TEST_CASE("names are printable") {
  Network net = test::SmallNetwork();
  net.layers[2].name = "a\033[2J";
  REQUIRE_THROWS_WITH(Validate(net), Contains("control character"));
}

TEST_CASE("a pool has no activation, and an operator without weights has none") {
  Network net = test::SmallNetwork();
  net.layers[4].activation.kind = Activation::Kind::kRelu;
  REQUIRE_THROWS_WITH(Validate(net), Contains("layer 4 \"pool\": activation"));
  net = test::SmallNetwork();
  net.layers[3].weights = {1};
  REQUIRE_THROWS_WITH(Validate(net), Contains("layer 3 \"sum\": weights has 1 elements"));
}

TEST_CASE("corrections belong to biases, and are added once") {
  Network net = test::SmallNetwork();
  const std::vector<float> bias = LayerBias(net, net.layers[1]);
  const std::vector<float> corrected = CorrectedBias(net, net.layers[1]);
  REQUIRE(corrected.size() == bias.size());
  for (size_t n = 0; n < bias.size(); ++n) {
    CHECK(corrected[n] == bias[n] + net.layers[1].bias_correction[n]);
  }
  CHECK(CorrectedBias(net, net.layers[0]) == LayerBias(net, net.layers[0]));
  net.layers[2].bias_correction.pop_back();
  REQUIRE_THROWS_WITH(Validate(net),
                      Contains("layer 2 \"project\": bias_correction has 3 elements, expected 4"));
  net = test::SmallNetwork();
  net.layers[3].bias_correction = {1, 2, 3, 4};
  REQUIRE_THROWS_WITH(Validate(net), Contains("layer 3 \"sum\": bias correction"));
}

TEST_CASE("what was done after training is text, in bounds") {
  Network net = test::SmallNetwork();
  net.posttraining = {""};
  REQUIRE_THROWS_WITH(Validate(net), Contains("posttraining is empty"));
  net.posttraining = {std::string(kMaxStepBytes + 1, 'x')};
  REQUIRE_THROWS_WITH(Validate(net), Contains("posttraining has 65536 bytes"));
  net.posttraining.assign(kMaxSteps + 1, "x");
  REQUIRE_THROWS_WITH(Validate(net), Contains("number of posttraining steps is 65"));
}

TEST_CASE("codes that are no NVFP4 weights of the layer are refused") {
  const auto message = [](auto change) {
    Network net = test::SmallQuantizedNetwork();
    change(net.layers[2]);
    try {
      Validate(net);
      return std::string();
    } catch (const FileError& e) {
      return std::string(e.what());
    }
  };
  REQUIRE(message([](Layer&) {}).empty());
  const auto refused = [&](auto change, const char* names) {
    CHECK_THAT(message(change), Contains("layer 2 \"project\"") && Contains(names));
  };
  refused([](Layer& l) { l.quantized->block = 0; }, "block of the quantised weights is 0");
  refused([](Layer& l) { l.quantized->block = 2; }, "block scales: 4 bytes, expected 8");
  refused([](Layer& l) { l.quantized->codes.pop_back(); }, "packed codes: 7 bytes, expected 8");
  refused([](Layer& l) { l.quantized->scales[1] = 0x7F; }, "block scale 0 of row 1");  // NaN
  refused([](Layer& l) { l.quantized->s_dec = 0; }, "s_dec");
  refused([](Layer& l) { l.quantized->codes[3] ^= 1; }, "weights are not the values");
  refused([](Layer& l) { l.weights[8] = 0; }, "weights are not the values");  // of -0
  refused([](Layer& l) { l.quantized->s_dec = 1e37f; }, "weights are not the values");
  refused(
      [](Layer& l) {
        l.weights.clear();
        l.bias.clear();
        l.synthetic = true;
        l.generator = {1, 1};
      },
      "both quantised and synthetic");
  Network net = test::SmallNetwork();
  net.layers[3].quantized.emplace();
  CHECK_THROWS_WITH(Validate(net), Contains("layer 3 \"sum\": quantised weights on an operator"));
  // Rows of three codes: the last nibble is nothing.
  net = test::SmallNetwork();
  Layer& stem = net.layers[0];  // [4][3 * 2][3]
  stem.quantized = {16, 1.0f, std::vector<uint8_t>(48), std::vector<uint8_t>(24)};
  stem.weights.assign(72, 0.0f);
  CHECK_NOTHROW(Validate(net));
  stem.quantized->codes[1] = 0x10;
  CHECK_THROWS_WITH(Validate(net), Contains("padding nibble"));
}

}  // namespace
}  // namespace nibble::trace
