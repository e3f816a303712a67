#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/formats.h"
#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "tests/compiler/import_and_compare.h"
#include "tests/compiler/onnx_model.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

using test::OnnxModel;
using trace::Op;
using Kind = trace::Activation::Kind;

using test::Import;
using test::ImportAndCompare;

TEST_CASE("a dense convolution with everything asymmetric") {
  OnnxModel m;
  m.Floats("w", {4, 3, 3, 2});
  m.Floats("b", {4});
  m.Node("Conv", {"x", "w", "b"}, "y",
         {{"strides", {2, 1}},
          {"dilations", {1, 2}},
          {"pads", {0, 1, 2, 3}},
          {"kernel_shape", {3, 2}}});
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 1);
  const trace::Layer& l = net.layers[0];
  REQUIRE(l.source == "y_node");
  REQUIRE(l.pad_top == 0);
  REQUIRE(l.pad_left == 1);
  REQUIRE(l.pad_bottom == 2);
  REQUIRE(l.pad_right == 3);
  REQUIRE(net.producer == "model.onnx");
  REQUIRE(net.name == "model");
  for (const trace::Tensor& t : net.tensors) REQUIRE(t.amax == 0);
}

TEST_CASE("automatic padding") {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    for (const int64_t stride : {1, 2, 3}) {
      OnnxModel m({1, 3, 7, 6});
      m.Floats("w", {2, 3, 4, 3});
      onnx::NodeProto& conv = m.Node("Conv", {"x", "w"}, "y", {{"strides", {stride, stride}}});
      onnx::AttributeProto& a = *conv.add_attribute();
      a.set_name("auto_pad");
      a.set_type(onnx::AttributeProto::STRING);
      a.set_s(mode);
      m.Output("y", 4);
      ImportAndCompare(m);
    }
  }
}

TEST_CASE("batch normalization folds into dense and depthwise convolutions") {
  for (const bool depthwise : {false, true}) {
    OnnxModel m;
    m.Floats("w", depthwise ? std::vector<int64_t>{3, 1, 3, 3} : std::vector<int64_t>{3, 3, 3, 3});
    m.Floats("gamma", {3});
    m.Floats("beta", {3});
    m.Floats("mean", {3});
    m.Floats("variance", {3}, {0.5f, 1.25f, 0.01f});
    m.Node("Conv", {"x", "w"}, "c", {{"group", {depthwise ? 3 : 1}}, {"pads", {1, 1, 1, 1}}});
    m.Node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"}, "n");
    m.Node("Relu", {"n"}, "y");
    m.Output("y", 4);
    const trace::Network net = ImportAndCompare(m);
    REQUIRE(net.layers.size() == 1);
    REQUIRE(net.layers[0].op == (depthwise ? Op::kDepthwiseConv : Op::kConv));
    REQUIRE(net.layers[0].activation.kind == Kind::kRelu);
  }
}

TEST_CASE("batch normalization is folded in double and rounded once") {
  OnnxModel m({1, 1, 1, 1});
  m.Floats("w", {1, 1, 1, 1}, {0.3f});
  m.Floats("b", {1}, {0.7f});
  m.Floats("gamma", {1}, {1.1f});
  m.Floats("beta", {1}, {-0.2f});
  m.Floats("mean", {1}, {0.6f});
  m.Floats("variance", {1}, {0.9f});
  m.Node("Conv", {"x", "w", "b"}, "c");
  m.Node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"}, "y");
  m.Output("y", 4);
  const trace::Network net = Import(m);
  const double scale = double{1.1f} / std::sqrt(double{0.9f} + double{1e-5f});
  REQUIRE(net.layers[0].weights[0] == static_cast<float>(0.3f * scale));
  const double bias = (double{0.7f} - double{0.6f}) * scale + double{-0.2f};
  REQUIRE(net.layers[0].bias[0] == Approx(static_cast<float>(bias)).epsilon(1e-7));
}

TEST_CASE("Clip bounds may be Constant nodes, initialisers, or absent") {
  for (const int kind : {0, 1, 2}) {
    OnnxModel m;
    m.Floats("w", {4, 3, 1, 1});
    m.Node("Conv", {"x", "w"}, "c");
    std::vector<std::string> inputs = {"c", "lo", "hi"};
    if (kind == 0) {
      m.ConstantNode("lo", -0.5f);
      m.ConstantNode("hi", 1.0f);
    } else if (kind == 1) {
      m.Floats("lo", {}, {-0.5f});
      m.Floats("hi", {}, {1.0f});
    } else {
      m.Floats("hi", {}, {1.0f});
      inputs[1].clear();
    }
    m.Node("Clip", inputs, "y");
    m.Output("y", 4);
    const trace::Activation a = ImportAndCompare(m).layers[0].activation;
    REQUIRE(a.kind == Kind::kClip);
    REQUIRE(a.lo == (kind == 2 ? std::numeric_limits<float>::lowest() : -0.5f));
    REQUIRE(a.hi == 1.0f);
  }
}

TEST_CASE("constants may be aliased by Identity, and Dropout does nothing") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Floats("b", {3});
  m.Node("Identity", {"b"}, "b1");
  m.Node("Identity", {"b1"}, "b2");
  m.Node("Conv", {"x", "w", "b2"}, "c");
  m.Node("Dropout", {"c"}, "d");
  m.Node("Conv", {"d", "w", "b1"}, "e");
  m.Node("Identity", {"e"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 2);
  REQUIRE(net.layers[0].bias == net.layers[1].bias);
}

TEST_CASE("an addition becomes the residual of the later plain convolution") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Floats("v", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "main");
  m.Node("Conv", {"x", "v"}, "shortcut");
  m.Node("Add", {"main", "shortcut"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 2);
  REQUIRE(net.layers[1].source == "shortcut_node");
  REQUIRE(net.layers[1].residual == net.layers[0].output);
}

TEST_CASE("the residual may be computed after the convolution that takes it") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "plain");
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Relu", {"c"}, "late");
  m.Node("Add", {"plain", "late"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 2);
  REQUIRE(net.layers[1].source == "plain_node");
  REQUIRE(net.layers[1].residual == net.layers[0].output);
}

TEST_CASE("additions that cannot be residuals stay") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Relu", {"c"}, "a");
  m.Node("Add", {"a", "x"}, "sum");  // its layer is activated
  m.Node("Conv", {"sum", "w"}, "d");
  m.Node("Add", {"d", "sum"}, "e");  // is activated itself
  m.Node("Relu", {"e"}, "f");
  m.Node("Conv", {"f", "w"}, "g");
  m.Node("Add", {"g", "g"}, "h");  // reads its layer twice
  m.Node("Conv", {"h", "w"}, "i");
  m.Node("Add", {"i", "f"}, "j");  // another node reads its layer
  m.Node("Add", {"i", "j"}, "y");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  int additions = 0;
  for (const trace::Layer& l : net.layers) additions += l.op == Op::kAdd;
  REQUIRE(additions == 5);
  REQUIRE(net.layers[3].op == Op::kAdd);
  REQUIRE(net.layers[3].activation.kind == Kind::kRelu);
}

TEST_CASE("added constants go into the bias") {
  OnnxModel m;
  m.Floats("w", {4, 3, 1, 1});
  m.Floats("k", {1, 4, 1, 1});
  m.Floats("m", {4, 2});
  m.Floats("n", {2});
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Add", {"k", "c"}, "d");
  m.Node("GlobalAveragePool", {"d"}, "p");
  m.Node("Flatten", {"p"}, "f");
  m.Node("MatMul", {"f", "m"}, "g");
  m.Node("Add", {"g", "n"}, "y");
  m.Output("y", 2);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 3);
  REQUIRE(net.layers[2].op == Op::kFullyConnected);
}

TEST_CASE("the ways to pool and flatten before a fully connected layer") {
  for (const char* way : {"Flatten", "Reshape", "Squeeze", "keepdims"}) {
    for (const int64_t transposed : {0, 1}) {
      OnnxModel m;
      m.Ints("shape", {1, -1});
      m.Ints("axes", {-1, 2});
      m.Floats("w", transposed != 0 ? std::vector<int64_t>{5, 3} : std::vector<int64_t>{3, 5});
      m.Floats("c", {5});
      const bool keep = std::string(way) != "keepdims";
      m.Node("ReduceMean", {"x"}, "p", {{"axes", {2, -1}}, {"keepdims", {keep}}});
      std::vector<std::string> inputs = {"p"};
      if (std::string(way) == "Reshape") inputs.emplace_back("shape");
      if (std::string(way) == "Squeeze") inputs.emplace_back("axes");
      if (keep) m.Node(way, inputs, "f");
      onnx::NodeProto& gemm =
          m.Node("Gemm", {keep ? "f" : "p", "w", "c"}, "y", {{"transB", {transposed}}});
      for (const auto& [key, value] : {std::pair{"alpha", 0.5f}, std::pair{"beta", 2.0f}}) {
        onnx::AttributeProto& a = *gemm.add_attribute();
        a.set_name(key);
        a.set_type(onnx::AttributeProto::FLOAT);
        a.set_f(value);
      }
      m.Output("y", 2);
      const trace::Network net = ImportAndCompare(m);
      REQUIRE(net.layers.size() == 2);
      REQUIRE(net.layers[0].op == Op::kGlobalAveragePool);
      REQUIRE(net.layers[1].op == Op::kFullyConnected);
    }
  }
}

TEST_CASE("a fully connected layer over a map is a convolution that covers it") {
  OnnxModel m;
  m.Floats("w", {4, 3 * 6 * 5});
  m.Node("Flatten", {"x"}, "f");
  m.Node("Gemm", {"f", "w"}, "g", {{"transB", {1}}});
  m.Node("Relu", {"g"}, "y");
  m.Output("y", 2);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers.size() == 1);
  REQUIRE(net.layers[0].op == Op::kConv);
  REQUIRE(net.layers[0].kernel_h == 6);
  REQUIRE(net.layers[0].kernel_w == 5);
}

TEST_CASE("a named batch is one, and unused nodes do not matter") {
  OnnxModel m({-1, 3, 6, 5}, 17);
  m.Floats("w", {2, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "y");
  m.Node("Softmax", {"y"}, "unused");
  m.Output("y", 4);
  REQUIRE(Import(m).layers.size() == 1);
}

TEST_CASE("nodes without names get some, equal ones become unique") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "a").clear_name();
  m.Node("Conv", {"a", "w"}, "b").set_name("same");
  m.Node("Conv", {"b", "w"}, "y").set_name("same");
  m.Output("y", 4);
  const trace::Network net = ImportAndCompare(m);
  REQUIRE(net.layers[0].name == "Conv_0");
  REQUIRE(net.layers[1].name == "same");
  REQUIRE(net.layers[2].name == "same#2");
}

TEST_CASE("FP16 weights are widened") {
  OnnxModel m({1, 1, 2, 2});
  onnx::TensorProto& w = m.Floats("w", {2, 1, 1, 1});
  w.clear_float_data();
  w.set_data_type(onnx::TensorProto::FLOAT16);
  w.add_int32_data(0x3E00);  // 1.5
  w.add_int32_data(0xC100);  // -2.5
  m.Node("Conv", {"x", "w"}, "y");
  m.Output("y", 4);
  REQUIRE(Import(m).layers[0].weights == std::vector<float>{1.5f, -2.5f});
}

TEST_CASE("external data are read from below the model's directory") {
  const test::TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "data");
  OnnxModel m;
  onnx::TensorProto& w = m.Floats("w", {2, 3, 1, 1});
  const std::vector<float> values(w.float_data().begin(), w.float_data().end());
  w.clear_float_data();
  w.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto set = [&](const std::string& key, const std::string& value) {
    auto* entry = w.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  set("location", "data/weights.bin");
  set("offset", "8");
  set("length", "24");
  m.Node("Conv", {"x", "w"}, "y");
  m.Output("y", 4);
  m.Save(directory / "model.onnx");
  std::vector<uint8_t> bytes(8 + 24 + 4);
  std::memcpy(&bytes[8], values.data(), 24);
  test::WriteFile(directory / "data/weights.bin", bytes);
  REQUIRE(ImportOnnx(directory / "model.onnx").layers[0].weights == values);
}

}  // namespace
}  // namespace nibble::compiler
