// The golden executor against an implementation that knows only the formats (exact_layer.h).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/quantize.h"
#include "sw/golden/golden.h"
#include "tests/golden/exact_layer.h"
#include "tests/golden/random_network.h"
#include "tests/golden/random_transformer.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::Format;
using numerics::ScaleSource;
using numerics::StoredActivations;
using trace::Op;

bool ReadInStrips(const trace::Network& net, int tensor, const Datapaths& datapaths) {
  return std::any_of(net.layers.begin(), net.layers.end(), [&](const trace::Layer& l) {
    const Datapath& d = datapaths.layers[static_cast<size_t>(&l - net.layers.data())];
    return l.op == Op::kDepthwiseConv && l.input == tensor &&
           d.depthwise_blocks == numerics::DepthwiseBlocks::kStrips;
  });
}

// What `x` must be stored as, in a tensor of its own or as a view of another.
StoredActivations Stored(const trace::Network& net, int tensor, const Datapaths& datapaths,
                         const std::vector<float>& x) {
  const trace::Shape shape = net.tensors[tensor].shape;
  const int root = datapaths.views[tensor].root;
  const Format format = root == net.output ? Format::kFp32 : datapaths.base.activations;
  float amax = net.tensors[root].amax;
  if (datapaths.base.tensor_scale == ScaleSource::kDynamic) {
    amax = 0;
    for (const float v : x) amax = std::max(amax, std::fabs(v));
  }
  const numerics::TensorScale scale =
      format == Format::kNvfp4 ? numerics::TensorScaleFromAmax(amax) : numerics::TensorScale{};
  return numerics::StoreTensor(
      {format, datapaths.base.activation_block, shape.height * shape.width, shape.channels,
       ReadInStrips(net, tensor, datapaths) ? shape.width : 0},
      scale, x.data());
}

void RequireSame(const StoredActivations& a, const StoredActivations& b) {
  REQUIRE(a.layout.format == b.layout.format);
  REQUIRE(a.layout.block == b.layout.block);
  REQUIRE(a.layout.pixels == b.layout.pixels);
  REQUIRE(a.layout.channels == b.layout.channels);
  REQUIRE(a.scale.decode == b.scale.decode);
  REQUIRE(a.scales == b.scales);
  REQUIRE(a.codes == b.codes);
}

void RequireSameElement(const StoredActivations& a, int pixel, int a_channel,
                        const StoredActivations& b, int b_channel) {
  const Operand x = Activation(a, pixel, a_channel), y = Activation(b, pixel, b_channel);
  REQUIRE(x.value == y.value);
  REQUIRE(x.scale == y.scale);
  REQUIRE(a.scale.decode == b.scale.decode);
}

// A concatenation or a slice: elements that lie in the same root as where they come from are the
// very same, the others are quantised.
void RequireMoved(const trace::Network& net, const trace::Layer& l, const Datapaths& datapaths,
                  const Execution& e, const StoredActivations& quantised) {
  const StoredActivations& y = e.tensors[l.output];
  const std::vector<int> operands = trace::TensorsRead(l);
  int channel = 0;
  for (const int t : operands) {
    const bool shared = datapaths.views[t].root == datapaths.views[l.output].root;
    const int count = l.op == Op::kSlice ? y.layout.channels : net.tensors[t].shape.channels;
    for (int p = 0; p < y.layout.pixels; ++p) {
      for (int c = 0; c < count; ++c) {
        if (shared) {
          RequireSameElement(y, p, channel + c, e.tensors[t], l.first_channel + c);
        } else {
          RequireSameElement(y, p, channel + c, quantised, channel + c);
        }
      }
    }
    channel += count;
  }
}

void RequireGolden(const trace::Network& net, const Datapath& datapath,
                   const std::vector<float>& input) {
  const Datapaths datapaths(net, datapath);
  const Execution e = Run(net, datapath, input);
  REQUIRE(e.tensors.size() == net.tensors.size());
  RequireSame(e.tensors[net.input], Stored(net, net.input, datapaths, input));
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (!net.tensors[t].constant) continue;
    RequireSame(e.tensors[t],
                Stored(net, static_cast<int>(t), datapaths, trace::ConstantValues(net.tensors[t])));
  }
  for (const trace::Layer& l : net.layers) {
    CAPTURE(l.name);
    const StoredActivations expected =
        Stored(net, l.output, datapaths, ExactLayer(net, l, datapath, e.tensors));
    if (l.op == Op::kConcat || l.op == Op::kSlice) {
      RequireMoved(net, l, datapaths, e, expected);
    } else {
      RequireSame(e.tensors[l.output], expected);
    }
    const View& view = datapaths.views[l.output];  // a root holds what its views hold
    for (int c = 0; c < expected.layout.channels; ++c) {
      RequireSameElement(e.tensors[l.output], 0, c, e.tensors[view.root], view.channel + c);
    }
  }
}

Datapath Path(Format activations, Format weights, int block, ScaleSource source) {
  Datapath datapath;
  datapath.activations = activations;
  datapath.weights = weights;
  datapath.SetBlock(block);
  datapath.tensor_scale = source;
  return datapath;
}

TEST_CASE("the executor equals exact block terms under every datapath") {
  uint32_t seed = 0;
  for (const Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (const Format weights : {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16}) {
      for (const int block : {8, 16, 32, 64, 128}) {
        for (const ScaleSource source : {ScaleSource::kStatic, ScaleSource::kDynamic}) {
          const Datapath datapath = Path(activations, weights, block, source);
          for (int repeat = 0; repeat < 2; ++repeat) {
            ++seed;
            CAPTURE(seed, numerics::FormatName(activations), numerics::FormatName(weights), block,
                    source == ScaleSource::kStatic);
            const trace::Network net = test::RandomNetwork(seed);
            RequireGolden(net, datapath, test::RandomInput(net, seed));
          }
        }
      }
    }
  }
}

TEST_CASE("depthwise layers that read strips of pixels: each tap under the scale of its strip") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    const trace::Network net = test::RandomNetwork(seed);
    Datapath datapath = Path(Format::kNvfp4, seed % 2 == 0 ? Format::kNvfp4 : Format::kFp8,
                             seed % 3 == 0 ? 16 : 8, ScaleSource::kStatic);
    datapath.depthwise_blocks = numerics::DepthwiseBlocks::kStrips;
    CAPTURE(seed);
    RequireGolden(net, datapath, test::RandomInput(net, seed));
  }
}

TEST_CASE("every operator and activation, views among the tensors, under every datapath") {
  uint32_t seed = 0;
  for (const Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (const int block : {8, 16, 32}) {
      for (const ScaleSource source :
           {ScaleSource::kStatic, ScaleSource::kDynamic, ScaleSource::kNone}) {
        Datapath datapath = Path(activations, Format::kNvfp4, block, source);
        if (source == ScaleSource::kNone) datapath.activations = datapath.weights = Format::kFp4;
        for (int repeat = 0; repeat < 6; ++repeat) {
          ++seed;
          CAPTURE(seed, numerics::FormatName(activations), block, static_cast<int>(source));
          const trace::Network net = test::RandomOperatorNetwork(seed);
          RequireGolden(net, datapath, test::RandomInput(net, seed));
        }
      }
    }
  }
}

TEST_CASE(
    "transformers: products of stored tensors, whose blocks both have, under every datapath") {
  uint32_t seed = 0;
  int views = 0, copies = 0;
  for (const Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (const int block : {8, 16, 64}) {
      for (const ScaleSource source : {ScaleSource::kStatic, ScaleSource::kDynamic}) {
        Datapath datapath = Path(activations, Format::kFp8, block, source);
        datapath.weight_block = 32;  // of a product of two tensors, that of the activations counts
        for (int repeat = 0; repeat < 4; ++repeat) {
          ++seed;
          CAPTURE(seed, numerics::FormatName(activations), block, static_cast<int>(source));
          const trace::Network net = test::RandomTransformer(seed);
          RequireGolden(net, datapath, test::RandomInput(net, seed));
          const Datapaths datapaths(net, datapath);
          for (const trace::Layer& l : net.layers) {
            if (l.op != Op::kSlice) continue;
            datapaths.IsView(l.output) ? ++views : ++copies;
          }
        }
      }
    }
  }
  REQUIRE(views > 50);
  REQUIRE(copies > 50);
}

TEST_CASE("both operands of a product are stored as it asks") {
  const trace::Network net = test::RandomTransformer(1);
  numerics::LayerOverride change;
  change.pattern = "matmul";
  change.activations = Format::kFp16;
  change.activation_block = 32;
  const Datapaths datapaths(net, {}, {change});
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    if (l.op != Op::kMatMul) continue;
    REQUIRE(datapaths.layers[i].weights == Format::kFp16);
    REQUIRE(datapaths.layers[i].weight_block == 32);
    for (const int t : {l.input, l.residual}) {
      REQUIRE(datapaths.tensors[t].format == Format::kFp16);
      REQUIRE(datapaths.tensors[t].block == 32);
    }
  }
}

TEST_CASE("a tensor that a product wants in one format and a convolution in another is refused") {
  compiler::NetworkBuilder builder("net");
  trace::Layer product = test::NewLayer("gram", Op::kMatMul, builder.AddInput("in", {2, 2, 8}));
  product.residual = 0;
  builder.AddLayer(std::move(product));
  trace::Layer conv = test::NewLayer("conv", Op::kConv, 0);
  conv.weights.assign(8, 1);
  conv.bias.assign(1, 0);
  builder.AddLayer(std::move(conv), 1);
  const trace::Network net = std::move(builder).Finish("test");
  numerics::LayerOverride change;
  change.pattern = "gram";
  change.activations = Format::kFp16;
  REQUIRE_THROWS_WITH(Datapaths(net, {}, {change}), Catch::Matchers::Contains("'gram'") &&
                                                        Catch::Matchers::Contains("'conv'") &&
                                                        Catch::Matchers::Contains("'in'"));
}

TEST_CASE("reductions of several blocks with a partial tail") {
  for (const int block : {8, 32, 128}) {
    compiler::NetworkBuilder builder("wide");
    test::Random random(static_cast<uint32_t>(block));
    trace::Layer conv = test::NewLayer("conv", Op::kConv, builder.AddInput("in", {2, 2, 150}));
    conv.kernel_w = 2;
    conv.weights = random.Values(3 * 2 * 150, 1);
    conv.bias = random.Values(3, 1);
    builder.AddLayer(std::move(conv), 3);
    trace::Network net = std::move(builder).Finish("test");
    for (trace::Tensor& t : net.tensors) t.amax = 2;
    for (const Format weights : {Format::kNvfp4, Format::kFp8, Format::kFp16}) {
      RequireGolden(net, Path(Format::kNvfp4, weights, block, ScaleSource::kStatic),
                    test::RandomInput(net, 9));
    }
  }
}

TEST_CASE("a static scale that is too small saturates, a dynamic one does not") {
  trace::Network net = test::RandomNetwork(3);
  const std::vector<float> input = test::RandomInput(net, 3);
  for (trace::Tensor& t : net.tensors) t.amax = 0.5f;
  Datapath datapath;
  const Execution fixed = Run(net, datapath, input);
  datapath.tensor_scale = ScaleSource::kDynamic;
  const Execution dynamic = Run(net, datapath, input);
  const auto largest = [&](const Execution& e) {
    float amax = 0;
    for (const float x : numerics::LoadTensor(e.tensors[net.input])) {
      amax = std::max(amax, std::fabs(x));
    }
    return amax;
  };
  REQUIRE(largest(fixed) == Approx(0.5));
  REQUIRE(largest(dynamic) == Approx(2.0).epsilon(0.1));
}

TEST_CASE("more precise weights bring the output nearer to FP32") {
  double nvfp4 = 0, fp16 = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const trace::Network net = test::RandomNetwork(seed);
    const std::vector<float> input = test::RandomInput(net, seed);
    const std::vector<float> reference = RunFp32(net, input)[net.output];
    const auto error = [&](Format weights) {
      const Datapath datapath = Path(Format::kNvfp4, weights, 16, ScaleSource::kDynamic);
      const std::vector<float> y =
          numerics::LoadTensor(Run(net, datapath, input).tensors[net.output]);
      double sum = 0;
      for (size_t i = 0; i < y.size(); ++i) sum += std::pow(double{y[i]} - reference[i], 2);
      return sum / static_cast<double>(y.size());
    };
    nvfp4 += error(Format::kNvfp4);
    fp16 += error(Format::kFp16);
  }
  REQUIRE(fp16 < 0.7 * nvfp4);
}

}  // namespace
}  // namespace nibble::golden
