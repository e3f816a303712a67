// Charts say what the run holds: lengths of bars against figures, through the axis that is drawn.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "sw/report_html/chart.h"
#include "sw/report_html/page.h"
#include "sw/report_html/run_charts.h"
#include "tests/report_html/browser.h"
#include "tests/report_html/sample.h"

namespace nibble::report_html_test {
namespace {

using namespace report_html;  // NOLINT: the folder under test

std::vector<std::string> Pieces(const std::string& text, const std::string& begin,
                                const std::string& end) {
  std::vector<std::string> pieces;
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    pieces.push_back(text.substr(at, text.find(end, at) - at));
  }
  return pieces;
}

// px of a unit of the axis below, from its ticks' positions.
double PxPerUnit(const std::string& svg) {
  const std::string axis = Between(svg, "<g class=\"axis x\"", "</g>");
  const auto lines = Pieces(axis, "<line class=\"grid\"", "/>");
  REQUIRE(lines.size() >= 2);
  const double px = Number(lines.back(), "x1=\"") - Number(lines.front(), "x1=\"");
  return px / (Number(axis, "data-high=\"") - Number(axis, "data-low=\""));
}

double SumOfWidths(const std::string& bar) {
  double sum = 0;
  for (const std::string& rect : Pieces(bar, "<rect", ">")) sum += Number(rect, "width=\"");
  return sum;
}

TEST_CASE("scales: ticks are round, inside their ends, and equally far apart") {
  for (const double high : {0.0007, 0.99, 1.0, 37.0, 1234.5, 8e6}) {
    const Scale s = Scale::Linear(0, high, 10, 500);
    CAPTURE(high);
    CHECK(s.high() >= high);
    CHECK(s.high() < 2.5 * high);
    CHECK(s.At(s.low()) == Approx(10));
    CHECK(s.At(s.high()) == Approx(500));
    const double step = s.ticks()[1] - s.ticks()[0];
    const double digit = step / std::pow(10, std::floor(std::log10(step) + 1e-9));
    CHECK((digit == Approx(1) || digit == Approx(2) || digit == Approx(5)));
  }
  const Scale flat = Scale::Linear(3, 3, 0, 1);
  CHECK((flat.low() < 3 && flat.high() > 3));
}

TEST_CASE("logarithmic scales map ratios to distances") {
  const Scale s = Scale::Log(3, 4500, 0, 100);
  CHECK(s.low() == Approx(2));
  CHECK(s.high() == Approx(5000));
  CHECK(s.At(40) - s.At(20) == Approx(s.At(400) - s.At(200)));
  for (const double low : {1e-5, 0.3, 1.0, 999.0}) {
    for (const double ratio : {1.0, 1.01, 7.0, 1e5}) {
      const Scale any = Scale::Log(low, low * ratio, 0, 1);
      CAPTURE(low, ratio);
      CHECK(any.low() <= low * (1 + 1e-8));
      CHECK(any.high() >= low * ratio * (1 - 1e-8));
      CHECK(!any.ticks().empty());
    }
  }
}

TEST_CASE("bars of energy are as long as the energy, part by part") {
  const report::RunFile run = SampleRun();
  const std::string svg = EnergyByLayer(run);
  const auto bars = Pieces(svg, "<g class=\"bar\">", "</g>");
  REQUIRE(bars.size() == run.layers.size());
  const double scale = PxPerUnit(svg);
  for (size_t i = 0; i < bars.size(); ++i) {
    CHECK(SumOfWidths(bars[i]) ==
          Approx(run.layers[i].total_energy_pj() * 1e-6 * scale).margin(0.1));
    size_t parts = 0;
    for (const auto& [component, pj] : run.layers[i].energy_pj) parts += pj > 0 ? 1 : 0;
    CHECK(Count(bars[i], "<rect") == parts);
  }
}

TEST_CASE("bars of cycles hold compute, each cause, and the rest; the tick is the layer's time") {
  const report::RunFile run = SampleRun();
  const std::string svg = CyclesByLayer(run);
  const auto bars = Pieces(svg, "<g class=\"bar\">", "</g>");
  REQUIRE(bars.size() == run.layers.size());
  const double scale = PxPerUnit(svg);
  for (size_t i = 0; i < bars.size(); ++i) {
    // busy + stalls is less than the cycles here, and the rest is drawn.
    CHECK(SumOfWidths(bars[i]) == Approx(run.layers[i].cycles * 1e-3 * scale).margin(0.1));
    const std::string first = Between(bars[i], "<rect", ">");
    CHECK(Number(first, "width=\"") ==
          Approx(run.layers[i].busy_cycles * 1e-3 * scale).margin(0.1));
    const std::string mark = Between(bars[i], "<line class=\"mark\"", "/>");
    CHECK(Number(mark, "x1=\"") - Number(first, "x=\"") ==
          Approx(run.layers[i].cycles * 1e-3 * scale).margin(0.15));
  }
}

TEST_CASE("roofline: a dot a layer with MACs, none above its roof") {
  report::RunFile run = SampleRun();
  const std::string svg = Roofline(run);
  CHECK(Count(svg, "<circle") == 2);
  CHECK(Count(svg, "class=\"roof") == 1);
  // 1 MMAC in 2,000 cycles is 500 MAC a cycle of 1,024; 2 MOP / 5 kB are 400 operations a byte.
  CHECK(svg.find("1000 GOP/s at 400 operations per byte") != std::string::npos);
  CHECK(svg.find("2048 GOP/s peak") != std::string::npos);
  run.peaks = {};
  CHECK(Roofline(run).empty());
}

TEST_CASE("traffic: levels are sums over the layers") {
  const std::string svg = TrafficByLevel(SampleRun());
  const auto bars = Pieces(svg, "<g class=\"bar\">", "</g>");
  REQUIRE(bars.size() == 3);  // DRAM, act, out
  const double scale = PxPerUnit(svg);
  CHECK(SumOfWidths(bars[0]) == Approx(3 * 5000 * 1e-6 * scale).margin(0.1));
  CHECK(SumOfWidths(bars[1]) == Approx(3 * 7500 * 1e-6 * scale).margin(0.1));
  CHECK(SumOfWidths(bars[2]) == Approx(3 * 700 * 1e-6 * scale).margin(0.1));
}

TEST_CASE("area: known blocks have bars, unknown ones are named") {
  const std::string svg = AreaByBlock(SampleRun());
  CHECK(Count(svg, "<g class=\"bar\">") == 2);
  CHECK(Between(svg, "Unknown, and not zero", "</p>").find("dma") != std::string::npos);
}

TEST_CASE("a page is one file, without references to others, and names are text") {
  for (const std::string& page : {RunPage(SampleRun()), StudyPage(SampleStudy())}) {
    for (const char* reference : {"http:", "https:", "src=", "href=", "url(", "@import"}) {
      CAPTURE(reference);
      CHECK(Count(page, reference) == 0);
    }
    CHECK(page.find("<!DOCTYPE html>") == 0);
    CHECK(page.find("prefers-color-scheme: dark") != std::string::npos);
    CHECK(page.find("@media print") != std::string::npos);
  }
  CHECK(RunPage(SampleRun()).find("net &amp; &lt;b&gt;") != std::string::npos);
}

TEST_CASE("every class that a chart names has a colour") {
  const std::string page = RunPage(SampleRun());
  for (const char* component :
       {"dram.core", "dram.io", "dram.activate", "dram.near", "dram.broadcast", "dram.background",
        "dram.refresh", "tensor", "bank", "vector", "sram.act", "sram.weight", "sram.acc",
        "sram.out", "sram.leakage", "something new"}) {
    const std::string css = ComponentClass(component);
    CAPTURE(component, css);
    CHECK(page.find("." + css + " { fill: var(--" + css + "); }") != std::string::npos);
    CHECK(Count(page, "--" + css + ": #") == 2);  // light and dark
  }
}

}  // namespace
}  // namespace nibble::report_html_test
