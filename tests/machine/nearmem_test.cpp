// Near-memory runs on the whole machine: what the bank engine counts is what its cost function
// says, layers run where they are better, and a published device takes the published time.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/nearmem/bank_cost.h"
#include "platforms/energy_model.h"
#include "sw/compiler/compiler.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using platforms::Platform;

sim::RunStats RunTiming(const platforms::DesignPoint& design, const sim::Program& program) {
  platforms::RunOptions options;
  options.timing_only = true;
  return platforms::Run(design, program, options).stats;
}

TEST_CASE("batches add up to what the cost function says of a layer's runs") {
  int layers = 0, switched = 0, interleaved = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    platforms::DesignPoint d = RandomDesign(Platform::kNearmem, random);
    RandomDatapath(random, d);
    const trace::Network net = RandomNetwork(seed);
    const sim::Program program = LowerFitting(net, d, {false});
    const sim::RunStats stats = RunTiming(d, program);
    CAPTURE(seed);

    std::vector<nearmem::BankCost> expected(net.layers.size());
    std::vector<uint64_t> runs(net.layers.size());
    sim::Geometry g{};
    for (const sim::Command& word : program.commands) {
      if (word.opcode == sim::Opcode::kBankConfig) g = word.geometry;
      if (word.opcode != sim::Opcode::kBankRun) continue;
      const sim::Convolve& run = word.convolve;
      const nearmem::BankLayout layout(g, d.nearmem, d.dram, d.dram_channels);
      REQUIRE(run.channel % layout.channel_unit() == 0);
      expected[word.layer].Add(
          nearmem::BankCostOf(d.nearmem, d.dram, d.dram_channels, g,
                              uint64_t{run.out_rows} * g.out_width, {run.channel, run.channels}),
          1);
      ++runs[word.layer];
    }
    for (size_t i = 0; i < net.layers.size(); ++i) {
      const nearmem::BankCost& e = expected[i];
      const auto value = [&](const char* key) { return stats.Value(i, key); };
      CHECK(value("bank.slots") == e.slots);
      CHECK(value("dram.near_reads") == e.near_reads);
      CHECK(value("bank.buffer_read_bytes") == e.buffer_read_bytes);
      CHECK(value("bank.buffer_writes") == e.buffer_writes);
      CHECK(value("bank.io_reads") == e.readback_bursts);
      CHECK(value("bank.io_writes") == e.broadcast_bursts);
      CHECK(value("dram.activates") >= e.activates);
      CHECK(value("bank.batches") >= runs[i]);
      CHECK(value("bank.mode_switches") <= value("bank.batches"));
      // Busy for what the batches take, and for mode switches that the host's accesses add.
      const uint64_t switches = runs[i] * nearmem::ModeSwitchClocks(d.nearmem, d.dram);
      const uint64_t period_ps = (1000000 + d.clock_mhz / 2) / d.clock_mhz;
      CHECK(value("bank.busy_cycles") * period_ps >= (e.clocks - switches) * d.dram.tck_ps);
      layers += runs[i] > 0;
      switched += value("bank.mode_switches") > 0;
      interleaved += value("bank.mode_switches") > runs[i];
      if (d.nearmem.mode == nearmem::BankMode::kPerBank) CHECK(value("bank.mode_switches") == 0);
    }
    // Every ACT has its PRE, but for the rows that are open in the end.
    const uint64_t open = stats.Total("dram.activates") - stats.Total("dram.precharges");
    CHECK(open <= uint64_t{d.dram_channels} * d.dram.banks());
  }
  CHECK(layers > 60);
  CHECK(switched > 20);
  CHECK(interleaved > 5);  // the host came between the batches of a run
}

TEST_CASE("a layer's activations may be larger than the broadcast buffer") {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    platforms::DesignPoint d = RandomDesign(Platform::kNearmem, random);
    RandomDatapath(random, d);
    d.nearmem_layers = "fc";
    d.nearmem.buffer_bytes = 256;
    const trace::Network net = compiler::BuildNetwork("gemv:" + std::to_string(random.Int(1, 300)) +
                                                      "x" + std::to_string(random.Int(600, 2000)));
    REQUIRE(LowerFitting(net, d).layers[0].near_memory);
    CAPTURE(seed);
    CHECK(DifferenceFromGolden(net, d, RandomInput(net, seed)) == "equal");
  }
}

TEST_CASE("layers that are placed by estimate are not worse than any fixed choice") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 96);
  for (const char* device : {"lpddr5-6400-x16", "gddr6-16-x16", "hbm2-2000-pch"}) {
    for (const char* cols : {"1", "4"}) {
      const auto run = [&](const std::string& layers, const std::string& aim) {
        const platforms::DesignPoint d = platforms::Resolve(
            Platform::kNearmem, "",
            {std::string("dram.device=") + device, std::string("tensor.cols=") + cols,
             "nearmem.layers=" + layers, "nearmem.auto=" + aim});
        const sim::Program program = lowering::Lower(net, d, {false});
        const sim::RunStats stats = RunTiming(d, program);
        double pj = 0;
        for (const auto& row : platforms::EnergyModel(d).PerLayer(stats)) {
          for (double component : row) pj += component;
        }
        return std::make_pair(static_cast<double>(stats.cycles), pj);
      };
      CAPTURE(device, cols);
      const auto fast = run("auto", "time"), frugal = run("auto", "energy");
      for (const char* layers : {"none", "fc", "pointwise,fc", "pointwise,conv,fc"}) {
        CAPTURE(layers);
        const auto fixed = run(layers, "time");
        CHECK(fast.first <= 1.02 * fixed.first);
        CHECK(frugal.second <= 1.02 * fixed.second);
      }
    }
  }
}

// Public simulator of Samsung's HBM-PIM (SAITPublic/PIMSimulator@b464dde0), 64 pseudo-channels,
// matrix-vector product of 4,096 x 4,096 in FP16: 13,166 cycles of 1 ns near the memory, 36,082 on
// the host, which streams the matrix.
TEST_CASE("the preset of HBM-PIM takes the cycles that its simulator says") {
  const trace::Network net = compiler::BuildNetwork("gemv:4096x4096");
  const auto run = [&](const std::string& layers) {
    const platforms::DesignPoint d =
        platforms::Resolve(Platform::kNearmem, "nearmem-hbm-pim", {"nearmem.layers=" + layers});
    const sim::RunStats stats = RunTiming(d, lowering::Lower(net, d, {false}));
    // A refresh of each channel every 3,900 clocks, also in the middle of the computation.
    const uint64_t due = stats.cycles / d.dram.refi * d.dram_channels;
    CHECK(stats.Total("dram.refreshes") >= due);
    CHECK(stats.Total("dram.refreshes") <= due + d.dram_channels);
    return stats;
  };
  const sim::RunStats near = run("fc"), host = run("none");
  CHECK(static_cast<double>(near.cycles) == Approx(13166).epsilon(0.10));
  CHECK(static_cast<double>(host.cycles) == Approx(36082).epsilon(0.05));
  // Each weight crosses the bank once; only inputs and sums cross the pins.
  CHECK(near.Total("dram.near_reads") * 32 == 4096u * 4096 * 2);
  CHECK(near.Total("bank.slots") == 2048);
  CHECK(near.Total("bank.io_writes") == 64u * 4096 * 2 / 32);
  CHECK(host.Total("dram.read_bytes") >= 4096u * 4096 * 2);
}

}  // namespace
}  // namespace nibble::test
