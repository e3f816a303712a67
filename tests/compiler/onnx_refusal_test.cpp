// Models that are not supported or not sound: each is refused with a message that says what and
// where.
#include <catch2/catch.hpp>
#include <functional>

#include "sw/compiler/compiler.h"
#include "sw/trace/file.h"
#include "tests/compiler/onnx_model.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

using Catch::Matchers::Contains;
using test::OnnxModel;

std::string MessageFor(const OnnxModel& model) {
  const test::TemporaryDirectory directory;
  model.Save(directory / "model.onnx");
  try {
    ImportOnnx(directory / "model.onnx");
    return "";
  } catch (const trace::FileError& e) {
    return e.what();
  }
}

// conv "c" of 3 channels, then what `rest` adds.
std::string MessageAfterConv(const std::function<void(OnnxModel&)>& rest,
                             const std::string& output = "y") {
  OnnxModel m;
  m.Floats("w", {3, 3, 1, 1});
  m.Node("Conv", {"x", "w"}, "c");
  rest(m);
  m.Output(output, 4);
  return MessageFor(m);
}

TEST_CASE("an operator that is not supported is named with its node and the list") {
  const std::string message = MessageAfterConv(
      [](OnnxModel& m) { m.Node("LeakyRelu", {"c"}, "y").set_name("features.3"); });
  CHECK_THAT(message, Contains("model.onnx: LeakyRelu \"features.3\": operator is not supported"));
  CHECK_THAT(message,
             Contains("supported: Add, AveragePool, BatchNormalization, Clip, Concat, Constant, "
                      "Conv, Div, Dropout, Erf, Flatten, Gather, Gemm, GlobalAveragePool, "
                      "HardSigmoid, HardSwish, Identity, LayerNormalization, MatMul, MaxPool, Mul, "
                      "Pow, ReduceMean, Relu, Reshape, Sigmoid, Slice, Softmax, Split, Sqrt, "
                      "Squeeze, Sub, Transpose, Unsqueeze; and of constants: Cast, "
                      "ConstantOfShape, Equal, Expand, Shape, Where"));
}

TEST_CASE(
    "a scale of other channels than its map's is refused, also behind no layer with weights") {
  const std::string message = MessageAfterConv([](OnnxModel& m) {
    for (const char* name : {"gamma", "beta", "mean"}) m.Floats(name, {2});
    m.Floats("variance", {2}, {0.5f, 1.25f});
    m.Node("Add", {"c", "c"}, "s");
    m.Node("BatchNormalization", {"s", "gamma", "beta", "mean", "variance"}, "y");
  });
  CHECK_THAT(message, Contains("BatchNormalization") && Contains("2 channels"));
}

TEST_CASE("opsets outside 11 to 17 are refused") {
  for (const int64_t opset : {10, 18}) {
    OnnxModel m({1, 3, 6, 5}, opset);
    m.Floats("w", {3, 3, 1, 1});
    m.Node("Conv", {"x", "w"}, "y");
    m.Output("y", 4);
    CHECK_THAT(MessageFor(m), Contains("opset " + std::to_string(opset)) && Contains("11..17") &&
                                  Contains("onnx.version_converter"));
  }
}

TEST_CASE("files that are no models are refused") {
  const test::TemporaryDirectory directory;
  REQUIRE_THROWS_WITH(ImportOnnx(directory / "missing.onnx"), Contains("no such file"));
  test::WriteFile(directory / "text.onnx", {'h', 'e', 'l', 'l', 'o'});
  REQUIRE_THROWS_WITH(ImportOnnx(directory / "text.onnx"), Contains("not an ONNX model"));
  test::WriteFile(directory / "empty.onnx", {});
  REQUIRE_THROWS_AS(ImportOnnx(directory / "empty.onnx"), trace::FileError);
}

TEST_CASE("damaged models never crash") {
  const test::TemporaryDirectory directory;
  OnnxModel m({1, 4, 6, 5});
  m.Floats("w", {4, 4, 1, 1});
  m.Node("Conv", {"x", "w"}, "c");
  m.Node("Shape", {"c"}, "shape");
  m.Ints("one", {1});
  m.Ints("three", {3});
  m.Ints("groups", {2, 2, -1});
  m.Node("Slice", {"c", "one", "three", "one"}, "s");
  m.Node("Concat", {"c", "s", "s"}, "d", {{"axis", {1}}});
  m.Node("Slice", {"d", "one", "groups", "one", "one"}, "unused");
  m.Node("Reshape", {"c", "groups"}, "r");
  m.Node("Transpose", {"r"}, "t", {{"perm", {1, 0, 2}}});
  m.Node("Reshape", {"t", "shape"}, "q");
  m.Node("MaxPool", {"q"}, "pool", {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}});
  m.Node("GlobalAveragePool", {"d"}, "mean");
  m.Node("Sigmoid", {"mean"}, "gate");
  m.Node("Mul", {"gate", "d"}, "e");
  m.Node("Div", {"shape", "one"}, "same");
  m.Node("Reshape", {"pool", "same"}, "never");
  m.Node("Concat", {"e", "q"}, "y", {{"axis", {1}}});
  m.Output("y", 4);
  m.Save(directory / "model.onnx");
  REQUIRE_NOTHROW(ImportOnnx(directory / "model.onnx"));
  const std::vector<uint8_t> file = test::ReadFile(directory / "model.onnx");
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint8_t> damaged = file;
    damaged[random() % file.size()] = static_cast<uint8_t>(random());
    if (i % 5 == 0) damaged.resize(random() % file.size());
    test::WriteFile(directory / "damaged.onnx", damaged);
    try {
      ImportOnnx(directory / "damaged.onnx");  // a changed weight is no damage that shows
    } catch (const trace::FileError&) {
      ++refused;
    }
  }
  REQUIRE(refused > 900);
}

TEST_CASE("a graph that breaks ONNX's own rules is refused by the checker") {
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) { m.Node("Relu", {"nowhere"}, "y"); }),
             Contains("ONNX checker"));
}

TEST_CASE("what is wrong with a convolution is said") {
  const auto message = [](const std::vector<int64_t>& weights, OnnxModel::Attributes attributes) {
    OnnxModel m({1, 4, 6, 5});
    m.Floats("w", weights);
    m.Node("Conv", {"x", "w"}, "y", attributes).set_name("conv7");
    m.Output("y", 4);
    return MessageFor(m);
  };
  CHECK(message({4, 4, 3, 3}, {}).empty());
  CHECK(message({4, 2, 3, 3}, {{"group", {2}}}).empty());
  CHECK_THAT(message({5, 2, 3, 3}, {{"group", {2}}}),
             Contains("Conv \"conv7\": group is 2 for 5 output channels"));
  CHECK_THAT(message({8, 1, 3, 3}, {{"group", {2}}}),
             Contains("takes 2 channels, its input has 4"));
  CHECK_THAT(message({8, 1, 3, 3}, {{"group", {0}}}), Contains("group is 0"));
  CHECK_THAT(message({4, 3, 3, 3}, {}), Contains("takes 3 channels, its input has 4"));
  CHECK_THAT(message({4, 4, 33, 1}, {}), Contains("kernel height is 33"));
  CHECK_THAT(message({4, 4, 3, 3}, {{"strides", {1, 33}}}), Contains("stride is 33"));
  CHECK_THAT(message({4, 4, 3, 3}, {{"pads", {0, -1, 0, 0}}}), Contains("pad is -1"));
  CHECK_THAT(message({4, 4, 3, 3}, {{"strides*", {2}}}), Contains("strides must have 2 entries"));
  CHECK_THAT(message({4, 4, 7, 7}, {}), Contains("height is 0"));
}

TEST_CASE("nodes that would move elements, or compute something else, are named") {
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Floats("k", {1, 3, 6, 1});
               m.Node("Add", {"c", "k"}, "y");
             }),
             Contains("one value for all, per channel or per element"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("ReduceMean", {"c"}, "y", {{"axes*", {1}}});
             }),
             Contains("axes must be height and width"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("shape", {1, 3, 30, 1});
               m.Node("Reshape", {"c", "shape"}, "y");
             }),
             Contains("output \"y\" is a flattened map"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("shape", {1, 3, 30, 1});
               m.Node("Reshape", {"c", "shape"}, "d");
               m.Node("GlobalAveragePool", {"d"}, "y");
             }),
             Contains("GlobalAveragePool \"y_node\": input \"d\" is a map whose elements"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("shape", {1, 3, 31, -1});
               m.Node("Reshape", {"c", "shape"}, "y");
             }),
             Contains("shape [1, 3, 31, 0] does not hold 90 elements"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("Transpose", {"c"}, "d", {{"perm", {0, 1, 3, 2}}});
               m.Node("Add", {"d", "d"}, "y");
             }),
             Contains("output \"y\""));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("shape", {6, 15});
               m.Node("Reshape", {"c", "shape"}, "d");
               m.Node("Transpose", {"d"}, "e", {{"perm", {1, 0}}});
               m.Ints("back", {1, 3, 6, 5});
               m.Node("Reshape", {"e", "back"}, "y");
             }),
             Contains("output \"y\""));
  CHECK_THAT(
      MessageAfterConv([](OnnxModel& m) {
        m.Node("Concat", {"c", "x"}, "y", {{"axis", {2}}});
      }),
      Contains("Concat \"y_node\": axis is 2 of [1, 3, 6, 5], must be that of the channels"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("starts", {0});
               m.Ints("ends", {2});
               m.Ints("axes", {3});
               m.Node("Slice", {"c", "starts", "ends", "axes"}, "y");
             }),
             Contains("Slice \"y_node\": axis is 3"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("starts", {0});
               m.Ints("ends", {3});
               m.Ints("axes", {1});
               m.Ints("steps", {2});
               m.Node("Slice", {"c", "starts", "ends", "axes", "steps"}, "y");
             }),
             Contains("step is 2, must be 1"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Ints("parts", {1, 1});
               onnx::NodeProto& split = m.Node("Split", {"c", "parts"}, "y", {{"axis", {1}}});
               split.add_output("z");
             }),
             Contains("Split \"y_node\": parts [1, 1] for 2 outputs of 3"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("ReduceMean", {"c"}, "gate", {{"axes", {2, 3}}, {"keepdims", {1}}});
               m.Node("Add", {"gate", "c"}, "y");
             }),
             Contains("Add \"y_node\": operands are [1, 3, 1, 1] and [1, 3, 6, 5]"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("Div", {"c", "x"}, "y");
             }),
             Contains("Div \"y_node\": one operand must be a constant"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("AveragePool", {"c"}, "y",
                      {{"kernel_shape", {2, 2}},
                       {"strides", {2, 2}},
                       {"ceil_mode", {1}},
                       {"count_include_pad", {1}}});
             }),
             Contains("AveragePool \"y_node\": count_include_pad"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("Shape", {"c"}, "shape");
               m.Int("index", 4);
               m.Node("Gather", {"shape", "index"}, "d");
               m.Node("Reshape", {"c", "d"}, "y");
             }),
             Contains("Gather \"d_node\": index 4 is not in 4"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Node("Shape", {"c"}, "shape");
               m.Ints("zero", {0});
               m.Node("Div", {"shape", "zero"}, "d");
               m.Node("Reshape", {"c", "d"}, "y");
             }),
             Contains("Div \"d_node\": 1 / 0"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) { m.Node("Flatten", {"c"}, "y"); }),
             Contains("flattened map"));
  CHECK_THAT(MessageAfterConv([](OnnxModel& m) {
               m.Floats("v", {3, 3, 1, 1});
               m.Node("Relu", {"v"}, "computed");
               m.Node("Conv", {"c", "computed"}, "y");
             }),
             Contains("must be a constant"));
}

TEST_CASE("inputs must be one image") {
  for (const std::vector<int64_t>& dims :
       {std::vector<int64_t>{2, 3, 6, 5}, {1, 3, -1, 5}, {1, 3, 6}, {1, 70000, 6, 5}}) {
    OnnxModel m(dims);
    m.Floats("w", {3, 3, 1, 1});
    m.Node("Conv", {"x", "w"}, "y");
    m.Output("y", 4);
    CHECK_THAT(MessageFor(m), Contains("input \"x\""));
  }
}

TEST_CASE("external data stay below the model's directory and inside the file") {
  const auto message = [](const std::string& location, const std::string& offset) {
    const test::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "model");
    OnnxModel m;
    onnx::TensorProto& w = m.Floats("w", {3, 3, 1, 1});
    w.clear_float_data();
    w.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair<std::string, std::string>{"location", location},
                                     {"offset", offset},
                                     {"length", "36"}}) {
      auto* entry = w.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    m.Node("Conv", {"x", "w"}, "y");
    m.Output("y", 4);
    m.Save(directory / "model/model.onnx");
    test::WriteFile(directory / "outside.bin", std::vector<uint8_t>(64));
    test::WriteFile(directory / "model/inside.bin", std::vector<uint8_t>(64));
    try {
      ImportOnnx(directory / "model/model.onnx");
      return std::string();
    } catch (const trace::FileError& e) {
      return std::string(e.what());
    }
  };
  CHECK(message("inside.bin", "28").empty());
  CHECK_THAT(message("inside.bin", "29"), Contains("tensor \"w\"") && Contains("offset 29"));
  CHECK_THAT(message("inside.bin", "18446744073709551615"), Contains("do not lie in"));
  CHECK_THAT(message("inside.bin", "-1"), Contains("offset \"-1\" is not a number"));
  CHECK_THAT(message("../outside.bin", "0"), Contains("below the model's directory"));
  CHECK_THAT(message("a/../../outside.bin", "0"), Contains("below the model's directory"));
  CHECK_THAT(message("/etc/passwd", "0"), Contains("below the model's directory"));
  CHECK_THAT(message("", "0"), Contains("below the model's directory"));
  CHECK_THAT(message("absent.bin", "0"), Contains("no file"));
}

}  // namespace
}  // namespace nibble::compiler
