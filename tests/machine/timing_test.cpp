// Time: bounds that no machine beats, accounts that close, and runs that repeat.
#include <atomic>
#include <catch2/catch.hpp>

#include "sw/compiler/compiler.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using platforms::Platform;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

platforms::RunOptions TimingOnly() {
  platforms::RunOptions options;
  options.timing_only = true;
  return options;
}

void CheckSame(const sim::RunStats& a, const sim::RunStats& b) {
  REQUIRE(a.counters.size() == b.counters.size());
  for (size_t k = 0; k < a.counters.size(); ++k) {
    const std::string key = a.counters[k].key();
    CAPTURE(key);
    REQUIRE(b.counters[k].key() == key);
    for (size_t i = 0; i < a.values.size(); ++i) REQUIRE(a.values[i][k] == b.values[i][k]);
  }
  CHECK(a.cycles == b.cycles);
  CHECK(a.layer_cycles == b.layer_cycles);
}

TEST_CASE("a run without data counts what a run with data counts, and runs repeat") {
  for (uint32_t seed = 1; seed <= 16; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    for (Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      RandomDatapath(random, design);
      CAPTURE(seed, platforms::PlatformName(platform));
      sim::Program program = LowerFitting(net, design);
      lowering::SetInput(program, net, design, RandomInput(net, seed));
      const platforms::RunOutcome full = platforms::Run(design, program);
      const platforms::RunOutcome again = platforms::Run(design, program);
      CheckSame(full.stats, again.stats);
      CHECK(full.tensors == again.tensors);
      CHECK(full.tensor_scale_decode == again.tensor_scale_decode);

      const platforms::RunOutcome timing = platforms::Run(design, program, TimingOnly());
      CheckSame(full.stats, timing.stats);
      CHECK(timing.tensors.empty());
      const sim::Program bare = lowering::Lower(net, design, {false});
      CHECK(bare.image.empty());
      CheckSame(full.stats, platforms::Run(design, bare, TimingOnly()).stats);
    }
  }
}

// Cycles that an engine accounts for, busy or waiting.
uint64_t Accounted(const sim::RunStats& stats, const std::string& engine) {
  uint64_t cycles = stats.Total(engine + ".busy_cycles") +
                    stats.Total(engine + ".wait_layer_cycles") +
                    stats.Total(engine + ".stall_fetch_cycles");
  for (int peer = 0; peer < sim::kEngines; ++peer) {
    const std::string key =
        engine + ".stall_" + sim::EngineName(static_cast<sim::Engine>(peer)) + "_cycles";
    if (stats.Has(key)) cycles += stats.Total(key);
  }
  return cycles;
}

TEST_CASE("cycles lie between what one part needs alone and all of them in turn") {
  for (uint32_t seed = 1; seed <= 24; ++seed) {
    for (Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint d = RandomDesign(platform, random);
      RandomDatapath(random, d);
      const trace::Network net = RandomNetwork(seed);
      const sim::Program program = LowerFitting(net, d, {false});
      const sim::RunStats stats = platforms::Run(d, program, TimingOnly()).stats;
      CAPTURE(seed, platforms::PlatformName(platform));

      CHECK(stats.cycles * d.tensor.rows * d.tensor.cols * d.tensor.lanes >=
            stats.Total("tensor.macs"));
      // The data bus of each channel, one burst after the other.
      const uint64_t bursts =
          (stats.Total("dram.read_bytes") + stats.Total("dram.write_bytes")) / d.dram.burst_bytes;
      // Those that wait in the write buffers when the machine is done pass later.
      const uint64_t late = d.dram_channels * d.dram_config.write_buffer;
      const uint64_t period_ps = (1000000 + d.clock_mhz / 2) / d.clock_mhz;
      CHECK(stats.cycles * period_ps * d.dram_channels >=
            (bursts - std::min(bursts, late)) * d.dram.burst * d.dram.tck_ps);

      // Each engine's account fits into the run; at any time somebody works.
      uint64_t busy = stats.Total("fetch.busy_cycles");
      for (int e = 0; e < sim::kEngines; ++e) {
        const std::string engine = sim::EngineName(static_cast<sim::Engine>(e));
        if (!stats.Has(engine + ".busy_cycles")) continue;
        CAPTURE(engine);
        CHECK(Accounted(stats, engine) <= stats.cycles);
        CHECK(stats.Total(engine + ".busy_cycles") >= stats.Total(engine + ".commands") / 2);
        busy += stats.Total(engine + ".busy_cycles");
      }
      CHECK(stats.cycles <= busy);
      const uint64_t resident =
          stats.Total("dram.active_standby_ps") + stats.Total("dram.precharge_standby_ps") +
          stats.Total("dram.active_power_down_ps") + stats.Total("dram.precharge_power_down_ps");
      CHECK(resident == stats.cycles * period_ps * d.dram_channels);
      // One refresh each tREFI in each channel; one may be due when the run ends.
      const uint64_t due = stats.cycles * period_ps / (d.dram.refi * d.dram.tck_ps);
      CHECK(stats.Total("dram.refreshes") / d.dram_channels >= due - std::min<uint64_t>(due, 1));
      CHECK(stats.Total("dram.refreshes") / d.dram_channels <= due + 1);
    }
  }
}

TEST_CASE("more hardware never takes longer on MobileNetV2") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 64);
  const auto cycles = [&](Platform platform, const std::vector<std::string>& sets) {
    const platforms::DesignPoint design = platforms::Resolve(platform, "", sets);
    const sim::Program program = lowering::Lower(net, design, {false});
    return platforms::Run(design, program, TimingOnly()).stats.cycles;
  };
  for (Platform platform : kPlatforms) {
    const uint64_t base = cycles(platform, {});
    CHECK(cycles(platform, {"dram.channels=1"}) > base);
    CHECK(cycles(platform, {"dram.channels=4"}) < base);
    CHECK(cycles(platform, {"vector.lanes=1"}) > base);
    CHECK(cycles(platform, {"tensor.cols=16", "tensor.rows=16", "tensor.lanes=32"}) <= base);
    CHECK(cycles(platform, {"tensor.cols=1", "tensor.rows=1"}) > base);
    // Two passes over each tensor are more work than one.
    CHECK(cycles(platform, {"datapath.tensor_scale=dynamic"}) > base);
  }
}

TEST_CASE("progress is reported layer by layer, and a run can be stopped") {
  const trace::Network net = RandomNetwork(3);
  const platforms::DesignPoint design = platforms::Resolve(Platform::kNearmem, "", {});
  const sim::Program program = lowering::Lower(net, design, {false});
  std::vector<std::pair<size_t, size_t>> seen;
  platforms::RunOptions options = TimingOnly();
  options.progress = [&seen](size_t done, size_t all) { seen.emplace_back(done, all); };
  platforms::Run(design, program, options);
  REQUIRE(seen.size() == net.layers.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i] == std::make_pair(i + 1, net.layers.size()));
  }

  std::atomic<bool> stop{true};
  seen.clear();
  options.stop = &stop;
  CHECK_THROWS_AS(platforms::Run(design, program, options), platforms::Interrupted);
  CHECK(seen.size() < net.layers.size());
  stop = false;
  CHECK_NOTHROW(platforms::Run(design, program, options));
}

}  // namespace
}  // namespace nibble::test
