#include "sw/report_html/tornado.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sw/report_html/chart.h"

namespace nibble::report_html {

namespace {

// Logarithms: sums of them are means of ratios.
struct Group {
  std::vector<std::pair<int, double>> logs;  // value, ln(metric)
};

Sensitivity SensitivityOf(const StudyData& data, size_t metric, size_t column) {
  std::map<std::vector<int>, Group> groups;
  for (const StudyPoint& p : data.points) {
    const double v = p.metrics[metric];
    if (p.values[column] < 0 || !(v > 0)) continue;
    std::vector<int> others;
    for (size_t c = 0; c < data.columns.size(); ++c) {
      if (c != column && data.columns[c].planned) others.push_back(p.values[c]);
    }
    groups[others].logs.emplace_back(p.values[column], std::log(v));
  }
  Sensitivity s{data.columns[column].key, {}, 0};
  std::map<int, std::pair<double, size_t>> sums;  // by value: sum of ln ratios, how many
  for (const auto& [others, group] : groups) {
    if (group.logs.size() < 2) continue;
    ++s.groups;
    double mean = 0;
    for (const auto& [value, log] : group.logs) mean += log;
    mean /= static_cast<double>(group.logs.size());
    for (const auto& [value, log] : group.logs) {
      sums[value].first += log - mean;
      ++sums[value].second;
    }
  }
  for (const auto& [value, sum] : sums) {
    s.ratios.emplace_back(data.columns[column].values[static_cast<size_t>(value)],
                          std::exp(sum.first / static_cast<double>(sum.second)));
  }
  std::stable_sort(s.ratios.begin(), s.ratios.end(),
                   [](const auto& a, const auto& b) { return a.second < b.second; });
  return s;
}

}  // namespace

std::vector<Sensitivity> SensitivitiesOf(const StudyData& data, size_t metric) {
  std::vector<Sensitivity> all;
  for (size_t c = 1; c < data.columns.size(); ++c) {
    if (!data.columns[c].planned) continue;
    Sensitivity s = SensitivityOf(data, metric, c);
    if (s.groups > 0) all.push_back(std::move(s));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Sensitivity& a, const Sensitivity& b) { return a.span() > b.span(); });
  return all;
}

std::string Tornado(const StudyData& data, size_t metric) {
  const std::vector<Sensitivity> all = SensitivitiesOf(data, metric);
  if (all.empty()) return "";
  constexpr double kRow = 40;
  double low = 0, high = 0;
  size_t longest = 0;
  for (const Sensitivity& s : all) {
    low = std::min(low, 100 * (s.ratios.front().second - 1));
    high = std::max(high, 100 * (s.ratios.back().second - 1));
    longest = std::max(longest, s.key.size());
  }
  const Metric& m = data.metrics[metric];
  const Frame f{std::min(260.0, 20 + 7.2 * static_cast<double>(longest)), 8, kWidth - 24,
                8 + kRow * static_cast<double>(all.size())};
  Svg svg(kWidth, f.bottom + 50, "tornado-" + m.id, "Sensitivity of " + m.name);
  const Scale x = Scale::Linear(low, high, f.left + 20, f.right - 20, 8);
  AxisBelow(svg, x, f, fmt::format("{} against the mean of points alike otherwise, %", m.name));
  svg.Line({x.At(0), f.top}, {x.At(0), f.bottom}, "mark");
  for (size_t i = 0; i < all.size(); ++i) {
    const Sensitivity& s = all[i];
    const double y = f.top + kRow * static_cast<double>(i);
    svg.Begin("bar");
    svg.Text({f.left - 8, y + 19}, s.key, Svg::Anchor::kEnd, "name");
    const double from = x.At(100 * (s.ratios.front().second - 1));
    const double to = x.At(100 * (s.ratios.back().second - 1));
    const double zero = std::clamp(x.At(0), from, to);
    const std::string tip = fmt::format("{}: {} groups of points", s.key, s.groups);
    svg.Rect(from, y + 8, zero - from, 14, m.most ? "k1" : "k2", tip);
    svg.Rect(zero, y + 8, to - zero, 14, m.most ? "k2" : "k1", tip);
    double free_from = f.left;  // labels that would lie on others are left to the tip
    for (const auto& [value, ratio] : s.ratios) {
      const double at = x.At(100 * (ratio - 1)), half = 3.4 * static_cast<double>(value.size());
      svg.Circle({at, y + 15}, 3.5, "value",
                 fmt::format("{} = {}: {:+.1f} %", s.key, value, 100 * (ratio - 1)));
      if (at - half < free_from) continue;
      free_from = at + half + 6;
      svg.Text({at, y + 34}, value, Svg::Anchor::kMiddle, "tick");
    }
    svg.End();
  }
  return svg.Finish();
}

}  // namespace nibble::report_html
