#include <fmt/format.h>

#include <algorithm>

#include "sw/report_html/chart.h"
#include "sw/report_html/run_charts.h"

namespace nibble::report_html {

std::string AreaByBlock(const report::RunFile& run) {
  constexpr double kRow = 22;
  std::vector<const report::RunArea*> known;
  std::string unknown;
  double most = 0;
  size_t longest = 0;
  for (const report::RunArea& block : run.area) {
    if (!block.mm2) {
      unknown += (unknown.empty() ? "" : ", ") + block.name;
      continue;
    }
    known.push_back(&block);
    most = std::max(most, block.high_mm2);
    longest = std::max(longest, block.name.size());
  }
  if (known.empty()) return "";
  std::stable_sort(
      known.begin(), known.end(),
      [](const report::RunArea* a, const report::RunArea* b) { return *a->mm2 > *b->mm2; });
  const double left = 14 + 6.8 * static_cast<double>(longest);
  const Frame f{left, 8, kWidth - 24, 8 + kRow * static_cast<double>(known.size())};
  Svg svg(kWidth, f.bottom + 50, "area", "Area of each block with its range");
  const Scale scale = Scale::Linear(0, most, f.left, f.right, 8);
  AxisBelow(svg, scale, f,
            fmt::format("area at {:g} nm, mm² (bar: estimate, line: range)", run.node_nm));
  for (size_t i = 0; i < known.size(); ++i) {
    const report::RunArea& b = *known[i];
    const double y = f.top + kRow * static_cast<double>(i);
    const bool sram = b.name.rfind("sram.", 0) == 0;
    svg.Begin("bar");
    svg.Text({f.left - 8, y + kRow / 2 + 4}, b.name, Svg::Anchor::kEnd, "name");
    svg.Rect(f.left, y + 5, scale.At(*b.mm2) - f.left, kRow - 10, sram ? "s1" : "t0",
             fmt::format("{}: {} mm², {} to {}\n{}", b.name, ValueText(*b.mm2),
                         ValueText(b.low_mm2), ValueText(b.high_mm2), b.source));
    svg.Line({scale.At(b.low_mm2), y + kRow / 2}, {scale.At(b.high_mm2), y + kRow / 2}, "mark");
    for (const double end : {b.low_mm2, b.high_mm2}) {
      svg.Line({scale.At(end), y + 7}, {scale.At(end), y + kRow - 7}, "mark");
    }
    svg.End();
  }
  return svg.Finish() + "<p class=\"note\">Unknown, and not zero: " + Escape(unknown) + ".</p>\n";
}

}  // namespace nibble::report_html
