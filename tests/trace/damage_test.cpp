// Files that are damaged by accident, which the hash finds, and tables that are wrong on purpose
// under a right hash.
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>

#include "sw/trace/container.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"
#include "trace_generated.h"

namespace nibble::trace {
namespace {

using Catch::Matchers::Contains;

bool Refused(const std::vector<uint8_t>& file) {
  for (const bool with_weights : {true, false}) {
    try {
      Parse(file, with_weights);
      return false;
    } catch (const FileError&) {
      continue;
    }
  }
  return true;
}

std::vector<uint8_t> FileOf(const Network& net) {
  const test::TemporaryDirectory directory;
  Write(net, directory / "net.trc");
  return test::ReadFile(directory / "net.trc");
}
std::vector<uint8_t> SmallFile() { return FileOf(test::SmallNetwork()); }

TEST_CASE("every flipped bit is found") {
  const std::vector<uint8_t> file = SmallFile();
  REQUIRE_FALSE(Refused(file));
  REQUIRE(file.size() > 1024);
  std::vector<size_t> bits;
  for (size_t bit = 0; bit < 8 * 1024; ++bit) bits.push_back(bit);
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) bits.push_back(random() % (8 * file.size()));
  for (const size_t bit : bits) {
    std::vector<uint8_t> damaged = file;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    CAPTURE(bit);
    REQUIRE(Refused(damaged));
  }
}

TEST_CASE("every truncation and any appended byte is found") {
  std::vector<uint8_t> file = SmallFile();
  for (size_t length = 0; length < file.size(); ++length) {
    CAPTURE(length);
    REQUIRE(Refused({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)}));
  }
  file.push_back(0);
  REQUIRE(Refused(file));
}

TEST_CASE("a damaged file is named") {
  const test::TemporaryDirectory directory;
  const std::string path = directory / "net.trc";
  std::vector<uint8_t> file = SmallFile();
  file[200] ^= 1;
  test::WriteFile(path, file);
  REQUIRE_THROWS_WITH(Read(path), Catch::StartsWith(path + ": header: hash"));
  file.resize(40);
  test::WriteFile(path, file);
  REQUIRE_THROWS_WITH(Read(path), Catch::StartsWith(path + ": header: the file has 40 bytes"));
  REQUIRE_THROWS_WITH(FileHash(path), Catch::StartsWith(path + ": header: the file has 40 bytes"));
}

TEST_CASE("what is no file is refused") {
  const test::TemporaryDirectory directory;
  REQUIRE_THROWS_WITH(Read(directory / "missing.trc"), Contains("no such file"));
  REQUIRE_THROWS_WITH(Read(directory.path().string()), Contains("not a regular file"));
  REQUIRE_THROWS_WITH(FileHash(directory / "missing.trc"), Contains("no such file"));
}

TEST_CASE("random bytes under a right hash are refused") {
  const std::vector<uint8_t> file =
      FileOf(GENERATE(test::SmallNetwork(), test::OperatorNetwork(), test::TokenNetwork()));
  const Container good = Open(file);
  const std::vector<uint8_t> tensors(good.tensors, good.tensors + good.tensor_bytes);
  std::mt19937 random(2);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {  // some are harmless, such as a changed seed; none may crash
    std::vector<uint8_t> table(good.table, good.table + good.table_bytes);
    for (int k = 0; k <= i % 3; ++k) {
      table[random() % table.size()] = static_cast<uint8_t>(random());
    }
    refused += Refused(Seal(table.data(), table.size(), tensors));
  }
  REQUIRE(refused > 1000);
}

// The message with which Parse refuses the small network after a change to its table; "" where it
// does not.
std::string MessageAfter(const std::function<void(fbs::NetworkT&)>& change,
                         const Network& net = test::SmallNetwork()) {
  const std::vector<uint8_t> file = FileOf(net);
  const Container good = Open(file);
  fbs::NetworkT table;
  fbs::GetNetwork(good.table)->UnPackTo(&table);
  change(table);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::Network::Pack(builder, &table), kFileIdentifier);
  try {
    Parse(Seal(builder.GetBufferPointer(), builder.GetSize(),
               {good.tensors, good.tensors + good.tensor_bytes}));
    return "";
  } catch (const FileError& e) {
    return e.what();
  }
}

void Set(std::unique_ptr<fbs::Values>& values, uint64_t offset, uint64_t elements,
         fbs::DataType type = fbs::DataType_Float32) {
  *values = fbs::Values(offset, elements, type);
}

TEST_CASE("wrong fields under a right hash are named") {
  REQUIRE(MessageAfter([](fbs::NetworkT&) {}).empty());
  using Change = std::function<void(fbs::NetworkT&)>;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::pair<const char*, Change> cases[] = {
      {"network: name", [](auto& n) { n.name.clear(); }},
      {"network: name", [](auto& n) { n.name.assign(1000000, 'x'); }},
      {"network: input", [](auto& n) { n.input = 7; }},
      {"network: output", [](auto& n) { n.output = -1; }},
      {"network: number of layers", [](auto& n) { n.layers.clear(); }},
      {"tensor 1 \"a\": height", [](auto& n) { n.tensors[1]->height = 0; }},
      {"tensor 1 \"a\": width", [](auto& n) { n.tensors[1]->width = 65536; }},
      {"tensor 1 \"a\": channels", [](auto& n) { n.tensors[1]->channels = -4; }},
      {"tensor 0 \"in\": elements",
       [](auto& n) { n.tensors[0]->height = n.tensors[0]->width = 65535; }},
      {"tensor 2 \"b\": amax", [](auto& n) { n.tensors[2]->amax = kInfinity; }},
      {"tensor 2 \"b\": amax", [](auto& n) { n.tensors[2]->amax = -1; }},
      {"tensor 2 \"a\": name is not unique", [](auto& n) { n.tensors[2]->name = "a"; }},
      {"layer 0 \"stem\": op", [](auto& n) { n.layers[0]->op = static_cast<fbs::Op>(18); }},
      {"layer 0 \"stem\": input", [](auto& n) { n.layers[0]->input = 100; }},
      {"layer 1 \"depthwise\": input reads tensor 3", [](auto& n) { n.layers[1]->input = 3; }},
      {"layer 1 \"stem\": name is not unique", [](auto& n) { n.layers[1]->name = "stem"; }},
      {"layer 2 \"project\": residual", [](auto& n) { n.layers[2]->residual = -2; }},
      {"layer 3 \"sum\": groups is 2, must be 1..1", [](auto& n) { n.layers[3]->groups = 2; }},
      {"layer 0 \"stem\": groups is 0", [](auto& n) { n.layers[0]->groups = 0; }},
      {"layer 0 \"stem\": number of operands is 1", [](auto& n) { n.layers[0]->operands = {0}; }},
      {"layer 0 \"stem\": count_padding", [](auto& n) { n.layers[0]->count_padding = true; }},
      {"layer 0 \"stem\": first_channel", [](auto& n) { n.layers[0]->first_channel = 1; }},
      {"layer 3 \"sum\": residual", [](auto& n) { n.layers[3]->residual = -1; }},
      {"layer 3 \"sum\": residual is 6x5x3", [](auto& n) { n.layers[3]->residual = 0; }},
      {"layer 4 \"pool\": residual", [](auto& n) { n.layers[4]->residual = 0; }},
      {"layer 1 \"depthwise\": output writes tensor 1", [](auto& n) { n.layers[1]->output = 1; }},
      {"layer 0 \"stem\": kernel_h", [](auto& n) { n.layers[0]->kernel_h = 33; }},
      {"layer 0 \"stem\": stride_h", [](auto& n) { n.layers[0]->stride_h = 0; }},
      {"layer 0 \"stem\": stride_w", [](auto& n) { n.layers[0]->stride_w = 33; }},
      {"layer 0 \"stem\": dilation_w", [](auto& n) { n.layers[0]->dilation_w = 0; }},
      {"layer 0 \"stem\": pad_top", [](auto& n) { n.layers[0]->pad_top = -1; }},
      {"layer 0 \"stem\": pad_right", [](auto& n) { n.layers[0]->pad_right = 256; }},
      {"layer 5 \"classifier\": stride_h", [](auto& n) { n.layers[5]->stride_h = 2; }},
      {"layer 0 \"stem\": output is 3x5x4, expected 3x6x4",
       [](auto& n) { n.layers[0]->pad_right = 1; }},
      {"layer 0 \"stem\": activation",
       [](auto& n) { n.layers[0]->activation->kind = static_cast<fbs::ActivationKind>(8); }},
      {"layer 0 \"stem\": activation hi",
       [](auto& n) { n.layers[0]->activation->hi = -kInfinity; }},
      {"layer 0 \"stem\": activation lo", [](auto& n) { n.layers[0]->activation->lo = 7; }},
      {"layer 1 \"depthwise\": generator gain",
       [](auto& n) { n.layers[1]->synthetic->gain = 1u << 21; }},
      {"layer 4 \"pool\": synthetic weights",
       [](auto& n) { n.layers[4]->synthetic = std::make_unique<fbs::SyntheticT>(); }},
      {"layer 0 \"stem\": weights are missing", [](auto& n) { n.layers[0]->weights.reset(); }},
      {"layer 0 \"stem\": bias are missing", [](auto& n) { n.layers[0]->bias.reset(); }},
      {"layer 3 \"sum\": weights must be absent",
       [](auto& n) { n.layers[3]->weights = std::make_unique<fbs::Values>(); }},
      {"layer 0 \"stem\": weights: type",
       [](auto& n) { Set(n.layers[0]->weights, 0, 72, static_cast<fbs::DataType>(9)); }},
      {"layer 0 \"stem\": weights: has 71 elements, expected 72",
       [](auto& n) { Set(n.layers[0]->weights, 0, 71); }},
      {"layer 0 \"stem\": weights: offset",
       [](auto& n) { Set(n.layers[0]->weights, ~uint64_t{63}, 72); }},
      {"layer 0 \"stem\": weights: offset", [](auto& n) { Set(n.layers[0]->weights, 4, 72); }},
      {"layer 5 \"classifier\": bias: offset",
       [](auto& n) { Set(n.layers[5]->bias, n.layers[5]->bias->offset() + 64, 7); }},
      {"preprocess: mean", [](auto& n) { n.mean.pop_back(); }},
      {"preprocess: resize is -1", [](auto& n) { n.resize = -1; }},
      {"preprocess: stddev is 0", [](auto& n) { n.stddev[1] = 0; }},
  };
  for (const auto& [field, change] : cases) {
    CHECK_THAT(MessageAfter(change), Contains(field));
  }
}

TEST_CASE("wrong fields of the other operators are named") {
  using Change = std::function<void(fbs::NetworkT&)>;
  const std::pair<const char*, Change> cases[] = {
      {"layer 0 \"low\": first_channel is 5: 2 channels from there are not in 6",
       [](auto& n) { n.layers[0]->first_channel = 5; }},
      {"layer 0 \"low\": first_channel", [](auto& n) { n.layers[0]->first_channel = -1; }},
      {"layer 0 \"low\": first_channel", [](auto& n) { n.tensors[1]->channels = 7; }},
      {"layer 2 \"grouped\": groups is 3, must divide 4 input and 6 output channels",
       [](auto& n) { n.layers[2]->groups = 3; }},
      {"layer 3 \"concat\": operands have 14 channels together, the output 8",
       [](auto& n) { n.layers[3]->operands.push_back(3); }},
      {"layer 3 \"concat\": the first operand is 3, the input 1",
       [](auto& n) {
         n.layers[3]->operands = {3, 1};
       }},
      {"layer 3 \"concat\": operands is -1", [](auto& n) { n.layers[3]->operands[1] = -1; }},
      {"layer 3 \"concat\": operands reads tensor 8 before",
       [](auto& n) { n.layers[3]->operands[1] = 8; }},
      {"layer 3 \"concat\": number of operands", [](auto& n) { n.layers[3]->operands.clear(); }},
      {"layer 4 \"shuffle\": groups is 3", [](auto& n) { n.layers[4]->groups = 3; }},
      {"layer 4 \"shuffle\": activation must be none after shuffle",
       [](auto& n) {
         n.layers[4]->activation = std::make_unique<fbs::ActivationT>();
         n.layers[4]->activation->kind = fbs::ActivationKind_Relu;
       }},
      {"layer 5 \"maxpool\": residual", [](auto& n) { n.layers[5]->residual = 5; }},
      {"layer 5 \"maxpool\": output is 3x3x8, expected 4x3x8",
       [](auto& n) { n.layers[5]->pad_bottom = 2; }},
      // Three rows of padding hold the whole first window.
      {"layer 6 \"windowpool\": the window of output row 0 holds no input",
       [](auto& n) {
         n.layers[6]->pad_top = 3;
         n.tensors[7]->height = 5;
       }},
      {"layer 6 \"windowpool\": the window of output column 4 holds no input",
       [](auto& n) {
         n.layers[6]->pad_right = 3;
         n.tensors[7]->width = 5;
       }},
      {"layer 9 \"excite\": residual is 6x5x8", [](auto& n) { n.layers[9]->residual = 5; }},
      {"layer 9 \"excite\": residual", [](auto& n) { n.layers[9]->residual = -1; }},
      {"layer 10 \"activate\": activation is none",
       [](auto& n) { n.layers[10]->activation.reset(); }},
  };
  const Network net = test::OperatorNetwork();
  REQUIRE(MessageAfter([](fbs::NetworkT&) {}, net).empty());
  for (const auto& [field, change] : cases) {
    CHECK_THAT(MessageAfter(change, net), Contains(field));
  }
}

TEST_CASE("wrong fields of the operators on tokens and of constants are named") {
  using Change = std::function<void(fbs::NetworkT&)>;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::pair<const char*, Change> cases[] = {
      {"network: the input is a constant", [](auto& n) { n.input = 1; }},
      {"tensor 1 \"class\": values: has 3 elements, expected 4",
       [](auto& n) { Set(n.tensors[1]->values, 0, 3); }},
      {"tensor 2 \"position\": generator gain", [](auto& n) { n.tensors[2]->synthetic->gain = 0; }},
      {"tensor 2 \"position\": values",
       [](auto& n) {
         n.tensors[2]->values = std::make_unique<fbs::Values>(0, 4, fbs::DataType_Float32);
         n.tensors[2]->height = 1;
         n.layers[1]->residual = 3;
       }},
      {"layer 1 \"embed\": residual reads tensor 2 before it is written",
       [](auto& n) { n.tensors[2]->synthetic.reset(); }},
      {"layer 0 \"stack\": output writes tensor 2", [](auto& n) { n.layers[0]->output = 2; }},
      {"layer 0 \"stack\": operands have 8 pixels together, the output 7",
       [](auto& n) { n.layers[0]->operands.push_back(1); }},
      {"layer 0 \"stack\": the first operand is 0",
       [](auto& n) {
         n.layers[0]->operands = {0, 1};
       }},
      {"layer 0 \"stack\": number of operands", [](auto& n) { n.layers[0]->operands.clear(); }},
      {"layer 2 \"norm\": epsilon is 0", [](auto& n) { n.layers[2]->epsilon = 0; }},
      {"layer 1 \"embed\": epsilon is 1", [](auto& n) { n.layers[1]->epsilon = 1; }},
      {"layer 2 \"norm\": weights are missing", [](auto& n) { n.layers[2]->weights.reset(); }},
      {"layer 2 \"norm\": residual", [](auto& n) { n.layers[2]->residual = 0; }},
      {"layer 4 \"scores\": scale", [](auto& n) { n.layers[4]->scale = kInfinity; }},
      {"layer 1 \"embed\": scale must be 1", [](auto& n) { n.layers[1]->scale = 2; }},
      {"layer 4 \"scores\": residual is -1", [](auto& n) { n.layers[4]->residual = -1; }},
      {"layer 4 \"scores\": multiplies 7x1x4 by 2x3x4, its output is 7x1x7",
       [](auto& n) { n.layers[4]->residual = 0; }},
      {"layer 5 \"softmax\": output is 7x1x6", [](auto& n) { n.tensors[8]->channels = 6; }},
      {"layer 6 \"transpose\": output is 4x1x8", [](auto& n) { n.tensors[9]->channels = 8; }},
      {"layer 8 \"pick\": first_pixel is 6: 2 pixels from there are not in 7",
       [](auto& n) { n.layers[8]->first_pixel = 6; }},
      {"layer 8 \"pick\": first_pixel is -1", [](auto& n) { n.layers[8]->first_pixel = -1; }},
      {"layer 5 \"softmax\": first_pixel", [](auto& n) { n.layers[5]->first_pixel = 1; }},
  };
  const Network net = test::TokenNetwork();
  REQUIRE(MessageAfter([](fbs::NetworkT&) {}, net).empty());
  for (const auto& [field, change] : cases) {
    CHECK_THAT(MessageAfter(change, net), Contains(field));
  }
}

TEST_CASE("wrong fields of quantised weights are named") {
  using Change = std::function<void(fbs::LayerT&)>;
  constexpr fbs::DataType kBytes = fbs::DataType_Uint8;
  const std::pair<const char*, Change> cases[] = {
      {"block of the quantised weights is 0", [](auto& l) { l.quantized->block = 0; }},
      {"block of the quantised weights", [](auto& l) { l.quantized->block = 1 << 30; }},
      {"s_dec", [](auto& l) { l.quantized->s_dec = -1; }},
      {"codes are missing", [](auto& l) { l.quantized->codes.reset(); }},
      {"scales are missing", [](auto& l) { l.quantized->scales.reset(); }},
      {"codes: type is 1", [](auto& l) { Set(l.quantized->codes, 0, 8); }},
      {"codes: has 7 elements, expected 8", [](auto& l) { Set(l.quantized->codes, 0, 7, kBytes); }},
      {"codes: offset", [](auto& l) { Set(l.quantized->codes, 4, 8, kBytes); }},
      {"scales: offset", [](auto& l) { Set(l.quantized->scales, 1u << 20, 4, kBytes); }},
      {"scales: has 4 elements, expected 8", [](auto& l) { l.quantized->block = 2; }},
      {"weights must be absent", [](auto& l) { l.weights = std::make_unique<fbs::Values>(); }},
      {"weights are missing", [](auto& l) { l.quantized.reset(); }},
      {"both quantised and synthetic",
       [](auto& l) {
         l.synthetic = std::make_unique<fbs::SyntheticT>();
         l.synthetic->gain = 1;
       }},
  };
  const Network net = test::SmallQuantizedNetwork();
  REQUIRE(MessageAfter([](fbs::NetworkT&) {}, net).empty());
  for (const auto& [field, change] : cases) {
    CHECK_THAT(MessageAfter([&, &change = change](fbs::NetworkT& n) { change(*n.layers[2]); }, net),
               Contains("layer 2 \"project\"") && Contains(field));
  }
}

TEST_CASE("a weight that is not finite is named") {
  Network net = test::SmallNetwork();
  net.layers[2].weights[5] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_WITH(Validate(net), Contains("layer 2 \"project\": weights[5] is not finite"));
}

}  // namespace
}  // namespace nibble::trace
