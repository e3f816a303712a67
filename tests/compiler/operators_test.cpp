// Import of the operators beyond plain convolutions, each against ONNX's own meaning, and the
// passes.
#include <catch2/catch.hpp>

#include "sw/compiler/element_order.h"
#include "sw/compiler/fold.h"
#include "sw/trace/file.h"
#include "tests/compiler/import_and_compare.h"

namespace nibble::compiler {
namespace {

using test::ImportAndCompare;
using test::OnnxModel;
using trace::Op;
using Kind = trace::Activation::Kind;

std::vector<Op> Ops(const trace::Network& net) {
  std::vector<Op> ops;
  for (const trace::Layer& l : net.layers) ops.push_back(l.op);
  return ops;
}

TEST_CASE("grouped convolutions, and groups with several outputs a channel") {
  for (const int64_t group : {2, 3, 6}) {
    OnnxModel m({1, 6, 5, 4});
    m.Floats("w", {12, 6 / group, 3, 2});
    m.Floats("b", {12});
    m.Node("Conv", {"x", "w", "b"}, "y", {{"group", {group}}, {"pads", {1, 0, 0, 1}}});
    m.Output("y", 4);
    const trace::Network net = ImportAndCompare(m);
    REQUIRE(Ops(net) == std::vector<Op>{Op::kConv});
    REQUIRE(net.layers[0].groups == group);
  }
}

TEST_CASE("pools with padding, overhang and either divisor") {
  for (const char* op : {"MaxPool", "AveragePool"}) {
    for (const int64_t ceil : {0, 1}) {
      for (const int64_t include : {0, 1}) {
        if (ceil + include == 2 || (include != 0 && op[0] == 'M')) continue;
        OnnxModel m({1, 3, 8, 7});
        onnx::NodeProto& pool = m.Node(op, {"x"}, "y",
                                       {{"kernel_shape", {3, 2}},
                                        {"strides", {2, 3}},
                                        {"pads", {1, 0, 1, 1}},
                                        {"ceil_mode", {ceil}}});
        if (include != 0) {
          onnx::AttributeProto& a = *pool.add_attribute();
          a.set_name("count_include_pad");
          a.set_type(onnx::AttributeProto::INT);
          a.set_i(1);
        }
        m.Output("y", 4);
        const trace::Network net = ImportAndCompare(m);
        REQUIRE(net.layers[0].op == (op[0] == 'M' ? Op::kMaxPool : Op::kAveragePool));
      }
    }
  }
}

TEST_CASE("concatenation, slices and splits of channels") {
  OnnxModel m({1, 6, 3, 4});
  m.Floats("w", {5, 6, 1, 1});
  m.Ints("one", {1});
  m.Ints("start", {-4});
  m.Ints("end", {INT64_MAX});
  m.Ints("parts", {1, 3, 2});
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Slice", {"x", "start", "end", "one"}, "s");
  m.Node("Concat", {"c", "s", "x"}, "d", {{"axis", {1}}});
  m.Node("Slice", {"d", "one", "end", "one"}, "e");
  onnx::NodeProto& split = m.Node("Split", {"x", "parts"}, "p0", {{"axis", {1}}});
  split.add_output("p1");
  split.add_output("p2");
  m.Node("Concat", {"p2", "e", "p0"}, "y", {{"axis", {1}}});
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  int slices = 0;
  for (const trace::Layer& l : net.layers) slices += l.op == Op::kSlice;
  REQUIRE(slices == 4);  // p1 is not used
}

// [1][g][n][h][w] -> [1][n][g][h][w], the dimensions computed from the shape as exporters do.
TEST_CASE("a channel shuffle in shape arithmetic becomes one layer") {
  OnnxModel m({-1, 6, 3, 4});
  m.Int("i0", 0);
  m.Int("i1", 1);
  m.Int("i2", 2);
  m.Int("i3", 3);
  m.Int("groups", 2);
  m.Ints("axis", {0});
  m.Node("Shape", {"x"}, "shape");
  for (const char* i : {"0", "1", "2", "3"}) {
    const std::string n(i);
    m.Node("Gather", {"shape", "i" + n}, "d" + n, {{"axis", {0}}});
    m.Node("Unsqueeze", {"d" + n, "axis"}, "u" + n);
  }
  m.Node("Div", {"d1", "groups"}, "per");
  m.Node("Cast", {"per"}, "per64", {{"to", {7}}});
  m.Node("Unsqueeze", {"per64", "axis"}, "uper");
  m.Node("Unsqueeze", {"groups", "axis"}, "ugroups");
  m.Node("Concat", {"u0", "ugroups", "uper", "u2", "u3"}, "to5", {{"axis", {0}}});
  m.Node("Reshape", {"x", "to5"}, "r");
  m.Node("Transpose", {"r"}, "t", {{"perm", {0, 2, 1, 3, 4}}});
  m.Ints("minus", {-1});
  m.Ints("none", {});
  m.Node("Concat", {"none", "none"}, "nothing", {{"axis", {0}}});
  m.Node("Concat", {"nothing", "u0", "minus", "u2", "u3"}, "to4", {{"axis", {0}}});
  m.Node("Reshape", {"t", "to4"}, "s");
  m.Floats("w", {6, 1, 1, 1});
  m.Node("Conv", {"s", "w"}, "y", {{"group", {6}}});
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(Ops(net) == std::vector<Op>{Op::kShuffle, Op::kDepthwiseConv});
  REQUIRE(net.layers[0].groups == 2);
}

TEST_CASE("other ways to write a shuffle, and transpositions that come to nothing") {
  OnnxModel m({1, 6, 3, 4});
  m.Ints("g3", {3, 2, -1});  // without the batch, pixels in one dimension
  m.Ints("map", {1, 6, 3, 4});
  m.Node("Reshape", {"x", "g3"}, "a");
  m.Node("Transpose", {"a"}, "b", {{"perm", {1, 0, 2}}});
  m.Node("Reshape", {"b", "map"}, "c");
  m.Node("Transpose", {"c"}, "d", {{"perm", {0, 2, 3, 1}}});
  m.Node("Relu", {"d"}, "e");
  m.Node("Transpose", {"e"}, "f", {{"perm", {0, 3, 1, 2}}});
  m.Node("GlobalAveragePool", {"f"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(Ops(net) == std::vector<Op>{Op::kShuffle, Op::kActivate, Op::kGlobalAveragePool});
  REQUIRE(net.layers[0].groups == 3);
}

TEST_CASE("a fully connected layer over a map with channels last keeps its weights") {
  OnnxModel m({1, 3, 2, 2});
  m.Floats("w", {12, 5});
  m.Node("Transpose", {"x"}, "t", {{"perm", {0, 2, 3, 1}}});
  m.Ints("shape", {1, 12});
  m.Node("Reshape", {"t", "shape"}, "r");
  m.Node("MatMul", {"r", "w"}, "y");
  m.Output("y", 2);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(Ops(net) == std::vector<Op>{Op::kConv});
  REQUIRE(net.layers[0].kernel_h == 2);
}

TEST_CASE("squeeze and excite, by vectors or maps, the gate on either side") {
  for (const bool vectors : {false, true}) {
    OnnxModel m({1, 4, 3, 3});
    m.Node("GlobalAveragePool", {"x"}, "p");
    m.Floats("b", {4});
    if (vectors) {
      m.Floats("w", {4, 4});
      m.Ints("axes", {2, 3});
      m.Node("Squeeze", {"p", "axes"}, "v");
      m.Node("Gemm", {"v", "w", "b"}, "f");
      m.Node("HardSigmoid", {"f"}, "h");
      m.Node("Unsqueeze", {"h", "axes"}, "gate");
      m.Node("Mul", {"gate", "x"}, "y");
    } else {
      m.Floats("w", {4, 4, 1, 1});
      m.Node("Conv", {"p", "w", "b"}, "f");
      m.Node("Sigmoid", {"f"}, "gate");
      m.Node("Mul", {"x", "gate"}, "y");
    }
    m.Output("y", 4);
    const trace::Network net = ImportAndCompare(m);
    REQUIRE(net.layers.size() == 3);
    REQUIRE(net.layers[1].activation.kind == (vectors ? Kind::kHardSigmoid : Kind::kSigmoid));
    REQUIRE(net.layers[2].op == Op::kMultiply);
    REQUIRE(net.layers[2].input == net.input);
    REQUIRE(net.layers[2].residual == net.layers[1].output);
  }
}

TEST_CASE("hardswish, hardsigmoid and silu however they are written") {
  enum Way { kOne, kHardSigmoidMul, kSigmoidMul, kDivLast, kMulLast, kDivFirst, kGateOnly };
  for (const Way way :
       {kOne, kHardSigmoidMul, kSigmoidMul, kDivLast, kMulLast, kDivFirst, kGateOnly}) {
    OnnxModel m({1, 3, 3, 3}, 14);
    m.Floats("w", {3, 3, 1, 1}, {4, -2, 3, 1, 5, -6, -3, 2, 4});
    m.Node("Conv", {"x", "w"}, "c");
    m.ConstantNode("three", 3);
    m.ConstantNode("zero", 0);
    m.ConstantNode("six", 6);
    m.ConstantNode("sixth", 1.0f / 6);
    if (way == kOne) m.Node("HardSwish", {"c"}, "y");
    if (way == kHardSigmoidMul) {
      m.FloatAttribute(m.Node("HardSigmoid", {"c"}, "h"), "alpha", 1.0f / 6);
      m.Node("Mul", {"c", "h"}, "y");
    }
    if (way == kSigmoidMul) {
      m.Node("Sigmoid", {"c"}, "h");
      m.Node("Mul", {"h", "c"}, "y");
    }
    if (way >= kDivLast) {
      m.Node("Add", {"c", "three"}, "a");
      m.Node("Clip", {"a", "zero", "six"}, "b");
    }
    if (way == kDivLast || way == kMulLast) {
      m.Node("Mul", {"c", "b"}, "p");
      m.Node(way == kDivLast ? "Div" : "Mul", {"p", way == kDivLast ? "six" : "sixth"}, "y");
    }
    if (way == kDivFirst) {
      m.Node("Div", {"b", "six"}, "h");
      m.Node("Mul", {"h", "c"}, "y");
    }
    if (way == kGateOnly) m.Node("Div", {"b", "six"}, "y");
    m.Output("y", 4);
    CAPTURE(static_cast<int>(way));
    const trace::Network net = ImportAndCompare(m);
    REQUIRE(net.layers.size() == 1);
    const Kind kind = net.layers[0].activation.kind;
    REQUIRE(kind == (way == kSigmoidMul ? Kind::kSilu
                     : way == kGateOnly ? Kind::kHardSigmoid
                                        : Kind::kHardSwish));
  }
}

TEST_CASE("what looks like an activation taken apart but is not stays apart") {
  OnnxModel m({1, 3, 3, 3});
  m.Floats("w", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Sigmoid", {"c"}, "s");
  m.Node("Mul", {"x", "s"}, "p");     // of another value
  m.Node("HardSigmoid", {"p"}, "h");  // slope 0.2
  m.Node("Mul", {"p", "h"}, "q");
  m.Node("Sigmoid", {"q"}, "r");  // is read twice
  m.Node("Mul", {"q", "r"}, "t");
  m.Node("Add", {"t", "r"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  for (const trace::Layer& l : net.layers) {
    REQUIRE(l.activation.kind != Kind::kSilu);
    REQUIRE(l.activation.kind != Kind::kHardSwish);
  }
}

TEST_CASE("activations, scales and shifts that follow no layer become layers") {
  OnnxModel m({1, 3, 3, 3});
  m.Floats("k", {3, 1, 1});
  m.Floats("w", {3, 3, 1, 1});
  m.ConstantNode("two", 2);
  m.Node("Mul", {"x", "k"}, "a");    // a depthwise convolution of one tap
  m.Node("Sub", {"a", "two"}, "b");  // goes into it
  m.Node("Relu", {"b"}, "c");        // is read twice
  m.Node("Sub", {"two", "c"}, "d");
  m.Node("Conv", {"c", "w"}, "e");
  m.Node("Add", {"d", "e"}, "f");
  m.Node("Relu", {"e"}, "g");  // e is read twice
  m.Node("Add", {"f", "g"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  const std::vector<Op> ops = Ops(net);
  REQUIRE(std::count(ops.begin(), ops.end(), Op::kDepthwiseConv) == 2);
  REQUIRE(std::count(ops.begin(), ops.end(), Op::kActivate) == 1);
}

TEST_CASE("each pass is told of, and the listing shows what it does") {
  OnnxModel m({1, 4, 3, 3});
  m.Floats("w", {4, 4, 1, 1});
  m.Node("Shape", {"x"}, "shape");
  m.Node("Conv", {"x", "w"}, "c").set_name("stem");
  m.Node("Relu", {"c"}, "r").set_name("act");
  m.Node("Reshape", {"r", "shape"}, "s").set_name("nothing");
  m.Node("GlobalAveragePool", {"s"}, "p").set_name("pool");
  m.Node("Flatten", {"p"}, "y").set_name("flat");
  m.Output("y", 2);
  const test::TemporaryDirectory directory;
  m.Save(directory / "model.onnx");
  std::vector<std::pair<std::string, std::string>> passes;
  ImportOnnx(directory / "model.onnx", [&](const std::string& pass, const std::string& listing) {
    passes.emplace_back(pass, listing);
  });
  using Passes = std::vector<std::pair<std::string, std::string>>;
  REQUIRE(
      passes ==
      Passes{{"fold",
              "stem: Conv  x -> c 1x4x3x3\nact: Relu  c -> r 1x4x3x3\n"
              "nothing: Reshape  r -> s 1x4x3x3\npool: GlobalAveragePool  s -> p 1x4x1x1\n"
              "flat: Flatten  p -> y 1x4\n"},
             {"fuse",
              "stem: conv 1x1, relu  x -> r 1x4x3x3\nnothing: reshape  r -> s 1x4x3x3\n"
              "pool: avgpool  s -> p 1x4x1x1\nflat: reshape  p -> y 1x4\n"},
             {"layout", "stem: conv 1x1, relu  x -> r 3x3x4\npool: avgpool  r -> p 1x1x4\n"},
             {"liveness",
              "stem: conv 1x1, relu  x -> r 3x3x4  live 72\npool: avgpool  r -> p 1x1x4  live 40\n"
              "at most 72 elements live\n"}});
}

TEST_CASE("orders of elements") {
  const trace::Shape map{2, 3, 6};
  ElementOrder order = ElementOrder::Identity(map);
  REQUIRE(order.Transpose({1, 6, 2, 3}, {0, 2, 3, 1}));
  REQUIRE(order == ElementOrder::ChannelsLast(map));
  REQUIRE(order.ShuffleGroups(map) == 0);
  REQUIRE(order.Transpose({1, 2, 3, 6}, {0, 3, 1, 2}));
  REQUIRE(order == ElementOrder::Identity(map));
  for (const int groups : {2, 3}) {
    order = ElementOrder::Identity(map);
    REQUIRE(order.Transpose({groups, 6 / groups, 6}, {1, 0, 2}));
    REQUIRE(order.ShuffleGroups(map) == groups);
    REQUIRE(order.Transpose({1, 6 / groups, groups, 2, 3}, {0, 2, 1, 3, 4}));  // undone
    REQUIRE(order == ElementOrder::Identity(map));
  }
  REQUIRE(order.Transpose({6, 6}, {1, 0}));
  REQUIRE_FALSE(order.Transpose({4, 9}, {1, 0}));  // cuts the loops of 6 turns
}

TEST_CASE("arithmetic on shapes, constant by constant") {
  OnnxGraph g;
  g.input = "x";
  g.output = "y";
  g.dims["x"] = {1, 6, 4, 2};
  const auto ints = [&](const std::string& name, const Dims& dims, std::vector<int64_t> values) {
    g.constants[name] = {dims, {}, std::move(values), false};
  };
  const auto node = [&](const std::string& op, std::vector<std::string> inputs,
                        const std::string& output,
                        std::map<std::string, Attribute> attributes = {}) {
    g.nodes.push_back({output, op, std::move(inputs), {output}, std::move(attributes)});
  };
  ints("table", {2, 3}, {1, 2, 3, 4, 5, 6});
  ints("row", {3}, {10, 20, 30});
  ints("minus", {1}, {-1});
  ints("zero", {1}, {0});
  ints("big", {1}, {100});
  ints("two", {1}, {2});
  Attribute axis1;
  axis1.i = 1;
  node("Add", {"table", "row"}, "sum");
  node("Sub", {"sum", "minus"}, "difference");
  node("Gather", {"difference", "minus"}, "column", {{"axis", axis1}});
  node("Transpose", {"table"}, "transposed");
  node("Concat", {"table", "difference"}, "wide", {{"axis", axis1}});
  node("Slice", {"row", "zero", "big", "zero", "two"}, "stepped");
  node("Slice", {"wide", "minus", "big", "two"}, "nothing");
  node("Shape", {"x"}, "shape");
  node("Mul", {"shape", "two"}, "doubled");
  node("Div", {"doubled", "minus"}, "negative");
  // All of them are needed.
  for (const char* name : {"column", "transposed", "wide", "stepped", "negative"}) {
    node("Reshape", {name, "minus"}, std::string("flat_") + name);
  }
  Attribute axis0;
  node("Concat", {"flat_column", "flat_transposed", "flat_wide", "flat_stepped", "flat_negative"},
       "y", {{"axis", axis0}});
  g.nodes.erase(std::find_if(g.nodes.begin(), g.nodes.end(),
                             [](const OnnxNode& n) { return n.outputs[0] == "nothing"; }));
  Fold(g);
  REQUIRE(g.nodes.empty());
  REQUIRE(g.constants.at("y").ints == std::vector<int64_t>{34, 37, 1,  4,  2,  5,   3,  6, 1,
                                                           2,  3,  12, 23, 34, 4,   5,  6, 15,
                                                           26, 37, 10, 30, -2, -12, -8, -4});
}

}  // namespace
}  // namespace nibble::compiler
