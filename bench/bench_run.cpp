// CPU time of whole runs of MobileNetV2 at 224 x 224: what a user waits for after the program has
// started, from reading the trace to the last result byte (report excluded).
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "platforms/machine.h"
#include "sw/compiler/compiler.h"
#include "sw/firmware/native/boot_table.h"
#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"

namespace {

using nibble::platforms::Platform;

std::string Trace() { return nibble::platforms::DataFolder() + "/traces/mobilenet_v2.trc"; }

void Run(benchmark::State& state, Platform platform, bool timing_only) {
  const auto design = nibble::platforms::Resolve(platform, "", {});
  nibble::platforms::RunOptions options;
  options.timing_only = timing_only;
  uint64_t cycles = 0;
  for (auto _ : state) {
    const auto net = nibble::trace::Read(Trace(), !timing_only);
    auto program = nibble::lowering::Lower(net, design, {!timing_only});
    if (!timing_only) {
      nibble::lowering::SetInput(program, net, design, nibble::compiler::GeneratedInput(net, 0));
    }
    cycles = nibble::platforms::Run(design, program, options).stats.cycles;
  }
  state.counters["cycles"] = static_cast<double>(cycles);
}

// The simulation alone, which is all that firmware changes: under the built-in host (wait empty),
// or under run.elf on the RISC-V core.
void Simulate(benchmark::State& state, const std::string& wait) {
  const std::string elf = NIBBLE_FIRMWARE_DIR "/run.elf";
  if (!wait.empty() && !std::filesystem::exists(elf)) {
    state.SkipWithError("run.elf is not built: gcc-riscv64-unknown-elf is missing");
    return;
  }
  const auto design = nibble::platforms::Resolve(Platform::kAccel, "", {});
  const auto net = nibble::trace::Read(Trace(), true);
  auto program = nibble::lowering::Lower(net, design);
  nibble::lowering::SetInput(program, net, design, nibble::compiler::GeneratedInput(net, 0));
  nibble::platforms::RunOptions options;
  options.timing_only = true;
  nibble::platforms::CoreFirmware core;
  if (!wait.empty()) {
    nibble::firmware::AddBootTable({{program}}, {1, wait == "poll"}, options);
    core.image = nibble::riscv::ReadElf(elf);
    core.name = elf;
    options.firmware = &core;
  }
  nibble::platforms::RunOutcome outcome;
  for (auto _ : state) outcome = nibble::platforms::Run(design, program, options);
  state.counters["cycles"] = static_cast<double>(outcome.stats.cycles);
  state.counters["register_accesses"] = static_cast<double>(outcome.host.register_accesses);
  if (!outcome.host.core) return;
  for (size_t i = 0; i < outcome.host.core->counters.size(); ++i) {
    const std::string& name = outcome.host.core->counters[i].name;
    if (name != "instructions" && name != "device_accesses") continue;
    state.counters[name] = static_cast<double>(outcome.host.core->values[i]);
  }
}

void Lower(benchmark::State& state, Platform platform) {
  const auto design = nibble::platforms::Resolve(platform, "", {});
  const auto net = nibble::trace::Read(Trace());
  for (auto _ : state) benchmark::DoNotOptimize(nibble::lowering::Lower(net, design));
}

void GoldenFp32(benchmark::State& state) {
  const auto net = nibble::trace::Read(Trace());
  const auto input = nibble::compiler::GeneratedInput(net, 0);
  for (auto _ : state) benchmark::DoNotOptimize(nibble::golden::RunFp32(net, input));
}

BENCHMARK_CAPTURE(Run, accel_bits, Platform::kAccel, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Run, nearmem_bits, Platform::kNearmem, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Run, accel_timing_only, Platform::kAccel, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Run, nearmem_timing_only, Platform::kNearmem, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Simulate, built_in_host, "")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Simulate, core_interrupt, "interrupt")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Simulate, core_poll, "poll")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Lower, accel, Platform::kAccel)->Unit(benchmark::kMillisecond);
BENCHMARK(GoldenFp32)->Unit(benchmark::kMillisecond);

}  // namespace
