// Requests a second through one channel's controller, for each device and kind of stream.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/requests/patterns.h"

namespace {

namespace memory = nibble::memory;
namespace requests = nibble::requests;

void Requests(benchmark::State& state, const std::string& device_name, const std::string& pattern) {
  const memory::DramDevice device = memory::ReadDramDevice(
      nibble::platforms::DataFolder() + "/platforms/dram/" + device_name + ".json");
  const std::vector<memory::MemoryRequest> requests = requests::Pattern(pattern, device);
  const std::string mapping = requests::NamedMapping("M2", device);
  uint64_t cycles = 0;
  for (auto _ : state) {
    memory::Dram dram(device, 1, mapping, 1);
    cycles += memory::RunRequests(dram, requests, pattern == "rand_serial" ? 1 : 0).cycles;
  }
  const double count =
      static_cast<double>(requests.size()) * static_cast<double>(state.iterations());
  state.counters["requests"] = benchmark::Counter(count, benchmark::Counter::kIsRate);
  state.counters["clocks"] =
      benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const char* device :
       {"lpddr5-6400-x16", "lpddr4-3200-x16", "ddr4-3200-x64", "hbm2-2000-pch", "gddr6-16-x16"}) {
    for (const std::string& pattern : requests::PatternNames()) {
      const std::string name = std::string("Requests/") + device + "/" + pattern;
      benchmark::RegisterBenchmark(name.c_str(), Requests, device, pattern)
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
