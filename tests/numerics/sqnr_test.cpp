// The table of formats: SQNR on the reference distributions against a table made elsewhere, from
// samples of its own (tests/data/sqnr.csv), and against closed forms.
#include "models/numerics/sqnr.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "models/numerics/elements.h"

namespace nibble::numerics {
namespace {

const std::map<std::string, FormatChoice>& Choices() {
  static const std::map<std::string, FormatChoice> choices = {
      {"NVFP4 B=8", {"", Format::kNvfp4, 8, Profile::kNv}},
      {"NVFP4 B=16", {"", Format::kNvfp4, 16, Profile::kNv}},
      {"NVFP4 B=32", {"", Format::kNvfp4, 32, Profile::kNv}},
      {"NVFP4 B=64", {"", Format::kNvfp4, 64, Profile::kNv}},
      {"NVFP4 B=128", {"", Format::kNvfp4, 128, Profile::kNv}},
      {"NVFP4 B=16 one-level (no tensor scale)", {"", Format::kNvfp4, 16, Profile::kOneLevel}},
      {"NVFP4 B=16 4/6 (MSE,256)", {"", Format::kNvfp4, 16, Profile::kFourOverSix}},
      {"MXFP4 B=32 floor (OCP)", {"", Format::kMxfp4, 32, Profile::kNv}},
      {"MXFP4 B=32 ceil", {"", Format::kMxfp4Ceil, 32, Profile::kNv}},
      {"MXFP4-like B=16 floor", {"", Format::kMxfp4, 16, Profile::kNv}},
      {"FP4 unscaled", {"", Format::kFp4, 16, Profile::kNv}},
      {"FP4 tensor scale", {"", Format::kFp4Tensor, 16, Profile::kNv}},
      {"INT4 B=16 FP16 scale", {"", Format::kInt4, 16, Profile::kNv}},
      {"INT4 B=32 FP16 scale", {"", Format::kInt4, 32, Profile::kNv}},
      {"NVINT4 B=16 (E4M3+FP32)", {"", Format::kNvint4, 16, Profile::kNv}},
      {"MXFP6 E2M3 B=32", {"", Format::kMxfp6, 32, Profile::kNv}},
      {"MXFP8 E4M3 B=32", {"", Format::kMxfp8, 32, Profile::kNv}},
      {"FP8 E4M3 tensor scale", {"", Format::kFp8, 16, Profile::kNv}},
      {"FP8 E5M2 tensor scale", {"", Format::kFp8E5m2, 16, Profile::kNv}},
      {"INT8 tensor scale", {"", Format::kInt8Channel, 16, Profile::kNv}}};
  return choices;
}

// dB. The reference table comes from other samples: the heavier the tail, the more they differ.
constexpr double kTolerance[kDistributions] = {0.1, 0.1, 0.1, 0.15, 0.1, 0.1, 0.15};

struct ReferenceRow {
  std::string name;
  double bits = 0;
  std::vector<double> sqnr;
};

std::vector<ReferenceRow> Reference() {
  std::ifstream file(NIBBLE_SOURCE_DIR "/tests/data/sqnr.csv");
  REQUIRE(file);
  std::string line;
  std::getline(file, line);  // header
  std::vector<ReferenceRow> rows;
  while (std::getline(file, line)) {
    ReferenceRow row;
    const bool quoted = line[0] == '"';
    const size_t end = line.find(quoted ? '"' : ',', 1);
    row.name = line.substr(quoted ? 1 : 0, end - (quoted ? 1 : 0));
    std::stringstream numbers(line.substr(end + (quoted ? 2 : 1)));
    std::string number;
    std::getline(numbers, number, ',');
    row.bits = std::stod(number);
    while (std::getline(numbers, number, ',')) row.sqnr.push_back(std::stod(number));
    REQUIRE(row.sqnr.size() == kDistributions);
    rows.push_back(row);
  }
  return rows;
}

TEST_CASE("SQNR of every format agrees with the reference table") {
  std::vector<FormatChoice> choices;
  std::vector<ReferenceRow> reference;
  int unknown = 0;
  for (const ReferenceRow& row : Reference()) {
    const auto found = Choices().find(row.name);
    if (found == Choices().end()) {
      ++unknown;  // VS-Quant and NF4 are no formats here
      continue;
    }
    choices.push_back(found->second);
    reference.push_back(row);
  }
  CHECK(unknown == 2);
  REQUIRE(choices.size() == Choices().size());
  const std::vector<FormatRow> rows = DescribeFormats(choices);
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].bits_per_element == Approx(reference[i].bits).margin(1e-6));
    for (size_t d = 0; d < kDistributions; ++d) {
      INFO(reference[i].name << " " << DistributionName(static_cast<Distribution>(d)));
      CHECK(rows[i].sqnr_db[d] == Approx(reference[i].sqnr[d]).margin(kTolerance[d]));
    }
  }
}

TEST_CASE("an error of a known size has the SQNR of the closed form") {
  // 1.25 ties to 1 in E2M1, 2.5 to 2, 5 to 4: noise is a fifth of the signal, 13.98 dB.
  const std::vector<float> x = {1.25f, -1.25f, 2.5f, 5.0f};
  CHECK(Sqnr({"", Format::kFp4, 16, Profile::kNv}, x, 4) ==
        Approx(20 * std::log10(5)).margin(1e-9));
}

TEST_CASE("samples have the moments of their distribution") {
  const auto moment = [](Distribution d, int power) {
    double sum = 0;
    const std::vector<float> x = ReferenceSamples(d);
    for (float v : x) sum += std::pow(double{v}, power);
    return sum / static_cast<double>(x.size());
  };
  for (int d = 0; d < kDistributions; ++d) {
    const auto distribution = static_cast<Distribution>(d);
    INFO(DistributionName(distribution));
    const std::vector<float> x = ReferenceSamples(distribution);
    REQUIRE(x.size() == size_t{kSampleRows} * kSampleColumns);
    CHECK(x == ReferenceSamples(distribution));
    CHECK(std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); }));
  }
  CHECK(moment(Distribution::kNormal, 1) == Approx(0).margin(0.01));
  CHECK(moment(Distribution::kNormal, 2) == Approx(1).margin(0.02));
  CHECK(moment(Distribution::kNormal, 4) == Approx(3).margin(0.1));
  CHECK(moment(Distribution::kLaplace, 2) == Approx(2).margin(0.05));
  CHECK(moment(Distribution::kStudentT5, 2) == Approx(5.0 / 3).margin(0.05));
  CHECK(moment(Distribution::kReluNormal, 2) == Approx(0.5).margin(0.01));
  CHECK(moment(Distribution::kOutlierChannels, 2) == Approx((255 + 900) / 256.0).margin(0.3));
}

TEST_CASE("range and smallest step of each format") {
  const std::vector<FormatChoice> choices = {{"", Format::kNvfp4, 16, Profile::kNv},
                                             {"", Format::kMxfp4, 32, Profile::kNv},
                                             {"", Format::kInt4, 16, Profile::kNv},
                                             {"", Format::kFp16, 16, Profile::kNv}};
  const std::vector<FormatRow> rows = DescribeFormats(choices);
  CHECK(rows[0].range == 6 * 448);
  CHECK(rows[0].step == std::ldexp(1, -10));
  CHECK(rows[1].range == std::ldexp(6, 127));
  CHECK(rows[1].step == std::ldexp(1, -128));
  CHECK(rows[2].range == 7 * 65504.0);
  CHECK(rows[3].step == std::ldexp(1, -24));
  for (const FormatChoice& choice : ReferenceChoices()) {
    CHECK(BitsPerElement(choice, 4096) >= ElementBits(choice.format));
    CHECK_FALSE(choice.name.empty());
  }
}

}  // namespace
}  // namespace nibble::numerics
