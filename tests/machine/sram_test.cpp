// Scratchpads and bus as parts of a machine: bits that do not hold, and time that others take.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/numerics/parallel.h"
#include "sw/compiler/compiler.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using platforms::Platform;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

std::vector<memory::SramConfig*> Srams(platforms::DesignPoint& d) {
  return {&d.sram_act, &d.sram_weight, &d.sram_acc, &d.sram_out};
}

struct Run {
  trace::Network net;
  platforms::DesignPoint design;
  sim::Program program;
  golden::Execution expected;

  Run(uint32_t seed, Platform platform) : net(RandomNetwork(seed)) {
    Random random(seed);
    design = RandomDesign(platform, random);
    RandomDatapath(random, design);
    const std::vector<float> input = RandomInput(net, seed);
    expected = golden::Run(net, design.datapath, input);
    program = LowerFitting(net, design);
    lowering::SetInput(program, net, design, input);
  }
  platforms::RunOutcome Go(bool timing_only = false, uint64_t number = 0) const {
    platforms::RunOptions options;
    options.timing_only = timing_only;
    options.run = number;
    return platforms::Run(design, program, options);
  }
  std::string Difference(const platforms::RunOutcome& outcome) const {
    return FirstDifference(net, expected, program, outcome).value_or("equal");
  }
};

uint64_t Sum(const sim::RunStats& stats, const std::string& name) {
  uint64_t total = 0;
  for (const char* sram : {"act", "weight", "acc", "out"}) {
    const std::string key = std::string("sram.") + sram + "." + name;
    if (stats.Has(key)) total += stats.Total(key);
  }
  return total;
}

TEST_CASE("bits that do not hold: counted without data, the same on any timing and threads") {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    for (Platform platform : kPlatforms) {
      Run run(seed, platform);
      for (const memory::FaultModel model :
           {memory::FaultModel::kCells, memory::FaultModel::kUpsets}) {
        CAPTURE(seed, platforms::PlatformName(platform), static_cast<int>(model));
        for (memory::SramConfig* sram : Srams(run.design)) {
          sram->error_rate = 1e-3;
          sram->fault_model = model;
          sram->ecc = memory::Ecc::kNone;  // which would mend most of it
        }
        const platforms::RunOutcome outcome = run.Go();
        CHECK(Sum(outcome.stats, "fault_bits") > 0);
        CHECK(run.Difference(outcome) != "equal");

        const sim::RunStats timing = run.Go(true).stats;
        CHECK(timing.values == outcome.stats.values);
        numerics::SetThreads(3);
        CHECK(run.Go().tensors == outcome.tensors);
        numerics::SetThreads(1);
        const bool same = run.Go(false, 1).tensors == outcome.tensors;
        CHECK(same == (model == memory::FaultModel::kCells));

        Run slower = run;  // the same words at other times
        slower.design.bus.width = 8;
        slower.design.bus.mhz = 100;
        slower.design.vector.lanes = 1;
        const platforms::RunOutcome later = slower.Go();
        CHECK(later.stats.cycles > outcome.stats.cycles);
        CHECK(later.tensors == outcome.tensors);
      }
    }
  }
}

TEST_CASE("what error correction has made right is right") {
  int corrected = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    for (Platform platform : kPlatforms) {
      Run run(seed, platform);
      for (memory::SramConfig* sram : Srams(run.design)) {
        sram->error_rate = 2e-5;
        sram->ecc = memory::Ecc::kAll;
        sram->seed = seed;
      }
      const platforms::RunOutcome outcome = run.Go();
      CAPTURE(seed, platforms::PlatformName(platform));
      CHECK(Sum(outcome.stats, "silent_words") == 0);
      if (Sum(outcome.stats, "detected_words") > 0) continue;
      CHECK(run.Difference(outcome) == "equal");
      corrected += Sum(outcome.stats, "corrected_words") > 0;
    }
  }
  CHECK(corrected >= 20);
}

TEST_CASE("selective correction leaves no wrong word that holds scales") {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    Run run(seed, Platform::kAccel);
    const auto silent = [&run](memory::Ecc ecc) {
      for (memory::SramConfig* sram : Srams(run.design)) sram->ecc = ecc;
      for (memory::SramConfig* sram : {&run.design.sram_weight, &run.design.sram_out}) {
        sram->error_rate = 1e-4;
      }
      const sim::RunStats stats = run.Go(true).stats;
      CHECK(Sum(stats, "check_read_bits") <= 8 * (Sum(stats, "read_bytes") / 8 + 1) * 8);
      return std::make_pair(Sum(stats, "silent_words"), Sum(stats, "check_write_bits"));
    };
    const auto none = silent(memory::Ecc::kNone), scales = silent(memory::Ecc::kScales),
               all = silent(memory::Ecc::kAll);
    CAPTURE(seed);
    CHECK(none.first >= scales.first);
    CHECK(scales.first >= all.first);
    CHECK(none.second == 0);
    CHECK(scales.second > 0);
    CHECK(scales.second < all.second);
  }
}

TEST_CASE("a bus moves no more than it is wide, and a wide one is not in the way") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 64);
  for (Platform platform : kPlatforms) {
    const auto stats = [&](const std::vector<std::string>& sets) {
      const platforms::DesignPoint design = platforms::Resolve(platform, "", sets);
      const sim::Program program = lowering::Lower(net, design, {false});
      platforms::RunOptions options;
      options.timing_only = true;
      return platforms::Run(design, program, options).stats;
    };
    const auto total = [](const sim::RunStats& s, const std::string& name) {
      uint64_t sum = 0;
      for (const char* master : {"fetch", "load", "store"}) {
        sum += s.Total(std::string("bus.") + master + "." + name);
      }
      return sum;
    };
    uint64_t last = 0;
    for (const uint32_t width : {256u, 64u, 16u, 8u}) {
      const sim::RunStats s = stats({"bus.width=" + std::to_string(width)});
      const uint64_t bytes = total(s, "read_bytes") + total(s, "write_bytes");
      CHECK(s.cycles * width >= bytes);
      CHECK(total(s, "transfer_cycles") * width >= bytes);
      CHECK(total(s, "transfer_cycles") <= s.cycles);
      CHECK(s.cycles + s.cycles / 1000 >= last);
      last = s.cycles;
    }
    const sim::RunStats slow = stats({"bus.width=16", "bus.mhz=500"});
    CHECK(slow.cycles * 8 >= total(slow, "read_bytes") + total(slow, "write_bytes"));
    CHECK(total(slow, "late_cycles") > 0);
    // As fast as a bus half as wide at twice the clock, but for the beginnings of its cycles.
    CHECK(static_cast<double>(slow.cycles) == Approx(last).epsilon(0.02));
  }
}

TEST_CASE("ports and latency cost time, conflicts are named") {
  const trace::Network net = compiler::BuildNetwork("mobilenet_v2", 64);
  const auto stats = [&](const std::vector<std::string>& sets) {
    const platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", sets);
    const sim::Program program = lowering::Lower(net, design, {false});
    platforms::RunOptions options;
    options.timing_only = true;
    return platforms::Run(design, program, options).stats;
  };
  // Weight-stationary: accumulators are read and written all the time.
  const sim::RunStats one = stats({"tensor.dataflow=ws"});
  const sim::RunStats two = stats({"tensor.dataflow=ws", "sram.acc.ports=2"});
  CHECK(two.cycles < one.cycles);
  CHECK(two.Total("tensor.stall_sram_cycles") < one.Total("tensor.stall_sram_cycles"));
  CHECK(one.Total("sram.acc.stall_tensor_cycles") > 0);
  CHECK(one.Total("sram.acc.stall_tensor_cycles") <= one.Total("tensor.stall_sram_cycles"));

  const sim::RunStats quick = stats({}), late = stats({"sram.act.latency=21"});
  uint64_t runs = 0;
  CHECK(late.cycles > quick.cycles);
  // Twenty cycles for each run of the tensor unit, and nothing else but conflicts.
  const platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
  for (const sim::Command& c : lowering::Lower(net, design, {false}).commands) {
    runs += c.opcode == sim::Opcode::kTensorRun;
  }
  const auto alone = [](const sim::RunStats& s) {
    return s.Total("tensor.busy_cycles") - s.Total("sram.act.stall_tensor_cycles") -
           s.Total("sram.weight.stall_tensor_cycles") - s.Total("sram.acc.stall_tensor_cycles");
  };
  CHECK(alone(late) - alone(quick) == 20 * runs);

  // Few banks in line: pixels that lie a power of two apart collide.
  const std::vector<std::string> few = {"sram.act.banks=2", "sram.act.interleave=linear"};
  const sim::RunStats linear = stats(few);
  CHECK(linear.Total("sram.act.bank_conflict_cycles") >
        stats({"sram.act.banks=2"}).Total("sram.act.bank_conflict_cycles"));
  CHECK(linear.Total("sram.act.reads") == quick.Total("sram.act.reads"));
}

}  // namespace
}  // namespace nibble::test
