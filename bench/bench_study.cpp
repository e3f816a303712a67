// What a study costs beside its points: points a second of wall time on one core, from the plan to
// rows on disk.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include "platforms/design_point.h"
#include "sw/study/run_points.h"
#include "sw/study/study.h"

namespace {

namespace platforms = nibble::platforms;
namespace study = nibble::study;

double CpuSeconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& t : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    }
  }
  return seconds;
}

// plans/block_size.cfg, every `stride`-th point, one at a time.
void BlockSizePlan(benchmark::State& state, size_t stride) {
  const std::string data = platforms::DataFolder();
  const std::string plan = data + "/plans/block_size.cfg";
  const std::string folder =
      (std::filesystem::temp_directory_path() / "nibble-bench-study").string();
  size_t points = 0;
  double cpu = 0;
  for (auto _ : state) {
    std::filesystem::remove_all(folder);
    const double start = CpuSeconds();
    const auto find = [&](const std::string& trace) { return data + "/traces/" + trace; };
    study::Study study(folder, plan, find, "bench");
    const auto meter = study.MakeMeter();
    std::vector<uint64_t> numbers;
    for (uint64_t n = 0; n < study.space().size(); n += stride) numbers.push_back(n);
    const std::vector<study::StudyPoint> list = study::PointsOf(study, *meter, numbers);
    study.Save(list, false);
    study::RunShard(study, *meter, {0, 1}, {});
    cpu += CpuSeconds() - start;
    points += list.size();
  }
  std::filesystem::remove_all(folder);
  state.counters["points_per_s"] =
      benchmark::Counter(static_cast<double>(points), benchmark::Counter::kIsRate);
  state.counters["points_per_cpu_s"] = static_cast<double>(points) / cpu;
}

BENCHMARK_CAPTURE(BlockSizePlan, timing_only, 7)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
