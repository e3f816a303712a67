#include "sw/report_html/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace nibble::report_html {

using Anchor = Svg::Anchor;

void AxisBelow(Svg& svg, const Scale& scale, const Frame& f, const std::string& title) {
  svg.Begin("axis x",
            fmt::format(R"(data-low="{:.9g}" data-high="{:.9g}")", scale.low(), scale.high()));
  for (const double tick : scale.ticks()) {
    const double x = scale.At(tick);
    svg.Line({x, f.top}, {x, f.bottom}, "grid");
    svg.Text({x, f.bottom + 18}, TickText(tick), Anchor::kMiddle, "tick");
  }
  svg.Line({f.left, f.bottom}, {f.right, f.bottom}, "base");
  svg.Text({(f.left + f.right) / 2, f.bottom + 40}, title, Anchor::kMiddle, "title");
  svg.End();
}

void AxisLeft(Svg& svg, const Scale& scale, const Frame& f, const std::string& title) {
  svg.Begin("axis y",
            fmt::format(R"(data-low="{:.9g}" data-high="{:.9g}")", scale.low(), scale.high()));
  for (const double tick : scale.ticks()) {
    const double y = scale.At(tick);
    svg.Line({f.left, y}, {f.right, y}, "grid");
    svg.Text({f.left - 8, y + 4}, TickText(tick), Anchor::kEnd, "tick");
  }
  svg.Line({f.left, f.top}, {f.left, f.bottom}, "base");
  svg.Text({f.left - 54, (f.top + f.bottom) / 2}, title, Anchor::kMiddle, "title", -90);
  svg.End();
}

std::string ComponentClass(const std::string& component) {
  static const std::map<std::string, std::string> kClasses = {
      {"dram.core", "d0"},    {"dram.io", "d1"},        {"dram.activate", "d2"},
      {"dram.near", "d3"},    {"dram.broadcast", "d4"}, {"dram.background", "d5"},
      {"dram.refresh", "d6"}, {"tensor", "t0"},         {"bank", "n0"},
      {"vector", "v0"},       {"sram.act", "s0"},       {"sram.weight", "s1"},
      {"sram.acc", "s2"},     {"sram.out", "s3"},       {"sram.leakage", "s4"}};
  const auto known = kClasses.find(component);
  return known == kClasses.end() ? "rest" : known->second;
}

std::string CauseClass(const std::string& cause) {
  static const std::map<std::string, std::string> kClasses = {
      {"busy", "t0"},   {"load", "c1"}, {"vector", "v0"}, {"sram", "s1"}, {"store", "c4"},
      {"tensor", "c3"}, {"bank", "n0"}, {"fetch", "c6"},  {"queue", "c7"}};
  const auto known = kClasses.find(cause);
  return known == kClasses.end() ? "rest" : known->second;
}

std::string CategoryClass(size_t index) { return "k" + std::to_string(index % kCategories); }

std::string Legend(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string html = "<ul class=\"legend\">";
  for (const auto& [css, name] : entries) {
    html += fmt::format(
        R"(<li><svg viewBox="0 0 12 12"><rect class="{}" width="12" height="12"/></svg>{}</li>)",
        css, Escape(name));
  }
  return html + "</ul>\n";
}

std::string Draw(const BarChart& chart) {
  constexpr double kRow = 17, kBar = 12;
  size_t longest = 4;
  double most = 0;
  for (const Bar& bar : chart.bars) {
    longest = std::max(longest, bar.name.size());
    double sum = 0;
    for (const Bar::Part& part : bar.parts) sum += part.value;
    most = std::max({most, sum, bar.mark});
  }
  Frame f;
  f.left = std::min(240.0, 14 + 6.6 * static_cast<double>(longest));
  f.top = 8;
  f.right = kWidth - 24;
  f.bottom = f.top + kRow * static_cast<double>(chart.bars.size());
  Svg svg(kWidth, f.bottom + 50, chart.id, chart.label);
  const Scale scale = Scale::Linear(0, most, f.left, f.right, 8);
  AxisBelow(svg, scale, f, chart.axis);
  for (size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double y = f.top + kRow * static_cast<double>(i);
    svg.Begin("bar");
    // A bar without parts is a row all the same: its name says that it is nothing.
    svg.Text({f.left - 8, y + kRow / 2 + 4}, bar.name, Anchor::kEnd, "name");
    double sum = 0;
    for (const Bar::Part& part : bar.parts) {
      if (part.value <= 0) continue;
      const double x = scale.At(sum);
      sum += part.value;
      svg.Rect(x, y + (kRow - kBar) / 2, scale.At(sum) - x, kBar, part.css,
               fmt::format("{}\n{}: {} {}{}{}", bar.name, part.name, ValueText(part.value),
                           chart.unit, bar.tip.empty() ? "" : "\n", bar.tip));
    }
    if (bar.mark >= 0) {
      const double x = scale.At(bar.mark);
      svg.Line({x, y + 1}, {x, y + kRow - 1}, "mark");
    }
    svg.End();
  }
  return svg.Finish();
}

}  // namespace nibble::report_html
