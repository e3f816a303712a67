#include <fmt/format.h>

#include "sw/report_html/chart.h"
#include "sw/report_html/run_charts.h"

namespace nibble::report_html {

std::string TrafficByLevel(const report::RunFile& run) {
  constexpr double kScale = 1e-6;  // MB
  struct Level {
    std::string name;
    double read = 0, write = 0;
  };
  std::vector<Level> levels = {{"DRAM pins"}};
  double compulsory = 0, near = 0;
  for (const report::RunLayer& layer : run.layers) {
    levels[0].read += layer.dram_read_bytes;
    levels[0].write += layer.dram_write_bytes;
    compulsory += layer.compulsory_bytes;
    near += layer.near_bytes;
  }
  if (near > 0) levels.push_back({"in the DRAM die", near, 0});
  if (!run.layers.empty()) {
    for (const auto& [name, unused] : run.layers[0].sram_read_bytes) {
      Level level{"SRAM " + name};
      for (const report::RunLayer& layer : run.layers) {
        level.read += report::FigureOf(layer.sram_read_bytes, name);
        level.write += report::FigureOf(layer.sram_write_bytes, name);
      }
      levels.push_back(level);
    }
  }
  BarChart chart{"traffic", "Bytes moved at each level of memory", "traffic, MB", "MB", {}};
  for (const Level& level : levels) {
    Bar bar{level.name,
            "",
            {{"d0", "read", level.read * kScale}, {"s1", "written", level.write * kScale}}};
    if (level.name == "DRAM pins") {
      bar.mark = compulsory * kScale;
      bar.tip = fmt::format("unavoidable: {} MB", ValueText(compulsory * kScale));
    }
    chart.bars.push_back(std::move(bar));
  }
  return Legend({{"d0", "read"}, {"s1", "written"}}) + Draw(chart) +
         "<p class=\"note\">The tick on the DRAM bar is what no schedule avoids: weights, inputs "
         "and "
         "outputs of each layer once.</p>\n";
}

}  // namespace nibble::report_html
