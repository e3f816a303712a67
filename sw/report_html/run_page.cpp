#include <fmt/format.h>

#include "sw/report/table.h"
#include "sw/report_html/page.h"
#include "sw/report_html/run_charts.h"
#include "sw/report_html/svg.h"

namespace nibble::report_html {

namespace {

std::string DesignTable(const report::RunFile& run) {
  std::string html = "<details><summary>Full design point</summary><div class=\"design\"><table>\n";
  for (const report::RunParameter& p : run.parameters) {
    html += fmt::format("<tr><td>{}</td><td>{}{}{}</td></tr>\n", Escape(p.name),
                        p.is_default ? "" : "<b>", Escape(p.value), p.is_default ? "" : "</b>");
  }
  return html + "</table></div><p class=\"note\">Bold: not the default.</p></details>\n";
}

}  // namespace

std::string RunPage(const report::RunFile& run) {
  Page page;
  page.kind = "run";
  page.title = run.trace_name + " on " + run.platform;
  page.subtitle =
      fmt::format("{}. {}.{} Nibble {}, trace {}, from {}", run.design, run.datapath,
                  run.timing_only ? " Timing only." : "", run.version, run.trace_hash, run.path);
  const auto fact = [&](const char* key, double scale, const char* unit, const char* name) {
    for (const auto& [k, value] : run.totals) {
      if (k == key) page.facts.emplace_back(report::WithUnit(value * scale, unit), name);
    }
  };
  fact("latency_ns", 1e-9, "s", "latency");
  fact("energy_pj", 1e-12, "J", "energy per inference");
  fact("dram_read_bytes", 1, "B", "DRAM read");
  fact("dram_write_bytes", 1, "B", "DRAM written");
  for (const auto& [k, value] : run.totals) {
    if (k == "tops_per_w") {
      page.facts.emplace_back(report::Significant(value) + " TOPS/W", "efficiency");
    }
    if (k == "area_mm2") {
      page.facts.emplace_back(report::Significant(value) + " mm²", "area, known blocks");
    }
  }
  fact("quality.sqnr_db", 1, "dB", "SQNR against FP32");
  page.body =
      Section("Energy by layer",
              "Shades of one hue belong together: DRAM blue, scratchpads orange.",
              EnergyByLayer(run)) +
      Section("Cycles by layer", "Of the engine that computes the layer.", CyclesByLayer(run)) +
      Section("Roofline",
              "Each dot is a layer. On the slope memory limits it, under the flat roof the "
              "multipliers; the distance to its roof is lost to other causes.",
              Roofline(run)) +
      Section("Traffic by level", "", TrafficByLevel(run)) + Section("Area", "", AreaByBlock(run)) +
      Section("Design point", "", DesignTable(run));
  return Html(page);
}

}  // namespace nibble::report_html
