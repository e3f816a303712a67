#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/report_html/chart.h"
#include "sw/report_html/run_charts.h"

namespace nibble::report_html {

namespace {

// Two operations a MAC; cycles at `mhz`.
double Gops(double macs_per_cycle, double mhz) { return 2 * macs_per_cycle * mhz * 1e-3; }

struct Dot {
  const report::RunLayer* layer;
  bool bank;
  double intensity, gops;  // operations a byte, 10^9 operations a second
};

std::vector<Dot> DotsOf(const report::RunFile& run) {
  std::vector<Dot> dots;
  for (const report::RunLayer& layer : run.layers) {
    const bool bank = layer.engine == "bank";
    const double bytes = bank ? layer.near_bytes : layer.dram_read_bytes + layer.dram_write_bytes;
    // Engines run ahead: a layer that took less time than its engine worked on it ran at the
    // engine's pace.
    const double cycles = std::max(layer.cycles, layer.busy_cycles);
    if (layer.macs == 0 || bytes == 0 || cycles == 0) continue;
    dots.push_back(
        {&layer, bank, 2 * layer.macs / bytes, Gops(layer.macs / cycles, run.clock_mhz)});
  }
  return dots;
}

}  // namespace

std::string Roofline(const report::RunFile& run) {
  const std::vector<Dot> dots = DotsOf(run);
  if (run.peaks.tensor_macs == 0 || dots.empty()) return "";
  const double mhz = run.clock_mhz;
  struct Roof {
    std::string name, memory;
    double gops, gbytes;  // a second
    const char* css;
  };
  std::vector<Roof> roofs = {{"tensor unit", "DRAM pins", Gops(run.peaks.tensor_macs, mhz),
                              run.peaks.dram_bytes * mhz * 1e-3, "k0"}};
  const bool banks = run.peaks.bank_macs > 0;
  if (banks) {
    roofs.push_back({"bank units", "in the DRAM die", Gops(run.peaks.bank_macs, mhz),
                     run.peaks.near_bytes * mhz * 1e-3, "k1"});
  }
  double low_x = HUGE_VAL, high_x = 0, low_y = HUGE_VAL, high_y = 0;
  for (const Dot& d : dots) {
    low_x = std::min(low_x, d.intensity);
    high_x = std::max(high_x, d.intensity);
    low_y = std::min(low_y, d.gops);
  }
  for (const Roof& r : roofs) {
    high_y = std::max(high_y, r.gops);
    low_x = std::min(low_x, r.gops / r.gbytes);
    high_x = std::max(high_x, r.gops / r.gbytes);
  }
  const Frame f{76, 30, kWidth - 24, 430};
  const Scale x = Scale::Log(low_x / 1.5, high_x * 1.5, f.left, f.right);
  const Scale y = Scale::Log(low_y / 1.5, high_y * 1.2, f.bottom, f.top);
  Svg svg(kWidth, 480, "roofline", "Roofline of compute against memory bandwidth");
  AxisBelow(svg, x, f, "operations per byte moved (log)");
  AxisLeft(svg, y, f, "10⁹ operations / s (log)");
  for (size_t i = 0; i < roofs.size(); ++i) {
    const Roof& r = roofs[i];
    const double knee = r.gops / r.gbytes;
    const double start = std::max(x.low(), y.low() / r.gbytes);
    svg.Path({{x.At(start), y.At(start * r.gbytes)},
              {x.At(knee), y.At(r.gops)},
              {x.At(x.high()), y.At(r.gops)}},
             std::string("roof ") + r.css);
    svg.Text({f.right - 4, y.At(r.gops) - 6},
             fmt::format("{}: {} GOP/s peak", r.name, ValueText(r.gops)), Svg::Anchor::kEnd,
             "name");
    // Along the slope, just above it.
    const double middle = std::sqrt(start * knee);
    const double angle =
        -std::atan2(y.At(start * r.gbytes) - y.At(r.gops), x.At(knee) - x.At(start)) * 180 / M_PI;
    svg.Text({x.At(middle) - 4, y.At(middle * r.gbytes) - 8},
             fmt::format("{}: {} GB/s", r.memory, ValueText(r.gbytes)), Svg::Anchor::kMiddle,
             "name", angle);
  }
  for (const Dot& d : dots) {
    svg.Circle(
        {x.At(d.intensity), y.At(d.gops)}, 5, std::string("dot ") + (d.bank ? "k1" : "k0"),
        fmt::format("{} ({}, {})\n{} GOP/s at {} operations per byte", d.layer->name, d.layer->op,
                    d.layer->engine, ValueText(d.gops), ValueText(d.intensity)));
  }
  std::string legend;
  if (banks)
    legend = Legend({{"k0", "layers on the tensor unit, bytes over the DRAM pins"},
                     {"k1", "layers in the banks, bytes read in the die"}});
  return legend + svg.Finish();
}

}  // namespace nibble::report_html
