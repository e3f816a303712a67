#include "sw/compiler/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "models/numerics/bits.h"
#include "models/numerics/elements.h"

namespace nibble::compiler {
namespace {

constexpr int kShift = 16;        // of the bits of a binary32, all but seven of the mantissa
constexpr size_t kBins = 0x7F80;  // from +0 to below infinity

float LowerEdge(size_t bin) { return numerics::BitsFloat(static_cast<uint32_t>(bin) << kShift); }

double Middle(size_t bin) { return (double{LowerEdge(bin)} + double{LowerEdge(bin + 1)}) / 2; }

}  // namespace

RangeChoice ParseRangeChoice(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string method = text.substr(0, colon);
  const std::string value = colon == std::string::npos ? "" : text.substr(colon + 1);
  RangeChoice choice;
  if (text == "amax") return choice;
  if (method == "percentile") {
    choice.method = RangeChoice::Method::kPercentile;
    const char* end = value.data() + value.size();
    const auto result = std::from_chars(value.data(), end, choice.percentile);
    const bool number = result.ec == std::errc() && result.ptr == end && !value.empty();
    if (number && choice.percentile > 0 && choice.percentile <= 100) return choice;
    throw std::invalid_argument(
        fmt::format("percentile \"{}\" is not in 0..100, 0 excluded", value));
  }
  if (method == "mse") {
    choice.method = RangeChoice::Method::kSquaredError;
    if (colon != std::string::npos) choice.format = numerics::ParseFormat(value);
    const numerics::FormatSpec& spec = numerics::SpecOf(choice.format);
    if (spec.outer != numerics::OuterScale::kNone && !numerics::HasBlockScale(choice.format)) {
      return choice;
    }
    throw std::invalid_argument(fmt::format(
        "{} has not one scale alone; mse takes fp4-tensor, fp8, fp8-e5m2, int4-channel or "
        "int8-channel",
        value));
  }
  throw std::invalid_argument(
      fmt::format("\"{}\" is unknown, expected amax, percentile:P or mse[:FORMAT]", text));
}

MagnitudeHistogram::MagnitudeHistogram() : counts_(kBins) {}

void MagnitudeHistogram::Add(const std::vector<float>& x) {
  for (const float value : x) {
    const float magnitude = std::fabs(value);
    const size_t bin = numerics::FloatBits(magnitude) >> kShift;
    if (bin >= kBins) continue;
    ++counts_[bin];
    ++total_;
    amax_ = std::max(amax_, magnitude);
  }
}

float MagnitudeHistogram::Range(const RangeChoice& choice) const {
  switch (choice.method) {
    case RangeChoice::Method::kAmax:
      break;
    case RangeChoice::Method::kPercentile:
      return Percentile(choice.percentile);
    case RangeChoice::Method::kSquaredError:
      return LeastSquaredError(numerics::SpecOf(choice.format).element);
  }
  return amax_;
}

// The upper edge of the bin in which that element is.
float MagnitudeHistogram::Percentile(double percent) const {
  const double wanted = static_cast<double>(total_) * percent / 100;
  uint64_t below = 0;
  for (size_t bin = 0; bin < kBins; ++bin) {
    below += counts_[bin];
    if (static_cast<double>(below) >= wanted) return std::min(amax_, LowerEdge(bin + 1));
  }
  return amax_;
}

// Among the 64 parts of the largest magnitude, an element standing for the middle of its bin.
float MagnitudeHistogram::LeastSquaredError(numerics::Element element) const {
  constexpr int kParts = 64;
  float best = amax_;
  double least = -1;
  for (int part = kParts; part >= 1 && amax_ > 0; --part) {
    const float range = amax_ * static_cast<float>(part) / kParts;
    const float scale = range / numerics::ElementMax(element);
    if (!(scale > 0)) break;
    double error = 0;
    for (size_t bin = 0; bin < kBins; ++bin) {
      if (counts_[bin] == 0) continue;
      const double x = Middle(bin);
      const uint16_t code = numerics::EncodeElement(element, static_cast<float>(x / double{scale}));
      const double difference = double{numerics::DecodeElement(element, code)} * scale - x;
      error += static_cast<double>(counts_[bin]) * difference * difference;
    }
    if (least >= 0 && error >= least) continue;
    least = error;
    best = range;
  }
  return best;
}

}  // namespace nibble::compiler
