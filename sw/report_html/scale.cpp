#include "sw/report_html/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nibble::report_html {

Scale Scale::Linear(double low, double high, double from, double to, int ticks) {
  if (!(high > low)) {
    const double margin = low == 0 ? 1 : std::abs(low) * 0.05;
    high = low + margin;
    low -= margin;
  }
  const double rough = (high - low) / ticks;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  Scale scale;
  scale.from_ = from;
  scale.to_ = to;
  const auto first = static_cast<long>(std::floor(low / step + 1e-9));
  const auto last = static_cast<long>(std::ceil(high / step - 1e-9));
  for (long i = first; i <= last; ++i) scale.ticks_.push_back(static_cast<double>(i) * step);
  scale.low_ = scale.ticks_.front();
  scale.high_ = scale.ticks_.back();
  return scale;
}

Scale Scale::Log(double low, double high, double from, double to) {
  Scale scale;
  scale.log_ = true;
  scale.from_ = from;
  scale.to_ = to;
  std::vector<double> candidates;  // 1, 2, 5 in every decade
  for (int e = static_cast<int>(std::floor(std::log10(low))) - 1;
       e <= static_cast<int>(std::ceil(std::log10(high))) + 1; ++e) {
    for (const double digit : {1.0, 2.0, 5.0}) candidates.push_back(digit * std::pow(10, e));
  }
  constexpr double kSlack = 1 + 1e-9;
  scale.low_ = candidates.front();
  scale.high_ = candidates.back();
  for (const double c : candidates) {
    if (c <= low * kSlack) scale.low_ = c;
  }
  for (auto c = candidates.rbegin(); c != candidates.rend(); ++c) {
    if (*c * kSlack >= high) scale.high_ = *c;
  }
  if (scale.high_ <= scale.low_ * kSlack) scale.high_ = scale.low_ * 2;
  const double decades = std::log10(scale.high_ / scale.low_);
  for (const double c : candidates) {
    if (c * kSlack < scale.low_ || c > scale.high_ * kSlack) continue;
    const double mantissa = c / std::pow(10, std::floor(std::log10(c) + 1e-9));
    if (decades > 3 && mantissa > 1.5) continue;  // powers of ten are enough
    scale.ticks_.push_back(c);
  }
  return scale;
}

double Scale::At(double value) const {
  const double share = log_ ? std::log(std::max(value, 1e-300) / low_) / std::log(high_ / low_)
                            : (value - low_) / (high_ - low_);
  return from_ + share * (to_ - from_);
}

std::string TickText(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (magnitude >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (magnitude >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", std::abs(value) < 1e-12 ? 0.0 : value);
}

std::string ValueText(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 1000 && magnitude < 1e7) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4g}", value);
}

}  // namespace nibble::report_html
