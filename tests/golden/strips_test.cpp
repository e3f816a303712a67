// Which tensors may be stored in strips of pixels.
#include <catch2/catch.hpp>

#include "sw/golden/datapaths.h"
#include "tests/golden/random_network.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using trace::Op;

TEST_CASE("strips that the machine cannot write or read are refused by names") {
  compiler::NetworkBuilder builder("net");
  const auto add = [&](const std::string& name, Op op, int input, int residual = -1) {
    trace::Layer l = test::NewLayer(name, op, input);
    l.residual = residual;
    if (l.has_weights()) {
      l.weights.assign(op == Op::kConv ? 64 : 8, 1);
      l.bias.assign(8, 0);
    }
    return builder.AddLayer(std::move(l), op == Op::kAdd ? 0 : 8);
  };
  const int in = builder.AddInput("in", {4, 20, 8});
  const int wide = add("wide", Op::kConv, in);
  const int shared = add("good", Op::kDepthwiseConv, wide);
  const int read_twice = add("twice", Op::kDepthwiseConv, shared);
  const int sum = add("sum", Op::kAdd, read_twice, shared);
  add("summed", Op::kDepthwiseConv, sum);
  const trace::Network net = std::move(builder).Finish("test");
  const auto with = [&](const std::string& pattern, const Datapath& base = {}) {
    numerics::LayerOverride change;
    change.pattern = pattern;
    change.depthwise_blocks = numerics::DepthwiseBlocks::kStrips;
    return Datapaths(net, base, {change});
  };
  using Catch::Matchers::Contains;
  const Datapaths good = with("good");
  REQUIRE(good.tensors[wide].strip_row == 20);
  REQUIRE(good.tensors[shared].strip_row == 0);
  // Codes as ever; two strips a row of 20 pixels, each with a scale a channel.
  REQUIRE(good.tensors[wide].code_bytes() == 4 * 20 * 4);
  REQUIRE(good.tensors[wide].scale_bytes() == 4 * 2 * 8);
  REQUIRE_THROWS_WITH(with("twice"), Contains("'twice'") && Contains("'sum'") && Contains("once"));
  REQUIRE_THROWS_WITH(with("summed"), Contains("'summed'") && Contains("'sum'"));
  REQUIRE_THROWS_WITH(with("wide"), Contains("no depthwise layer"));
  Datapath fp8, dynamic, stochastic;
  fp8.activations = numerics::Format::kFp8;
  dynamic.tensor_scale = numerics::ScaleSource::kDynamic;
  stochastic.activation_rounding.mode = numerics::RoundingMode::kStochastic;
  REQUIRE_THROWS_WITH(with("good", fp8), Contains("fp8 has no block scales"));
  REQUIRE_THROWS_WITH(with("good", dynamic), Contains("dynamic"));
  REQUIRE_THROWS_WITH(with("good", stochastic), Contains("stochastic"));
}

}  // namespace
}  // namespace nibble::golden
