// Timelines agree with the counters of the run, which know nothing of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "models/control/register_map.h"
#include "models/sim_core/clock.h"
#include "platforms/host.h"
#include "platforms/machine.h"
#include "sw/lowering/lowering.h"
#include "sw/timeline/recording.h"
#include "sw/trace/file.h"
#include "tests/timeline/vcd_file.h"

namespace nibble::timeline_test {
namespace {

using Json = nlohmann::json;
using platforms::Platform;

struct Recorded {
  platforms::DesignPoint design;
  sim::RunStats stats;
  std::unique_ptr<timeline::Recording> recording;
  timeline::Labels labels;
  uint64_t cycle_ps;

  uint64_t Total(const std::string& counter) const { return stats.Total(counter); }
};

Recorded Record(Platform platform, const std::vector<std::string>& sets = {}) {
  platforms::DesignPoint design = platforms::Resolve(platform, "", sets);
  const trace::Network net =
      trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/mobilenet_v2.trc", false);
  const sim::Program program = lowering::Lower(net, design, {false});
  platforms::RunOptions options;
  options.timing_only = true;
  const platforms::RunOutcome plain = platforms::Run(design, program, options);
  const uint64_t cycle_ps = sim::Clock(design.clock_mhz).period_ps();
  Recorded r{
      design, {}, std::make_unique<timeline::Recording>(design.dram.burst_bytes), {}, cycle_ps};
  options.recorder = r.recording.get();
  r.stats = platforms::Run(design, program, options).stats;
  // Nothing comes back to the machine.
  CHECK(r.stats.values == plain.stats.values);
  CHECK(r.stats.cycles == plain.stats.cycles);
  r.recording->Finish();
  for (const sim::LayerEntry& layer : program.layers) r.labels.layers.push_back(layer.name);
  r.labels.cycle_ps = cycle_ps;
  r.labels.title = "a \"test\"";
  return r;
}

uint64_t Time(const timeline::Track& track, bool wait) {
  uint64_t ps = 0;
  for (const timeline::Span& span : track.spans)
    ps += span.wait == wait ? span.end - span.begin : 0;
  return ps;
}

void CheckOrdered(const timeline::Track& track) {
  uint64_t end = 0;
  for (const timeline::Span& span : track.spans) {
    CAPTURE(track.group, track.name, span.label, span.begin);
    REQUIRE(span.begin >= end);
    REQUIRE(span.end > span.begin);
    end = span.end;
  }
}

uint64_t Stalls(const Recorded& r, const std::string& engine) {
  uint64_t cycles =
      r.Total(engine + ".wait_layer_cycles") + r.Total(engine + ".stall_fetch_cycles");
  for (const char* peer : {"load", "tensor", "bank", "vector", "store"}) {
    const std::string key = engine + ".stall_" + peer + "_cycles";
    // The scratchpads' stall_vector and stall_tensor cycles have components of their own.
    if (r.stats.Has(key)) cycles += r.Total(key);
  }
  return cycles;
}

TEST_CASE(
    "the DRAM's bursts lie in the time of their job, however long the host waited before it") {
  const platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
  const trace::Network net =
      trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/mobilenet_v2.trc", false);
  const sim::Program program = lowering::Lower(net, design, {false});
  timeline::Recording recording(design.dram.burst_bytes);
  platforms::RunOptions options;
  options.timing_only = true;
  options.recorder = &recording;
  options.host = [&](platforms::HostPort& port) {
    const auto run = platforms::RunEach({&program});
    int status = run(port);
    for (int i = 0; i < 50000; ++i) port.Read32(control::kStatus);
    port.Write32(control::kReset, control::kResetRequest);
    while (port.Read32(control::kStatus) != 0) {
    }
    status |= run(port);
    return status;
  };
  CHECK(platforms::Run(design, program, options).host.status == 0);
  recording.Finish();
  const size_t layers = net.layers.size();
  REQUIRE(recording.layers().size() == 2 * layers);
  const uint64_t first_end = recording.layers()[layers - 1].end;
  const uint64_t second_begin = recording.layers()[layers].begin;
  CHECK(second_begin > first_end + 99'000'000);  // 50,000 accesses of 2 cycles at 1 GHz
  uint64_t first = 0, between = 0, second = 0;
  for (const timeline::Track& track : recording.dram()) {
    if (track.name != "data bus") continue;
    for (const timeline::Span& span : track.spans) {
      (span.begin < first_end ? first : span.begin < second_begin ? between : second) += span.count;
    }
  }
  CHECK(first > 10000);
  CHECK(between <= 2 * design.dram_config.write_buffer * design.dram_channels);  // writes
  CHECK(second == Approx(first).epsilon(0.01));
}

TEST_CASE("spans do not overlap, and their sums are the counters", "[recording]") {
  const Platform platform = GENERATE(Platform::kAccel, Platform::kNearmem);
  CAPTURE(platforms::PlatformName(platform));
  // Near the memory banks must work, whatever the estimate says.
  const Recorded r = platform == Platform::kNearmem
                         ? Record(platform, {"nearmem.layers=pointwise,fc"})
                         : Record(platform);
  CHECK(r.recording->engines().size() == (platform == Platform::kNearmem ? 6 : 5));
  for (const timeline::Track& track : r.recording->engines()) {
    CAPTURE(track.name);
    CheckOrdered(track);
    CHECK(Time(track, false) == r.Total(track.name + ".busy_cycles") * r.cycle_ps);
    if (track.name != "fetch") CHECK(Time(track, true) == Stalls(r, track.name) * r.cycle_ps);
  }
  uint64_t bursts = 0, bus_time = 0, all_banks = 0, refreshes = 0;
  std::map<std::string, uint64_t> group_bursts, bus_bursts;
  for (const timeline::Track& track : r.recording->dram()) {
    CheckOrdered(track);
    for (const timeline::Span& span : track.spans) {
      if (track.name == "data bus") {
        bursts += span.count;
        bus_time += span.end - span.begin;
        bus_bursts[track.group] += span.count;
      }
      if (track.name.rfind("bank group", 0) == 0) group_bursts[track.group] += span.count;
      if (track.name == "all banks") all_banks += span.count;
      if (track.name == "refresh") refreshes += span.count;
    }
  }
  CHECK(bursts == r.Total("dram.reads") + r.Total("dram.writes"));
  CHECK(bus_time == bursts * r.design.dram.burst * r.design.dram.tck_ps);
  CHECK(group_bursts == bus_bursts);
  CHECK(bus_bursts.size() == r.design.dram_channels);
  if (platform == Platform::kNearmem) {
    CHECK(all_banks == r.design.dram_channels * r.Total("bank.batches"));
  } else {
    CHECK(refreshes == r.Total("dram.refreshes"));
  }
  CHECK(r.recording->layers().back().end == r.stats.cycles * r.cycle_ps);
}

TEST_CASE("trace events are JSON, with the spans of the recording", "[events]") {
  const Recorded r = Record(Platform::kAccel);
  const Json json = Json::parse(timeline::ToTraceEvents(*r.recording, r.labels));
  CHECK(json["otherData"]["title"] == r.labels.title);
  std::map<std::pair<int, int>, std::string> threads;
  std::map<int, std::string> processes;
  std::map<std::string, size_t> spans;
  std::map<std::string, double> busy_us, last_end;
  double dram_gb = 0;
  size_t markers = 0;
  for (const Json& e : json["traceEvents"]) {
    const std::string phase = e["ph"];
    if (phase == "M") {
      const std::string what = e["name"];
      if (what == "thread_name") threads[{e["pid"], e["tid"]}] = e["args"]["name"];
      if (what == "process_name") processes[e["pid"]] = e["args"]["name"];
    } else if (phase == "X") {
      const std::string name = processes[e["pid"].get<int>()] + "/" + threads[{e["pid"], e["tid"]}];
      ++spans[name];
      const double begin = e["ts"], duration = e["dur"];
      REQUIRE(begin >= last_end[name] - 1e-6);
      last_end[name] = begin + duration;
      if (e["cat"] == "busy") busy_us[name] += duration;
    } else if (phase == "i") {
      ++markers;
    } else if (phase == "C" && e["name"] == "DRAM bandwidth") {
      dram_gb += e["args"]["GB/s"].get<double>() * 1e-6;  // a sample stands for a microsecond
    }
  }
  CHECK(markers == r.stats.layer_cycles.size());
  size_t tracks = 1;  // layers
  for (const auto& list : {r.recording->engines(), r.recording->dram()}) {
    for (const timeline::Track& track : list) {
      CAPTURE(track.group, track.name);
      CHECK(spans[track.group + "/" + track.name] == track.spans.size());
      tracks += track.spans.empty() ? 0 : 1;
    }
  }
  CHECK(spans.size() == tracks);
  for (const char* engine : {"load", "tensor", "vector", "store"}) {
    const double cycles = static_cast<double>(r.Total(std::string(engine) + ".busy_cycles"));
    CHECK(busy_us[std::string("engines/") + engine] == Approx(cycles * 1e-6 * r.cycle_ps));
  }
  const auto bytes = static_cast<double>(r.Total("dram.read_bytes") + r.Total("dram.write_bytes"));
  CHECK(dram_gb * 1e9 == Approx(bytes).epsilon(1e-3));
}

TEST_CASE("waveforms are a value change dump, and its changes are the spans", "[vcd]") {
  const Platform platform = GENERATE(Platform::kAccel, Platform::kNearmem);
  const Recorded r = Record(platform);
  const auto signals = ReadVcd(timeline::ToVcd(*r.recording, r.labels));
  for (const timeline::Track& track : r.recording->engines()) {
    CAPTURE(track.name);
    const Signal& busy = signals.at(track.name + ".busy");
    const Signal& stall = signals.at(track.name + ".stall");
    CHECK(busy.TimeAt(1) == Time(track, false));
    CHECK(stall.TimeAt(1) == Time(track, true));
    // Every edge is the edge of a span.
    std::vector<uint64_t> edges{0};
    for (const timeline::Span& span : track.spans) {
      if (span.wait) continue;
      edges.push_back(span.begin);
      edges.push_back(span.end);
    }
    std::sort(edges.begin(), edges.end());
    for (const auto& [time, value] : busy.changes) {
      REQUIRE(std::binary_search(edges.begin(), edges.end(), time));
    }
  }
  const Signal& layers = signals.at("machine.layers_done");
  CHECK(layers.changes.back().second == r.stats.layer_cycles.size());
  CHECK(layers.changes.back().first == r.stats.cycles * r.cycle_ps);
  // The host is told when the job has ended.
  const Signal& interrupt = signals.at("machine.interrupt");
  REQUIRE(interrupt.changes.size() == 2);
  CHECK(interrupt.changes[1].first >= r.stats.cycles * r.cycle_ps);
  CHECK(interrupt.changes[1].second == 1);
  for (const char* engine : {"load", "tensor", "vector", "store"}) {
    // Every word that went into a queue came out.
    CHECK(signals.at(std::string("queues.") + engine).changes.back().second == 0);
  }
  for (uint32_t c = 0; c < r.design.dram_channels; ++c) {
    const std::string scope = "dram_channel_" + std::to_string(c);
    for (const timeline::Track& track : r.recording->dram()) {
      if (track.name != "data bus" || track.group != "DRAM channel " + std::to_string(c)) continue;
      CHECK(signals.at(scope + ".busy").TimeAt(1) == Time(track, false));
    }
  }
}

}  // namespace
}  // namespace nibble::timeline_test
