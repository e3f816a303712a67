#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <iterator>

#include "sw/trace/container.h"
#include "sw/trace/file.h"
#include "sw/trace/whole_file.h"
#include "tests/trace/small_network.h"

namespace nibble::trace {
namespace {

void RequireSame(const Network& a, const Network& b) {
  REQUIRE(a.name == b.name);
  REQUIRE(a.producer == b.producer);
  REQUIRE(a.calibration == b.calibration);
  REQUIRE(a.posttraining == b.posttraining);
  REQUIRE(a.input == b.input);
  REQUIRE(a.output == b.output);
  REQUIRE(a.preprocess.mean == b.preprocess.mean);
  REQUIRE(a.preprocess.stddev == b.preprocess.stddev);
  REQUIRE(a.preprocess.resize == b.preprocess.resize);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    REQUIRE(a.tensors[i].name == b.tensors[i].name);
    REQUIRE(a.tensors[i].shape == b.tensors[i].shape);
    REQUIRE(a.tensors[i].amax == b.tensors[i].amax);
    REQUIRE(a.tensors[i].zeros == b.tensors[i].zeros);
    REQUIRE(a.tensors[i].constant == b.tensors[i].constant);
    REQUIRE(a.tensors[i].values == b.tensors[i].values);
    const auto &x = a.tensors[i].generator, &y = b.tensors[i].generator;
    REQUIRE(x.has_value() == y.has_value());
    if (x) REQUIRE((x->seed == y->seed && x->gain == y->gain));
  }
  REQUIRE(a.layers.size() == b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    const Layer &x = a.layers[i], &y = b.layers[i];
    REQUIRE(x.name == y.name);
    REQUIRE(x.source == y.source);
    const auto integers = [](const Layer& l) {
      return std::vector<int>{static_cast<int>(l.op),
                              l.input,
                              l.residual,
                              l.output,
                              l.kernel_h,
                              l.kernel_w,
                              l.stride_h,
                              l.stride_w,
                              l.dilation_h,
                              l.dilation_w,
                              l.pad_top,
                              l.pad_left,
                              l.pad_bottom,
                              l.pad_right,
                              static_cast<int>(l.activation.kind),
                              static_cast<int>(l.synthetic),
                              l.groups,
                              static_cast<int>(l.count_padding),
                              l.first_channel,
                              l.first_pixel};
    };
    REQUIRE(x.operands == y.operands);
    REQUIRE(x.scale == y.scale);
    REQUIRE(x.epsilon == y.epsilon);
    REQUIRE(integers(x) == integers(y));
    REQUIRE(x.activation.lo == y.activation.lo);
    REQUIRE(x.activation.hi == y.activation.hi);
    REQUIRE(x.generator.seed == y.generator.seed);
    REQUIRE(x.generator.gain == y.generator.gain);
    REQUIRE(x.weights == y.weights);
    REQUIRE(x.bias == y.bias);
    REQUIRE(x.bias_correction == y.bias_correction);
    REQUIRE(x.zeros.has_value() == y.zeros.has_value());
    if (x.zeros) {
      REQUIRE(x.zeros->weights == y.zeros->weights);
      REQUIRE(x.zeros->blocks == y.zeros->blocks);
    }
    REQUIRE(x.quantized.has_value() == y.quantized.has_value());
    if (!x.quantized) continue;
    REQUIRE(x.quantized->block == y.quantized->block);
    REQUIRE(x.quantized->s_dec == y.quantized->s_dec);
    REQUIRE(x.quantized->codes == y.quantized->codes);
    REQUIRE(x.quantized->scales == y.quantized->scales);
  }
}

TEST_CASE("what is written is what is read") {
  const test::TemporaryDirectory directory;
  const std::string path = directory / "net.trc";
  const Network net = test::SmallNetwork();
  Write(net, path);
  RequireSame(Read(path), net);
}

TEST_CASE("every operator and its fields come back") {
  const test::TemporaryDirectory directory;
  Network net = test::OperatorNetwork();
  net.preprocess.resize = 232;
  Write(net, directory / "net.trc");
  RequireSame(Read(directory / "net.trc"), net);
  REQUIRE(TensorsRead(net.layers[3]) == std::vector<int>{1, 3});
  REQUIRE(TensorsRead(net.layers[9]) == std::vector<int>{7, 9});
  REQUIRE(TensorsRead(net.layers[10]) == std::vector<int>{10});
}

TEST_CASE("operators on tokens and constants come back") {
  const test::TemporaryDirectory directory;
  Network net = test::TokenNetwork();
  Write(net, directory / "net.trc");
  RequireSame(Read(directory / "net.trc"), net);
  REQUIRE(TensorsRead(net.layers[0]) == std::vector<int>{1, 0});
  REQUIRE(TensorsRead(net.layers[4]) == std::vector<int>{6, 6});
  // Without weights: constants are known to be such, and those that are generated can be.
  const Network bare = Read(directory / "net.trc", false);
  net.tensors[1].values.clear();
  net.layers[2].weights.clear();
  net.layers[2].bias.clear();
  RequireSame(bare, net);
  REQUIRE(ConstantValues(bare.tensors[2]) == ConstantValues(net.tensors[2]));
}

TEST_CASE("shares of zeros are kept, zero and absent ones apart") {
  const test::TemporaryDirectory directory;
  Network net = test::SmallNetwork();
  net.tensors[0].zeros = 0.0f;
  net.tensors[1].zeros = 0.3f;
  net.layers[1].zeros = {0.1f, 0.0f};
  net.layers[2].zeros = {0.0f, 1.0f};
  Write(net, directory / "net.trc");
  const Network back = Read(directory / "net.trc");
  RequireSame(back, net);
  REQUIRE_FALSE(back.tensors[2].zeros);
  REQUIRE_FALSE(back.layers[0].zeros);
}

TEST_CASE("codes are written in place of the weights that they stand for") {
  const test::TemporaryDirectory directory;
  Network net = test::SmallQuantizedNetwork();
  Write(net, directory / "net.trc");
  const Network back = Read(directory / "net.trc");
  RequireSame(back, net);
  REQUIRE(std::signbit(back.layers[2].weights[8]));
  for (Layer& l : net.layers) {
    l.weights.clear();
    l.bias.clear();
    l.bias_correction.clear();
    if (l.quantized) l.quantized->codes.clear();
    if (l.quantized) l.quantized->scales.clear();
  }
  RequireSame(Read(directory / "net.trc", false), net);
}

TEST_CASE("the same network gives the same bytes") {
  const test::TemporaryDirectory directory;
  Write(test::SmallNetwork(), directory / "a.trc");
  Write(Read(directory / "a.trc"), directory / "b.trc");
  REQUIRE(test::ReadFile(directory / "a.trc") == test::ReadFile(directory / "b.trc"));
}

TEST_CASE("a file that cannot be written leaves nothing beside it, and says why") {
  namespace fs = std::filesystem;
  const test::TemporaryDirectory directory;
  fs::create_directories(directory / "taken/by/folders");
  CHECK_THROWS_WITH(Write(test::SmallNetwork(), directory / "taken"),
                    Catch::Contains("cannot be written: Is a directory"));
  CHECK_THROWS_WITH(Write(test::SmallNetwork(), directory / "none/a.trc"),
                    Catch::Contains("cannot be written: No such file"));
  REQUIRE_FALSE(fs::exists(directory / "none"));
  const fs::path parent = fs::path(directory / "taken").parent_path();
  REQUIRE(std::distance(fs::directory_iterator(parent), {}) == 1);
}

TEST_CASE("without weights everything else is read") {
  const test::TemporaryDirectory directory;
  const std::string path = directory / "net.trc";
  Network net = test::SmallNetwork();
  Write(net, path);
  for (Layer& l : net.layers) {
    l.weights.clear();
    l.bias.clear();
    l.bias_correction.clear();
  }
  RequireSame(Read(path, false), net);
}

TEST_CASE("the table ends and tensors begin on multiples of 64") {
  const test::TemporaryDirectory directory;
  Write(test::SmallNetwork(), directory / "net.trc");
  const std::vector<uint8_t> file = test::ReadFile(directory / "net.trc");
  const Container container = Open(file);
  REQUIRE((container.tensors - file.data()) % 64 == 0);
  REQUIRE(container.tensors + container.tensor_bytes == file.data() + file.size());
}

TEST_CASE("weights that are binary16 numbers take two bytes and come back unchanged") {
  const test::TemporaryDirectory directory;
  Network net = test::SmallNetwork();
  Write(net, directory / "wide.trc");
  const size_t wide = test::ReadFile(directory / "wide.trc").size();
  // 65504 = 2047 * 2^5 is the largest; halved 29 times it reaches the smallest subnormal's 2^-24.
  for (size_t i = 0; i < net.layers[0].weights.size(); ++i) {
    net.layers[0].weights[i] =
        std::ldexp(i % 2 == 0 ? 65504.0f : -65504.0f, -static_cast<int>(i % 30));
  }
  net.layers[0].weights[70] = 0x1p-24f;
  net.layers[0].weights[71] = -0.0f;
  Write(net, directory / "half.trc");
  const Network back = Read(directory / "half.trc");
  RequireSame(back, net);
  REQUIRE(std::signbit(back.layers[0].weights[71]));
  // 72 weights of 4 bytes: 288, five units of 64; of 2 bytes: 144, three units.
  REQUIRE(wide - test::ReadFile(directory / "half.trc").size() == 2 * 64);
}

TEST_CASE("the hash is in the header and differs between networks") {
  const test::TemporaryDirectory directory;
  Network net = test::SmallNetwork();
  Write(net, directory / "a.trc");
  net.layers[0].weights[0] += 1;
  Write(net, directory / "b.trc");
  const std::string hash = FileHash(directory / "a.trc");
  REQUIRE(hash.size() == 32);
  REQUIRE(hash.find_first_not_of("0123456789abcdef") == std::string::npos);
  REQUIRE(hash != FileHash(directory / "b.trc"));
}

TEST_CASE("a file is replaced whole, and nothing is left beside it") {
  const test::TemporaryDirectory directory;
  Network net = test::SmallNetwork();
  Write(net, directory / "net.trc");
  net.name = "second";
  Write(net, directory / "net.trc");
  REQUIRE(Read(directory / "net.trc").name == "second");
  net.layers[0].stride_h = 0;  // not valid: the file stays as it is
  REQUIRE_THROWS_AS(Write(net, directory / "net.trc"), FileError);
  REQUIRE(Read(directory / "net.trc").name == "second");
  REQUIRE_THROWS_AS(Write(test::SmallNetwork(), directory / "no/such/place.trc"), OutputError);
  std::filesystem::create_directory(directory / "taken.trc");
  REQUIRE_THROWS_AS(Write(test::SmallNetwork(), directory / "taken.trc"), OutputError);
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    static_cast<void>(entry);
    ++entries;
  }
  REQUIRE(entries == 2);
}

}  // namespace
}  // namespace nibble::trace
