#include "tests/report_html/sample.h"

#include <fmt/format.h>

namespace nibble::report_html_test {

using report_html::StudyData;

report::RunFile SampleRun() {
  report::RunFile run;
  run.path = "<run>.json";
  run.trace_name = "net & <b>";
  run.platform = "accel";
  run.clock_mhz = 1000;
  run.peaks = {1024, 0, 25.6, 0};
  run.parameters = {{"tensor.lanes", "16", "", true}, {"datapath.block", "32", "", false}};
  run.totals = {{"latency_ns", 1000}, {"energy_pj", 6e6}, {"area_mm2", 0.5}};
  for (int i = 0; i < 3; ++i) {
    report::RunLayer layer;
    layer.name = "layer" + std::to_string(i);
    layer.op = "conv";
    layer.engine = i == 2 ? "vector" : "tensor";
    layer.macs = i == 2 ? 0 : 1e6 * (i + 1);
    layer.cycles = 2000.0 * (i + 1);
    layer.busy_cycles = 1500.0 * (i + 1);
    layer.stall_cycles = {{"load", i == 1 ? 0.0 : 300.0}, {"sram", 100}};
    layer.energy_pj = {
        {"dram.core", 1e6 * (i + 1)}, {"tensor", i == 2 ? 0.0 : 5e5}, {"sram.act", 2e5}};
    layer.dram_read_bytes = 4000;
    layer.dram_write_bytes = 1000;
    layer.compulsory_bytes = 3000;
    layer.sram_read_bytes = {{"act", 5000}, {"out", 0}};
    layer.sram_write_bytes = {{"act", 2500}, {"out", 700}};
    run.layers.push_back(layer);
  }
  run.node_nm = 22;
  run.area = {{"tensor.trees", 0.2, 0.1, 0.4, "a source"},
              {"sram.act", 0.3, 0.2, 0.4, "another"},
              {"dma", std::nullopt, 0, 0, "no figure"}};
  return run;
}

StudyData SampleStudy() {
  StudyData data;
  data.folder = "/tmp/sample";
  data.metrics = {{"latency", "latency", "us", false},
                  {"energy", "energy", "uJ", false},
                  {"area", "area", "mm2", false},
                  {"sqnr", "SQNR", "dB", true},
                  {"bits_per_weight", "bits per weight", "bit", false}};
  data.columns = {{"network", {"one", "two"}, true},
                  {"platform", {"accel", "nearmem"}, true},
                  {"datapath.block", {"8", "16", "32"}, true},
                  {"sram.act.latency", {"1"}, false}};
  data.constants["accel"] = {{"tensor.rows", "16"}};
  for (int n = 0; n < 2; ++n) {
    for (int p = 0; p < 2; ++p) {
      for (int b = 0; b < 3; ++b) {
        const double latency = kNetworks[n] * kPlatforms[p] * kBlocks[b];
        const std::string platform = data.columns[1].values[static_cast<size_t>(p)];
        data.points.push_back({fmt::format("key{}{}{}", n, p, b),
                               fmt::format("sim --set datapath.block={}",
                                           data.columns[2].values[static_cast<size_t>(b)]),
                               {n, p, b, p == 0 ? 0 : -1},
                               {latency, latency * kBlocks[b], 10.0 + b, 20.0 + b, 4.5},
                               platform});
      }
    }
  }
  data.runs[1] = SampleRun();
  return data;
}

StudyData LargeStudy(size_t points) {
  StudyData data = SampleStudy();
  data.points.clear();
  data.runs.clear();
  data.columns = {{"network", {"one"}, true}, {"datapath.block", {"8", "16", "32"}, true}};
  for (size_t i = 0; i < points; ++i) {
    const auto x = static_cast<double>(i);
    data.points.push_back({fmt::format("key{}", i),
                           "sim",
                           {0, static_cast<int>(i % 3)},
                           {100 + x, 20000 - x, 1, 20, 4.5},
                           "accel"});
  }
  return data;
}

}  // namespace nibble::report_html_test
