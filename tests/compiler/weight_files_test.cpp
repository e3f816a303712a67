#include "sw/compiler/weight_files.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "sw/npy/npy.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

using Catch::Matchers::Contains;
using npy::Type;

void Write(const std::string& path, const npy::Array& array) {
  const std::string bytes = npy::Serialize(array);
  test::WriteFile(path, {bytes.begin(), bytes.end()});
}

// Codes of `project`, 4 x 4, as test::SmallQuantizedNetwork has them.
void WriteProject(const std::string& base) {
  Write(base + ".codes.npy", {Type::kUint8, {4, 1, 1, 2}, {16, 50, 84, 118, 152, 186, 220, 254}});
  Write(base + ".scales.npy", {Type::kUint8, {4, 1, 1, 1}, {0x38, 0x40, 0x00, 0x7E}});
  Write(base + ".s_dec.npy", npy::FromFloats({1}, {0.25f}));
}

TEST_CASE("weights are exported in the shape that blocks run along the last axis of") {
  const trace::Network net = test::SmallNetwork();
  std::map<std::string, std::vector<int64_t>> shapes;
  const test::TemporaryDirectory directory;
  const int count = ExportWeights(net, [&](const std::string& name, const std::string& bytes) {
    test::WriteFile(directory / name, {bytes.begin(), bytes.end()});
    const npy::Array array = npy::Read(directory / name);
    shapes[name] = array.shape;
    for (const trace::Layer& l : net.layers) {
      if (l.name + ".npy" == name) CHECK(array.Values() == trace::LayerWeights(net, l));
    }
  });
  CHECK(count == 4);
  CHECK(shapes == std::map<std::string, std::vector<int64_t>>{{"stem.npy", {4, 3, 2, 3}},
                                                              {"depthwise.npy", {4, 9}},
                                                              {"project.npy", {4, 1, 1, 4}},
                                                              {"classifier.npy", {7, 4}}});
}

TEST_CASE("a layer takes its codes, and the others stay as they are") {
  const test::TemporaryDirectory directory;
  WriteProject(directory / "project");
  trace::Network net = test::SmallNetwork();
  const trace::Network plain = net, expected = test::SmallQuantizedNetwork();
  REQUIRE(ImportWeights(directory.path().string(), 8, net) == 1);
  trace::Validate(net);
  CHECK(net.layers[2].quantized->codes == expected.layers[2].quantized->codes);
  CHECK(net.layers[2].quantized->scales == expected.layers[2].quantized->scales);
  CHECK(net.layers[2].quantized->s_dec == 0.25f);
  CHECK(net.layers[2].quantized->block == 8);
  CHECK(net.layers[2].weights == expected.layers[2].weights);
  CHECK(net.layers[2].bias == plain.layers[2].bias);
  CHECK_FALSE(net.layers[0].quantized);
  CHECK(net.layers[0].weights == plain.layers[0].weights);
}

TEST_CASE("a synthetic layer keeps its bias") {
  const test::TemporaryDirectory directory;
  const std::string base = directory / "depthwise";  // 4 x 9: five bytes and a block of codes
  Write(base + ".codes.npy", {Type::kUint8, {4, 5}, std::vector<uint8_t>(20, 0x01)});
  Write(base + ".scales.npy", {Type::kUint8, {4, 1}, std::vector<uint8_t>(4, 0x38)});
  Write(base + ".s_dec.npy", npy::FromFloats({}, {1.0f}));
  trace::Network net = test::SmallNetwork();
  const std::vector<float> bias = trace::LayerBias(net, net.layers[1]);
  REQUIRE(ImportWeights(directory.path().string(), 16, net) == 1);
  trace::Validate(net);
  CHECK(net.layers[1].bias == bias);
  CHECK(net.layers[1].weights[0] == 0.5f);
  CHECK(net.layers[1].weights[1] == 0);
}

TEST_CASE("names of layers become names of files") {
  const test::TemporaryDirectory directory;
  trace::Network net = test::SmallNetwork();
  net.layers[2].name = "/features/1 conv.0";
  WriteProject(directory / "_features_1_conv.0");
  CHECK(ImportWeights(directory.path().string(), 8, net) == 1);
  net.layers[0].name = "_features_1_conv.0";
  CHECK_THROWS_WITH(ImportWeights(directory.path().string(), 8, net),
                    Contains("/features/1 conv.0") && Contains("same file name"));
}

TEST_CASE("what is wrong with the files of a layer is said") {
  const auto message = [](auto change, int block = 8) {
    const test::TemporaryDirectory directory;
    WriteProject(directory / "project");
    change(directory / "");
    trace::Network net = test::SmallNetwork();
    try {
      ImportWeights(directory.path().string(), block, net);
      return std::string();
    } catch (const trace::FileError& e) {
      return std::string(e.what());
    }
  };
  const auto remove = [](const std::string& file) { std::filesystem::remove(file); };
  REQUIRE(message([](const std::string&) {}).empty());
  CHECK_THAT(message([&](const std::string& d) { remove(d + "project.scales.npy"); }),
             Contains("project.scales.npy") && Contains("no such file"));
  CHECK_THAT(message([&](const std::string& d) { remove(d + "project.s_dec.npy"); }),
             Contains("project.s_dec.npy"));
  CHECK_THAT(message([](const std::string& d) { WriteProject(d + "conv9"); }),
             Contains("conv9.codes.npy") && Contains("no layer"));
  CHECK_THAT(message([](const std::string& d) { WriteProject(d + "sum"); }),  // has no weights
             Contains("sum.codes.npy") && Contains("no layer"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "stem.scales.npy", {Type::kUint8, {1}, {0}});
             }),
             Contains("stem.scales.npy") && Contains("without stem.codes.npy"));
  CHECK_THAT(message([&](const std::string& d) { remove(d + "project.codes.npy"); }),
             Contains("has no NAME.codes.npy"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "project.codes.npy", {Type::kUint8, {4, 2}, std::vector<uint8_t>(8)});
             }),
             Contains("project.codes.npy: is 4x2 uint8, expected 4x1x1x2 uint8"));
  CHECK_THAT(message([](const std::string&) {}, 2), Contains("project.scales.npy: is 4x1x1x1") &&
                                                        Contains("4x1x1x2") &&
                                                        Contains("blocks of 2"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "project.scales.npy", npy::FromFloats({4, 1, 1, 1}, {1, 1, 1, 1}));
             }),
             Contains("float32, expected 4x1x1x1 uint8"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "project.scales.npy", {Type::kUint8, {4, 1, 1, 1}, {0, 0, 0x80, 0}});
             }),
             Contains("project: block scale 0 of row 2"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "project.s_dec.npy", npy::FromFloats({2}, {1, 1}));
             }),
             Contains("project.s_dec.npy: is 2 float32, expected one float32"));
  CHECK_THAT(message([](const std::string& d) {
               Write(d + "project.s_dec.npy", npy::FromFloats({}, {0}));
             }),
             Contains("s_dec"));
  trace::Network net = test::SmallNetwork();
  CHECK_THROWS_WITH(ImportWeights("/no/such/folder", 16, net), Contains("/no/such/folder"));
}

TEST_CASE("what is serialised is what is read") {
  const test::TemporaryDirectory directory;
  const std::vector<npy::Array> arrays = {{Type::kUint8, {3}, {1, 2, 255}},
                                          {Type::kFloat16, {1, 2}, {0x00, 0x3C, 0x01, 0x80}},
                                          npy::FromFloats({}, {-0.1f}),
                                          npy::FromFloats({2, 0, 5}, {})};
  for (const npy::Array& array : arrays) {
    const std::string bytes = npy::Serialize(array);
    CHECK((bytes.size() - array.bytes.size()) % 64 == 0);
    Write(directory / "x.npy", array);
    const npy::Array back = npy::Read(directory / "x.npy");
    CHECK(back.type == array.type);
    CHECK(back.shape == array.shape);
    CHECK(back.bytes == array.bytes);
  }
  CHECK(arrays[1].Values() == std::vector<float>{1, -0x1p-24f});
  CHECK(arrays[2].Value(0) == -0.1f);
  // As NumPy saves np.array([1, 2, 255], np.uint8).
  CHECK_THAT(npy::Serialize(arrays[0]),
             Catch::StartsWith(std::string("\x93NUMPY\x01\x00v\x00", 10) +
                               "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"));
}

}  // namespace
}  // namespace nibble::compiler
