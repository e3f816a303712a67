// Every accumulator against the golden vectors, bit for bit (tests/data/golden/README.md).
// NIBBLE_GOLDEN_DIR names another directory with files of the same names.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/numerics/accumulate.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

using nlohmann::json;

// The vectors' names of accumulators.
std::map<std::string, AccumulatorSpec> GoldenSpecs() {
  std::map<std::string, AccumulatorSpec> specs;
  specs["d0_block_fp32_rne"].kind = Accumulation::kFp32;
  specs["d1_kulisch_rne"].kind = Accumulation::kExact;
  specs["d2_block_fp32_rz"].kind = Accumulation::kFp32Rz;
  specs["d3_fused_K64_F35_rz"].kind = Accumulation::kFused;
  AccumulatorSpec& f25 = specs["d3_fused_K64_F25_rz"];
  f25.kind = Accumulation::kFused;
  f25.fused_bits = 25;
  specs["d4_lane_fp32_tree"].kind = Accumulation::kLanes;
  specs["d5_fp16_acc"].kind = Accumulation::kFp16;
  specs["d6_bf16_acc"].kind = Accumulation::kBf16;
  specs["d7_fixed32_lsb0_sat_rz"].kind = Accumulation::kFixed;
  AccumulatorSpec& wide = specs["d7_fixed48_lsbm10_wrap_floor"];
  wide.kind = Accumulation::kFixed;
  wide.fixed_bits = 48;
  wide.fixed_lsb = -10;
  wide.fixed_rounding = AddRounding::kDown;
  wide.fixed_saturate = false;
  return specs;
}

std::vector<json> Records(const std::string& name) {
  const char* directory = std::getenv("NIBBLE_GOLDEN_DIR");
  const std::string path =
      (directory != nullptr ? std::string(directory) : NIBBLE_SOURCE_DIR "/tests/data/golden") +
      "/" + name;
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
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

std::vector<uint8_t> Unpack(const std::vector<uint8_t>& packed) {
  std::vector<uint8_t> codes;
  for (const uint8_t byte : packed) {
    codes.push_back(byte & 15);
    codes.push_back(byte >> 4);
  }
  return codes;
}

// The accumulator of a record's operands; no weight scales: the format has none.
uint32_t Accumulate(const AccumulatorSpec& spec, const std::vector<uint8_t>& a,
                    const std::vector<uint8_t>& a_scales, Format weights,
                    const std::vector<uint16_t>& w, const std::vector<uint8_t>& w_scales,
                    int block) {
  Accumulator accumulator(spec, block);
  for (size_t b = 0; b < a_scales.size(); ++b) {
    const size_t begin = b * static_cast<size_t>(block);
    accumulator.AddBlock({Format::kNvfp4, &a[begin], a_scales[b], weights, &w[begin],
                          w_scales.empty() ? kNoScale : int{w_scales[b]}, block});
  }
  return FloatBits(accumulator.Result());
}

TEST_CASE("accumulators match the golden vectors", "[golden]") {
  const std::map<std::string, AccumulatorSpec> specs = GoldenSpecs();
  std::map<std::string, int> checked;
  for (const json& record : Records("dot.jsonl")) {
    const std::vector<uint8_t> w = Unpack(Hex<uint8_t>(record["b_packed"]));
    for (const auto& [name, expected] : record["acc"].items()) {
      INFO(record["kind"] << " B=" << record["B"] << " K=" << record["K"] << " " << name);
      const auto spec = specs.find(name);
      REQUIRE(spec != specs.end());
      CHECK(Accumulate(spec->second, Unpack(Hex<uint8_t>(record["a_packed"])),
                       Hex<uint8_t>(record["a_scales"]), Format::kNvfp4, {w.begin(), w.end()},
                       Hex<uint8_t>(record["b_scales"]),
                       record["B"]) == Hex<uint32_t>(expected).at(0));
      ++checked[name];
    }
  }
  CHECK(checked.size() == specs.size());  // a vector for every one of them
}

TEST_CASE("accumulators of FP8 and FP16 weights match the golden vectors", "[golden]") {
  AccumulatorSpec once;
  once.round_term = false;
  for (const json& record : Records("dot_mixed_weights.jsonl")) {
    const bool fp8 = record["wfmt"] == "e4m3";
    INFO(record["kind"] << " " << record["wfmt"] << " B=" << record["B"] << " K=" << record["K"]);
    const auto run = [&](const AccumulatorSpec& spec) {
      return Accumulate(spec, Unpack(Hex<uint8_t>(record["a_packed"])),
                        Hex<uint8_t>(record["a_scales"]), fp8 ? Format::kFp8 : Format::kFp16,
                        Hex<uint16_t>(record["w_codes"], fp8 ? 2 : 4), {}, record["B"]);
    };
    CHECK(run(AccumulatorSpec{}) == Hex<uint32_t>(record["acc_term_rne"]).at(0));
    CHECK(run(once) == Hex<uint32_t>(record["acc_fused"]).at(0));
  }
}

}  // namespace
}  // namespace nibble::numerics
