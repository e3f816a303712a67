#include "sw/report_html/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/report_html/chart.h"

namespace nibble::report_html {

namespace {

// Narrower than other charts, for it stands beside a panel. script.js has the same frame.
constexpr double kPlotWidth = 660;
constexpr Frame kFrame{76, 14, kPlotWidth - 20, 430};

// Logarithmic where the values span more than a decade.
Scale ScaleOf(const StudyData& data, const std::vector<size_t>& of, size_t metric, double from,
              double to) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const size_t i : of) {
    const double v = data.points[i].metrics[metric];
    if (std::isnan(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (low > high) return Scale::Linear(0, 1, from, to);
  return low > 0 && high > 10 * low ? Scale::Log(low, high, from, to)
                                    : Scale::Linear(low, high, from, to);
}

std::string AxisTitle(const Metric& m) {
  return fmt::format("{}, {} ({} is better)", m.name, m.unit, m.most ? "more" : "less");
}

// A staircase: what the front leaves to be had.
std::vector<Point> Staircase(const std::vector<Point>& corners) {
  std::vector<Point> path;
  for (const Point& p : corners) {
    if (!path.empty()) path.push_back({p.x, path.back().y});
    path.push_back(p);
  }
  return path;
}

}  // namespace

std::string Draw(const StudyData& data, const Scatter& s) {
  Svg svg(kPlotWidth, 482, s.id, s.label);
  const Scale x = ScaleOf(data, s.of, s.x, kFrame.left, kFrame.right);
  const Scale y = ScaleOf(data, s.of, s.y, kFrame.bottom, kFrame.top);
  svg.Begin("plot");
  AxisBelow(svg, x, kFrame, AxisTitle(data.metrics[s.x]));
  AxisLeft(svg, y, kFrame, AxisTitle(data.metrics[s.y]));
  const std::vector<size_t> front = FrontOf(data, s.of, s.x, s.y);
  const auto at = [&](size_t i) {
    return Point{x.At(data.points[i].metrics[s.x]), y.At(data.points[i].metrics[s.y])};
  };
  std::vector<Point> corners;
  corners.reserve(front.size());
  for (const size_t i : front) corners.push_back(at(i));
  svg.Path(Staircase(corners), "front");
  for (const size_t i : s.of) {
    const StudyPoint& p = data.points[i];
    if (std::isnan(p.metrics[s.x]) || std::isnan(p.metrics[s.y])) continue;
    const int value = p.values[s.colour];
    const bool best = std::find(front.begin(), front.end(), i) != front.end();
    svg.Circle(
        at(i), best ? 6 : 4,
        fmt::format("dot {}{}", value < 0 ? "rest" : CategoryClass(static_cast<size_t>(value)),
                    best ? " best" : ""),
        "", fmt::format("data-i=\"{}\"", i));
  }
  svg.End();
  return svg.Finish();
}

}  // namespace nibble::report_html
