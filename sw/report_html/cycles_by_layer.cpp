#include <fmt/format.h>

#include <algorithm>

#include "sw/report_html/chart.h"
#include "sw/report_html/run_charts.h"

namespace nibble::report_html {

std::string CyclesByLayer(const report::RunFile& run) {
  constexpr double kScale = 1e-3;  // to thousands
  BarChart chart{"cycles-by-layer",
                 "Cycles of each layer: compute and stalls by cause",
                 "thousand cycles",
                 "thousand cycles",
                 {}};
  std::vector<std::pair<std::string, std::string>> legend = {{"t0", "compute"}};
  std::vector<std::string> seen;
  for (const report::RunLayer& layer : run.layers) {
    Bar bar{layer.name,
            fmt::format("{} on {}: {} cycles from the end of the layer before", layer.op,
                        layer.engine, ValueText(layer.cycles)),
            {{"t0", "compute (" + layer.engine + ")", layer.busy_cycles * kScale}},
            layer.cycles * kScale};
    double rest = layer.cycles - layer.busy_cycles;
    for (const auto& [cause, cycles] : layer.stall_cycles) {
      bar.parts.push_back({CauseClass(cause), "waiting: " + cause, cycles * kScale});
      rest -= cycles;
      if (cycles > 0 && std::find(seen.begin(), seen.end(), cause) == seen.end()) {
        seen.push_back(cause);
        legend.emplace_back(CauseClass(cause), "waiting: " + cause);
      }
    }
    bar.parts.push_back({"rest", "other engines at work, this one done", rest * kScale});
    chart.bars.push_back(std::move(bar));
  }
  legend.emplace_back("rest", "other engines at work");
  return Legend(legend) + Draw(chart) +
         "<p class=\"note\">The tick on a bar is the layer's own time, from the end of the layer "
         "before. A bar that goes on beyond it began while that layer still ran.</p>\n";
}

}  // namespace nibble::report_html
