// sim quantize: what it writes is what the golden vectors say, and it refuses what does not go
// together.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "sw/npy/npy.h"
#include "tests/cli/sim.h"

namespace nibble::cli_test {
namespace {

using Catch::Matchers::Contains;
using Json = nlohmann::json;

std::vector<Json> Vectors(const std::string& file) {
  std::ifstream in(NIBBLE_SOURCE_DIR "/tests/data/golden/" + file);
  std::vector<Json> records;
  for (std::string line; std::getline(in, line);) records.push_back(Json::parse(line));
  return records;
}

std::vector<uint32_t> Hex(const std::string& digits, size_t width) {
  std::vector<uint32_t> words;
  for (size_t at = 0; at < digits.size(); at += width) {
    words.push_back(static_cast<uint32_t>(std::stoul(digits.substr(at, width), nullptr, 16)));
  }
  return words;
}

// Bits of a float32 file, canonical where NaN.
std::vector<uint32_t> Words(const npy::Array& array) {
  std::vector<uint32_t> words;
  for (float value : array.Values()) {
    uint32_t word = 0;
    std::memcpy(&word, &value, sizeof word);
    words.push_back(std::isnan(value) ? 0x7fc00000u : word);
  }
  return words;
}

void WriteNpy(const std::string& path, const std::vector<int64_t>& shape,
              const std::vector<float>& x) {
  WriteFile(path, npy::Serialize(npy::FromFloats(shape, x)));
}

std::vector<float> Floats(const std::string& hex) {
  std::vector<float> x;
  for (uint32_t word : Hex(hex, 8)) {
    x.emplace_back();
    std::memcpy(&x.back(), &word, sizeof word);
  }
  return x;
}

struct Quantised {
  Folder folder;
  Result result;
  npy::Array Array(const std::string& name) const { return npy::Read(folder / (name + ".npy")); }
};

// Runs sim quantize on `x`, all outputs that the arguments name in its folder.
void Quantize(Quantised& q, const std::vector<int64_t>& shape, const std::vector<float>& x,
              const std::string& arguments) {
  WriteNpy(q.folder / "x.npy", shape, x);
  q.result = Sim(q.folder, "quantize x.npy --codes codes.npy --values values.npy " + arguments);
  INFO(arguments << ": " << q.result.err);
  REQUIRE(q.result.exit_code == 0);
}

// Codes of `bits` each, by their definition: a stream of bits, least first.
std::vector<uint32_t> Unpack(const npy::Array& codes, size_t count, int bits) {
  std::vector<uint32_t> unpacked(count);
  for (size_t i = 0; i < count * static_cast<size_t>(bits); ++i) {
    const auto bit = static_cast<uint32_t>(codes.bytes.at(i / 8) >> i % 8 & 1);
    unpacked[i / static_cast<size_t>(bits)] |= bit << i % static_cast<size_t>(bits);
  }
  return unpacked;
}

const std::map<std::string, std::string> kProfiles = {{"nv", "nv"},
                                                      {"one_level", "one-level"},
                                                      {"nv_old", "nv-old"},
                                                      {"modelopt", "modelopt"},
                                                      {"ao", "torchao"},
                                                      {"ct", "compressed-tensors"},
                                                      {"vllm_emu", "vllm"},
                                                      {"ggml", "ggml"},
                                                      {"fouroversix_mse_256", "four-over-six"}};

void CheckNvfp4(const Json& record, const std::string& profile) {
  Quantised q;
  const std::vector<float> x = Floats(record["x"]);
  const int block = record.value("B", 16);
  Quantize(q, {static_cast<int64_t>(x.size())}, x,
           "--profile " + profile + " --block " + std::to_string(block) +
               " --scales scales.npy --s-dec s_dec.npy");
  std::vector<uint32_t> packed = Hex(record["packed"], 2);  // padded to whole blocks
  const size_t bytes = (x.size() + 1) / 2;
  for (size_t i = bytes; i < packed.size(); ++i) REQUIRE(packed[i] == 0);
  packed.resize(bytes);
  const npy::Array codes = q.Array("codes"), scales = q.Array("scales");
  CHECK(std::vector<uint32_t>(codes.bytes.begin(), codes.bytes.end()) == packed);
  CHECK(std::vector<uint32_t>(scales.bytes.begin(), scales.bytes.end()) ==
        Hex(record["scales"], 2));
  CHECK(Words(q.Array("s_dec")) == Hex(record["s_dec"], 8));
  if (record.contains("dequant")) {
    CHECK(Words(q.Array("values")) == Hex(record["dequant"], 8));
  }
}

TEST_CASE("quantize reproduces NVFP4 of every profile") {
  std::map<std::string, int> checked;
  for (const char* file : {"nvfp4_quant_profiles.jsonl", "nvfp4_quant.jsonl"}) {
    for (const Json& record : Vectors(file)) {
      const std::string name = record.value("profile", "nv");
      CAPTURE(file, name, record["name"]);
      CheckNvfp4(record, kProfiles.at(name));
      ++checked[name];
    }
  }
  CHECK(checked.size() >=
        8);  // of the nine: the vectors of one_level and others, at least one each
}

TEST_CASE("quantize reproduces MX, codes of 4, 6 and 8 bits") {
  const std::map<std::string, std::pair<std::string, int>> formats = {
      {"e2m1 floor", {"mxfp4", 4}}, {"e2m1 ceil", {"mxfp4-ceil", 4}},
      {"e2m3 floor", {"mxfp6", 6}}, {"e3m2 floor", {"mxfp6-e3m2", 6}},
      {"e4m3 floor", {"mxfp8", 8}}, {"e5m2 floor", {"mxfp8-e5m2", 8}}};
  std::map<std::string, int> checked;
  for (const Json& record : Vectors("mx_quant.jsonl")) {
    const std::string name =
        record["fmt"].get<std::string>() + ' ' + record["rule"].get<std::string>();
    if (formats.count(name) == 0) continue;  // a rule that is no format of its own
    CAPTURE(name, record["name"]);
    const auto& [format, bits] = formats.at(name);
    Quantised q;
    const std::vector<float> x = Floats(record["x"]);
    Quantize(q, {static_cast<int64_t>(x.size())}, x,
             "--format " + format + " --block 32 --scales scales.npy");
    std::vector<uint32_t> codes = Hex(record["codes"], 2);
    codes.resize(x.size());
    CHECK(Unpack(q.Array("codes"), x.size(), bits) == codes);
    CHECK(q.Array("codes").bytes.size() == (x.size() * static_cast<size_t>(bits) + 7) / 8);
    const npy::Array scales = q.Array("scales");
    CHECK(std::vector<uint32_t>(scales.bytes.begin(), scales.bytes.end()) ==
          Hex(record["scales"], 2));
    CHECK(Words(q.Array("values")) == Hex(record["dequant"], 8));
    ++checked[name];
  }
  CHECK(checked.size() == formats.size());
}

TEST_CASE("blocks run along the last axis, and each row starts at a byte") {
  // Rows of five: three bytes of codes and, in blocks of 4, two scales. The largest value is in the
  // first block; under tensor scale 1 / 448 its block scale is 448.
  Quantised q;
  Quantize(q, {2, 1, 5}, {6, 3, -1.5f, 0, 0.5f, 0, 0, 0, 0, -6},
           "--block 4 --scales scales.npy --s-dec s_dec.npy");
  CHECK(q.Array("codes").shape == std::vector<int64_t>{2, 1, 3});
  CHECK(q.Array("codes").bytes == std::vector<uint8_t>{0x57, 0x0B, 0x07, 0x00, 0x00, 0x0F});
  CHECK(q.Array("scales").shape == std::vector<int64_t>{2, 1, 2});
  // 448, 448 / 12 = 37.3 -> 36 + 1.3 -> E4M3 36 (0x61): 0.5 * 448 / 36 = 6.2, code 7; 0; 448.
  CHECK(q.Array("scales").bytes == std::vector<uint8_t>{0x7E, 0x61, 0x00, 0x7E});
  CHECK(q.Array("s_dec").shape.empty());
  CHECK(q.Array("s_dec").Value(0) == 1.0f / 448);
  CHECK(q.Array("values").shape == std::vector<int64_t>{2, 1, 5});
  CHECK_THAT(q.result.out, Contains("2x1x5 float32") && Contains("zero blocks  1 of 4") &&
                               Contains("saturated    0 of 10") && Contains("underflows   0 of 4"));
}

TEST_CASE("scales of other formats, float16 input") {
  Quantised q;
  WriteFile(q.folder / "h.npy",
            npy::Serialize({npy::Type::kFloat16, {2, 2}, {0x00, 0x3C, 0x00, 0xC0, 0, 0, 0, 0x44}}));
  REQUIRE(Sim(q.folder, "quantize h.npy --format int8-channel --s-dec s_dec.npy --codes codes.npy")
              .exit_code == 0);  // 1, -2; 0, 4
  CHECK(q.Array("s_dec").Values() == std::vector<float>{2.0f / 127, 4.0f / 127});
  CHECK(q.Array("s_dec").shape == std::vector<int64_t>{2});
  CHECK(q.Array("codes").bytes == std::vector<uint8_t>{64, 0x81, 0, 127});  // 63.5 rounds to even
  REQUIRE(Sim(q.folder, "quantize h.npy --format int4 --block 2 --scales s.npy").exit_code == 0);
  CHECK(q.Array("s").type == npy::Type::kFloat16);
  REQUIRE(Sim(q.folder, "quantize h.npy --format int4-fp32 --block 1 --scales s.npy").exit_code ==
          0);
  CHECK(q.Array("s").Values() == std::vector<float>{1.0f / 7, 2.0f / 7, 1, 4.0f / 7});
  REQUIRE(Sim(q.folder, "quantize h.npy --format fp16 --codes codes.npy").exit_code == 0);
  CHECK(q.Array("codes").bytes == npy::Read(q.folder / "h.npy").bytes);
}

TEST_CASE("the JSON of quantize counts what the arrays hold") {
  Quantised q;
  std::vector<float> x(64, 1e-30f);  // their block scales underflow beside 1
  for (size_t i = 0; i < 16; ++i) x[i] = i == 0 ? 1.0f : 0.0f;
  for (size_t i = 48; i < 64; ++i) x[i] = 0;
  Quantize(q, {64}, x, "--json q.json --scales scales.npy");
  const Json json = Json::parse(ReadFile(q.folder / "q.json"));
  CHECK(json["schema"] == "nibble.quantize/1");
  CHECK(json["shape"] == Json{64});
  CHECK(json["blocks"] == 4);
  CHECK(json["scale_underflows"] == 2);
  CHECK(json["zero_blocks"] == 1);
  CHECK(json["zero_codes"] == 31);  // those of an underflow are +-6 under scale 0
  CHECK(json["saturated_elements"] == 0);
  CHECK(json["bits_per_element"] == 4 + 8.0 / 16 + 32.0 / 64);
  CHECK(json["sqnr_db"].get<double>() > 500);
  const Json out = Json::parse(Sim(q.folder, "quantize x.npy --json -").out);
  CHECK(out == json);
}

TEST_CASE("SQNR, amax and rounding") {
  Quantised q;
  std::vector<float> x(4096);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<float>(i) * 12.9898f) * 3;  // only needs to vary
  }
  const auto json = [&](const std::string& arguments) {
    WriteNpy(q.folder / "x.npy", {16, 256}, x);
    const Result r = Sim(q.folder, "quantize x.npy --values values.npy --json - " + arguments);
    INFO(arguments << r.err);
    REQUIRE(r.exit_code == 0);
    return Json::parse(r.out);
  };
  for (const char* arguments :
       {"", "--format mxfp8 --block 32", "--profile modelopt", "--rounding stochastic --seed 3"}) {
    const Json result = json(arguments);
    const std::vector<float> values = q.Array("values").Values();
    double signal = 0, noise = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      signal += double{x[i]} * x[i];
      noise += (double{values[i]} - x[i]) * (double{values[i]} - x[i]);
    }
    CHECK(result["sqnr_db"].get<double>() == Approx(10 * std::log10(signal / noise)).margin(0.006));
  }
  // A calibrated amax is the tensor's own where it is the same number, and clips where it is less.
  CHECK(json("--amax 2688")["s_dec"] == Json{1.0});
  CHECK(json("--amax 0.01")["saturated_elements"].get<int>() > 4000);
  CHECK(json("")["saturated_elements"] == 0);
  CHECK(json("--rounding zero")["sqnr_db"].get<double>() < json("")["sqnr_db"].get<double>());
  const Json one = json("--rounding stochastic --seed 1"), two = json("--rounding stochastic");
  CHECK(one["sqnr_db"] != two["sqnr_db"]);
  CHECK(two["seed"] == 0);
}

void Refuses(const std::string& arguments, int exit_code, const std::vector<std::string>& names) {
  const Folder folder, data;
  WriteNpy(data / "x.npy", {4}, {1, 2, 3, 4});
  WriteNpy(data / "empty.npy", {0, 4}, {});
  WriteFile(data / "bytes.npy", npy::Serialize({npy::Type::kUint8, {2}, {1, 2}}));
  const Result r = Sim(folder, "quantize '" + data.path().string() + "/'" + arguments);
  INFO(arguments << ": " << r.err);
  CHECK(r.exit_code == exit_code);
  CHECK(IsOneLine(r.err));
  CHECK(r.out.empty());
  for (const std::string& name : names) CHECK_THAT(r.err, Contains(name));
  CHECK(folder.files() == 0);
}

TEST_CASE("quantize refuses by name what does not go together") {
  Refuses("x.npy --format fp5", 2, {"fp5", "nvfp4"});
  Refuses("x.npy --format fp32", 2, {"fp32"});
  Refuses("x.npy --profile tensorrt", 2, {"tensorrt", "modelopt"});
  Refuses("x.npy --format mxfp4 --profile modelopt", 2, {"--profile", "mxfp4"});
  Refuses("x.npy --profile ggml --rounding zero", 2, {"--rounding", "ggml"});
  Refuses("x.npy --rounding up", 2, {"--rounding"});
  Refuses("x.npy --seed 1", 2, {"--seed", "stochastic"});
  Refuses("x.npy --format fp16 --block 16", 2, {"--block", "fp16"});
  Refuses("x.npy --block 0", 2, {"--block"});
  Refuses("x.npy --format fp8 --scales s.npy", 2, {"--scales", "fp8"});
  Refuses("x.npy --format mxfp4 --amax 1", 2, {"--amax", "mxfp4"});
  Refuses("x.npy --format int8-channel --amax 1", 2, {"--amax", "int8-channel"});
  Refuses("x.npy --profile one-level --amax 1", 2, {"--amax", "one-level"});
  Refuses("x.npy --format mxfp4 --s-dec s.npy", 2, {"--s-dec", "mxfp4"});
  Refuses("x.npy --amax -1", 2, {"--amax"});
  Refuses("x.npy --amax inf", 2, {"--amax"});
  Refuses("x.npy --codes -", 2, {"binary"});
  Refuses("x.npy --codes /no/such/folder/c.npy", 2, {"/no/such/folder/c.npy"});
  Refuses("none.npy", 3, {"none.npy"});
  Refuses("empty.npy", 3, {"empty.npy", "no elements"});
  Refuses("bytes.npy", 3, {"bytes.npy", "uint8"});
}

}  // namespace
}  // namespace nibble::cli_test
