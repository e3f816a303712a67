#include <fmt/format.h>

#include <algorithm>

#include "sw/report_html/chart.h"
#include "sw/report_html/run_charts.h"

namespace nibble::report_html {

std::string EnergyByLayer(const report::RunFile& run) {
  constexpr double kScale = 1e-6;  // pJ to uJ
  BarChart chart{"energy-by-layer", "Energy of each layer by component", "energy, µJ", "µJ", {}};
  std::vector<std::pair<std::string, std::string>> legend;
  for (const report::RunLayer& layer : run.layers) {
    Bar bar{layer.name,
            fmt::format("whole layer: {} µJ", ValueText(layer.total_energy_pj() * kScale)),
            {}};
    for (const auto& [component, pj] : layer.energy_pj) {
      bar.parts.push_back({ComponentClass(component), component, pj * kScale});
    }
    // Components of a kind side by side: classes are named by kind.
    std::stable_sort(bar.parts.begin(), bar.parts.end(),
                     [](const Bar::Part& a, const Bar::Part& b) { return a.css < b.css; });
    for (const Bar::Part& part : bar.parts) {
      const std::pair<std::string, std::string> entry(part.css, part.name);
      const bool listed = std::find(legend.begin(), legend.end(), entry) != legend.end();
      if (part.value > 0 && !listed) legend.push_back(entry);
    }
    chart.bars.push_back(std::move(bar));
  }
  std::sort(legend.begin(), legend.end());
  return Legend(legend) + Draw(chart);
}

}  // namespace nibble::report_html
