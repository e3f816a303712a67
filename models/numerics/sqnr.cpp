#include "models/numerics/sqnr.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/quantize.h"
#include "models/numerics/rounding.h"

namespace nibble::numerics {
namespace {

// Logarithm and exponential from basic operations, since those of the C library differ between
// machines in the last bit. Relative errors below 1e-14.
double Log(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);  // exact, 0.5..1
  if (mantissa < 0.7071) {
    mantissa *= 2;
    --exponent;
  }
  const double z = (mantissa - 1) / (mantissa + 1);  // log m = 2 artanh z, |z| < 0.172
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * z * z + 1.0 / k;
  constexpr double kLn2 = 0.69314718055994530942;
  return 2 * z * sum + exponent * kLn2;
}

double Exp(double x) {
  double power = 1;
  for (int k = 12; k >= 1; --k) power = 1 + x / 256 * power / k;
  for (int i = 0; i < 8; ++i) power *= power;
  return power;
}

double Decibels(double ratio) { return 10 * Log(ratio) / 2.30258509299404568402; }

class Generator {
 public:
  explicit Generator(uint64_t seed) : seed_(seed) {}

  // In (0, 1), 53 bits.
  double Uniform() {
    return (static_cast<double>(SplitMix64(seed_, index_++) >> 11) + 0.5) * 0x1p-53;
  }

  // Marsaglia's polar method.
  double Normal() {
    if (std::exchange(has_spare_, false)) return spare_;
    for (;;) {
      const double u = 2 * Uniform() - 1, v = 2 * Uniform() - 1;
      const double s = u * u + v * v;
      if (s >= 1 || s == 0) continue;
      const double factor = std::sqrt(-2 * Log(s) / s);
      spare_ = v * factor;
      has_spare_ = true;
      return u * factor;
    }
  }

  double StudentT(int degrees) {
    const double normal = Normal();
    double chi2 = 0;
    for (int i = 0; i < degrees; ++i) {
      const double n = Normal();
      chi2 += n * n;
    }
    return normal / std::sqrt(chi2 / degrees);
  }

 private:
  uint64_t seed_;
  uint64_t index_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

double Sample(Generator& random, Distribution distribution) {
  switch (distribution) {
    case Distribution::kNormal:
    case Distribution::kOutlierChannels:
      return random.Normal();
    case Distribution::kLaplace: {
      const double magnitude = -Log(random.Uniform());
      return random.Uniform() < 0.5 ? -magnitude : magnitude;
    }
    case Distribution::kStudentT5:
      return random.StudentT(5);
    case Distribution::kStudentT3:
      return random.StudentT(3);
    case Distribution::kReluNormal:
      return std::max(random.Normal(), 0.0);
    case Distribution::kPostSilu: {
      const double y = 2 * random.Normal();
      return y / (1 + Exp(-y));
    }
  }
  return 0;
}

void EnlargeColumns(Generator& random, int columns, std::vector<float>& x) {
  const auto width = static_cast<size_t>(columns);
  std::vector<bool> enlarged(width);
  for (size_t left = width / 256; left > 0;) {
    const auto column = static_cast<size_t>(random.Uniform() * columns);
    if (enlarged[column]) continue;
    enlarged[column] = true;
    --left;
    for (size_t i = column; i < x.size(); i += width) x[i] *= 30;
  }
}

BlockTensor QuantizeRowOf(const FormatChoice& choice, const float* x, int columns) {
  if (choice.format == Format::kNvfp4) {
    return QuantizeNvfp4(x, 1, columns, choice.block, choice.profile);
  }
  QuantizeOptions options;
  options.block = choice.block;
  return Quantize(x, 1, columns, choice.format, options);
}

// Largest and smallest positive value of a block scale.
std::pair<double, double> BlockScaleRange(BlockScale scale) {
  switch (scale) {
    case BlockScale::kNone:
      return {1, 1};
    case BlockScale::kE4M3:
      return {448, 0x1p-9};
    case BlockScale::kE8M0:
      return {0x1p127, 0x1p-127};
    case BlockScale::kFp16:
      return {65504, 0x1p-24};
    case BlockScale::kFp32:
      return {std::numeric_limits<float>::max(), 0x1p-149};
  }
  return {1, 1};
}

}  // namespace

const char* DistributionName(Distribution distribution) {
  switch (distribution) {
    case Distribution::kNormal:
      return "normal";
    case Distribution::kLaplace:
      return "laplace";
    case Distribution::kStudentT5:
      return "student_t5";
    case Distribution::kStudentT3:
      return "student_t3";
    case Distribution::kReluNormal:
      return "relu_normal";
    case Distribution::kPostSilu:
      return "post_silu";
    case Distribution::kOutlierChannels:
      return "outlier_ch";
  }
  return "";
}

uint64_t ReferenceSeed(Distribution distribution) {
  switch (distribution) {
    case Distribution::kNormal:
    case Distribution::kLaplace:
      return 3;
    case Distribution::kStudentT5:
    case Distribution::kReluNormal:
    case Distribution::kPostSilu:
      return 1;
    case Distribution::kStudentT3:
      return 251;
    case Distribution::kOutlierChannels:
      return 115;
  }
  return 1;
}

std::vector<float> ReferenceSamples(Distribution distribution) {
  return Samples(distribution, kSampleRows, kSampleColumns, ReferenceSeed(distribution));
}

std::vector<float> Samples(Distribution distribution, int rows, int columns, uint64_t seed) {
  // Streams of different distributions are apart.
  Generator random(SplitMix64(seed, static_cast<uint64_t>(distribution)));
  std::vector<float> x(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (float& value : x) value = static_cast<float>(Sample(random, distribution));
  if (distribution == Distribution::kOutlierChannels) EnlargeColumns(random, columns, x);
  return x;
}

double BitsPerElement(const FormatChoice& choice, int columns) {
  const FormatSpec& spec = SpecOf(choice.format);
  const bool outer = spec.outer != OuterScale::kNone &&
                     (choice.format != Format::kNvfp4 || HasTensorScale(choice.profile));
  const double scales = BlockScaleBits(choice.format) * BlockCount(columns, choice.block);
  return ElementBits(choice.format) + (scales + (outer ? 32 : 0)) / columns;
}

double Sqnr(const FormatChoice& choice, const std::vector<float>& x, int columns) {
  double signal = 0, noise = 0;
  for (size_t first = 0; first < x.size(); first += static_cast<size_t>(columns)) {
    const std::vector<float> got = Dequantize(QuantizeRowOf(choice, &x[first], columns));
    for (size_t i = 0; i < got.size(); ++i) {
      const double value = x[first + i], error = got[i] - value;
      signal += value * value;
      noise += error * error;
    }
  }
  return Decibels(signal / noise);
}

std::vector<FormatChoice> ReferenceChoices() {
  std::vector<FormatChoice> choices;
  for (int block : {8, 16, 32, 64, 128}) {
    choices.push_back({"nvfp4 B=" + std::to_string(block), Format::kNvfp4, block, Profile::kNv});
  }
  choices.push_back({"nvfp4 B=16 one-level", Format::kNvfp4, 16, Profile::kOneLevel});
  choices.push_back({"nvfp4 B=16 four-over-six", Format::kNvfp4, 16, Profile::kFourOverSix});
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kNvfp4 || spec.format == Format::kFp32) continue;
    std::string name = spec.name;
    if (!HasBlockScale(spec.format)) {
      choices.push_back({name, spec.format, 16, Profile::kNv});
      continue;
    }
    const bool integer = spec.block_scale != BlockScale::kE8M0;
    for (int block : integer ? std::vector<int>{16, 32} : std::vector<int>{32}) {
      choices.push_back({name + " B=" + std::to_string(block), spec.format, block, Profile::kNv});
    }
  }
  return choices;
}

std::vector<FormatRow> DescribeFormats(const std::vector<FormatChoice>& choices) {
  std::vector<FormatRow> rows;
  for (const FormatChoice& choice : choices) {
    const FormatSpec& spec = SpecOf(choice.format);
    const auto [largest, smallest] = BlockScaleRange(spec.block_scale);
    FormatRow row;
    row.name = choice.name;
    row.bits_per_element = BitsPerElement(choice, kSampleColumns);
    row.range = ElementMax(spec.element) * largest;
    row.step = ElementStep(spec.element) * smallest;
    rows.push_back(row);
  }
  for (int d = 0; d < kDistributions; ++d) {
    const std::vector<float> x = ReferenceSamples(static_cast<Distribution>(d));
    for (size_t i = 0; i < choices.size(); ++i) {
      rows[i].sqnr_db[static_cast<size_t>(d)] = Sqnr(choices[i], x, kSampleColumns);
    }
  }
  return rows;
}

}  // namespace nibble::numerics
