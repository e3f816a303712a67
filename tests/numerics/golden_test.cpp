// Golden vectors of an independent implementation, bit for bit (tests/data/golden/README.md).
// NIBBLE_GOLDEN_DIR names another directory with files of the same names.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/numerics/activation_store.h"
#include "models/numerics/dot.h"
#include "models/numerics/formats.h"
#include "models/numerics/quantize.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

using nlohmann::json;

std::ifstream Open(const std::string& name) {
  const char* directory = std::getenv("NIBBLE_GOLDEN_DIR");
  const std::string path =
      (directory != nullptr ? std::string(directory) : NIBBLE_SOURCE_DIR "/tests/data/golden") +
      "/" + name;
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
  return file;
}

std::vector<json> Records(const std::string& name) {
  std::ifstream file = Open(name);
  std::vector<json> records;
  for (std::string line; std::getline(file, line);) records.push_back(json::parse(line));
  REQUIRE(!records.empty());
  return records;
}

// Numbers of `digits` hexadecimal digits each, concatenated.
template <typename T>
std::vector<T> Hex(const json& text, size_t digits = 2 * sizeof(T)) {
  const auto& string = text.get_ref<const std::string&>();
  std::vector<T> values;
  for (size_t i = 0; i < string.size(); i += digits) {
    values.push_back(static_cast<T>(std::stoul(string.substr(i, digits), nullptr, 16)));
  }
  return values;
}

uint32_t Word(const json& text) { return Hex<uint32_t>(text).at(0); }

std::vector<float> Floats(const json& text) {
  std::vector<float> values;
  for (uint32_t bits : Hex<uint32_t>(text)) values.push_back(BitsFloat(bits));
  return values;
}

std::vector<uint8_t> Unpack(const std::vector<uint8_t>& packed, int count) {
  std::vector<uint8_t> codes(static_cast<size_t>(count));
  UnpackCodes(packed.data(), count, codes.data());
  return codes;
}

struct CsvLine {
  float x;
  unsigned first, second;
};

std::vector<CsvLine> Csv(const std::string& name) {
  std::ifstream file = Open(name);
  std::string line;
  std::getline(file, line);  // header
  std::vector<CsvLine> lines;
  while (std::getline(file, line)) {
    const size_t a = line.find(','), b = line.rfind(',');
    lines.push_back({BitsFloat(static_cast<uint32_t>(std::stoul(line.substr(0, a), nullptr, 16))),
                     static_cast<unsigned>(std::stoul(line.substr(a + 1, b - a - 1), nullptr, 16)),
                     static_cast<unsigned>(std::stoul(line.substr(b + 1), nullptr, 16))});
  }
  REQUIRE(!lines.empty());
  return lines;
}

// acc by the definition, block by block.
float AccumulateBlocks(const std::vector<uint8_t>& a, const std::vector<uint8_t>& a_scales,
                       const std::vector<uint16_t>& w, const std::vector<uint8_t>& w_scales,
                       Format weights, int block) {
  float acc = 0.0f;
  for (size_t begin = 0, b = 0; begin < a.size(); begin += static_cast<size_t>(block), ++b) {
    acc += BlockTerm(&a[begin], a_scales[b], &w[begin], w_scales.empty() ? kNoScale : w_scales[b],
                     weights, block);
  }
  return acc;
}

// acc of every column of a panel whose columns are all the same.
std::vector<float> AccumulatePanel(const std::vector<uint8_t>& a_packed,
                                   const std::vector<uint8_t>& a_scales,
                                   const std::vector<uint8_t>& w_packed,
                                   const std::vector<uint8_t>& w_scales, Format weights, int block,
                                   int count) {
  constexpr int kColumns = 19;  // a whole tile and a partial one
  WeightPanel panel(weights, block, kColumns, 1, count);
  for (int n = 0; n < kColumns; ++n) panel.SetPackedRow(n, 0, w_packed.data(), w_scales.data());
  std::vector<int8_t> twice(static_cast<size_t>(count));
  std::vector<float> scales(a_scales.size());
  DecodePackedActivations(a_packed.data(), a_scales.data(), count, block, Format::kNvfp4,
                          twice.data(), scales.data());
  std::vector<float> acc(2 * WeightPanel::kTile, 0.0f);
  panel.Accumulate(0, {twice.data(), 0, scales.data(), 0, 1}, acc.data(), WeightPanel::kTile);
  acc.resize(kColumns);
  return acc;
}

TEST_CASE("decode tables match the golden vectors", "[golden]") {
  const json tables = json::parse(Open("decode_tables.json"));
  const auto check = [&](const char* name, size_t codes, auto decode) {
    INFO(name);
    REQUIRE(tables.at(name).size() == codes);
    for (size_t code = 0; code < codes; ++code) {
      INFO("code " << code);
      CHECK(FloatBits(decode(static_cast<uint8_t>(code))) == Word(tables[name][code]));
    }
  };
  check("e2m1", 16, DecodeE2M1);
  check("e4m3", 256, DecodeE4M3);
  check("e5m2", 256, DecodeE5M2);
  check("e8m0", 256, DecodeE8M0);
}

TEST_CASE("encoders match the golden vectors", "[golden]") {
  const auto check = [](const char* name, auto first, auto second) {
    for (const CsvLine& line : Csv(name)) {
      INFO(name << " " << std::hex << FloatBits(line.x));
      CHECK(unsigned{first(line.x)} == line.first);
      CHECK(unsigned{second(line.x)} == line.second);
    }
  };
  const auto e4m3 = [](Overflow o) { return [o](float x) { return EncodeE4M3(x, o); }; };
  const auto e5m2 = [](Overflow o) { return [o](float x) { return EncodeE5M2(x, o); }; };
  check("encode_e2m1.csv", EncodeE2M1, EncodeE2M1);
  check("encode_e4m3.csv", e4m3(Overflow::kSaturate), e4m3(Overflow::kIeee));
  check("encode_e5m2.csv", e5m2(Overflow::kSaturate), e5m2(Overflow::kIeee));
  check("encode_e8m0.csv", EncodeE8M0Floor, EncodeE8M0Ceil);
}

TEST_CASE("the NVFP4 quantiser matches the golden vectors", "[golden]") {
  for (const json& record : Records("nvfp4_quant.jsonl")) {
    const int block = record["B"];
    const int count = record["n"];
    INFO(record["name"] << " B=" << block);
    const std::vector<float> x = Floats(record["x"]);
    REQUIRE(x.size() == static_cast<size_t>(count));

    const TensorScale scale = TensorScaleFromAmax(AmaxIgnoringNan(x.data(), x.size()));
    CHECK(FloatBits(scale.encode) == Word(record["s_enc"]));
    CHECK(FloatBits(scale.decode) == Word(record["s_dec"]));

    ActivationLayout layout;
    layout.block = block;
    layout.pixels = 1;
    layout.channels = count;
    const StoredActivations stored = StoreTensor(layout, scale, x.data());
    CHECK(stored.scales == Hex<uint8_t>(record["scales"]));
    std::vector<uint8_t> packed = stored.codes;
    packed.resize(stored.scales.size() * static_cast<size_t>(block) / 2);  // +0 to whole blocks
    CHECK(packed == Hex<uint8_t>(record["packed"]));
    CHECK(Bits(LoadTensor(stored)) == Hex<uint32_t>(record["dequant"]));
  }
}

TEST_CASE("the unscaled FP4 quantiser matches the golden vectors", "[golden]") {
  int checked = 0;
  for (const json& record : Records("other_quant.jsonl")) {
    if (record["fmt"] != "fp4_unscaled") continue;
    ++checked;
    INFO(record["name"]);
    const std::vector<float> x = Floats(record["x"]);
    ActivationLayout layout;
    layout.format = Format::kFp4;
    layout.pixels = 1;
    layout.channels = static_cast<int>(x.size());
    const StoredActivations stored = StoreTensor(layout, {}, x.data());
    CHECK(Unpack(stored.codes, layout.channels) == Hex<uint8_t>(record["codes"]));
    CHECK(Bits(LoadTensor(stored)) == Hex<uint32_t>(record["dequant"]));
  }
  CHECK(checked > 0);
}

TEST_CASE("NVFP4 dot products match the golden vectors", "[golden]") {
  for (const json& record : Records("dot.jsonl")) {
    const int block = record["B"];
    const int count = record["K"];
    INFO(record["kind"] << " B=" << block << " K=" << count);
    const auto a = Hex<uint8_t>(record["a_packed"]), b = Hex<uint8_t>(record["b_packed"]);
    const auto a_scales = Hex<uint8_t>(record["a_scales"]);
    const auto b_scales = Hex<uint8_t>(record["b_scales"]);
    const uint32_t expected = Word(record["acc"]["d0_block_fp32_rne"]);

    const std::vector<uint8_t> b_codes = Unpack(b, count);
    const float acc = AccumulateBlocks(Unpack(a, count), a_scales, {b_codes.begin(), b_codes.end()},
                                       b_scales, Format::kNvfp4, block);
    CHECK(FloatBits(acc) == expected);
    for (float column : AccumulatePanel(a, a_scales, b, b_scales, Format::kNvfp4, block, count)) {
      CHECK(FloatBits(column) == expected);
    }
    const float y =
        ApplyTensorScales(acc, Floats(record["s_dec_a"])[0], Floats(record["s_dec_b"])[0]);
    CHECK(FloatBits(y) == Word(record["y_d0"]));
  }
}

TEST_CASE("FP8 and FP16 weights match the golden vectors", "[golden]") {
  for (const json& record : Records("dot_mixed_weights.jsonl")) {
    const int block = record["B"];
    const int count = record["K"];
    const bool fp8 = record["wfmt"] == "e4m3";
    const Format format = fp8 ? Format::kFp8 : Format::kFp16;
    INFO(record["kind"] << " " << record["wfmt"] << " B=" << block << " K=" << count);
    const auto a = Hex<uint8_t>(record["a_packed"]);
    const auto a_scales = Hex<uint8_t>(record["a_scales"]);
    const auto w = Hex<uint16_t>(record["w_codes"], fp8 ? 2 : 4);
    const uint32_t expected = Word(record["acc_term_rne"]);

    const float acc = AccumulateBlocks(Unpack(a, count), a_scales, w, {}, format, block);
    CHECK(FloatBits(acc) == expected);
    std::vector<uint8_t> bytes;
    for (uint16_t code : w) {
      bytes.push_back(static_cast<uint8_t>(code));
      if (!fp8) bytes.push_back(static_cast<uint8_t>(code >> 8));
    }
    for (float column : AccumulatePanel(a, a_scales, bytes, {}, format, block, count)) {
      CHECK(FloatBits(column) == expected);
    }
    const float y = ApplyTensorScales(acc, Floats(record["s_dec_a"])[0], Floats(record["s_w"])[0]);
    CHECK(FloatBits(y) == Word(record["y"]));
  }
}

}  // namespace
}  // namespace nibble::numerics
