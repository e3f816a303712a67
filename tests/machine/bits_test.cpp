// Whatever the shapes, tiles and machines, the bits are those of the golden executor.
#include <catch2/catch.hpp>

#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using numerics::Format;
using numerics::ScaleSource;
using platforms::Platform;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

int Words(const sim::Program& program, sim::Opcode opcode) {
  int count = 0;
  for (const sim::Command& c : program.commands) count += c.opcode == opcode;
  return count;
}

TEST_CASE("every stored tensor of random networks on random machines is golden's, bit for bit") {
  uint32_t seed = 1;
  int tiles = 0, layers = 0, bank_runs = 0;
  for (Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (Format weights : {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16}) {
      for (int block : {8, 16, 32, 64, 128}) {
        for (ScaleSource source :
             {ScaleSource::kStatic, ScaleSource::kDynamic, ScaleSource::kNone}) {
          const trace::Network net = RandomNetwork(++seed);
          const std::vector<float> input = RandomInput(net, seed);
          std::optional<golden::Execution> expected;
          for (Platform platform : kPlatforms) {
            Random random(seed);
            platforms::DesignPoint design = RandomDesign(platform, random);
            SetDatapath(design, activations, weights, block, source);
            if (!expected) expected = golden::Run(net, design.datapath, input);
            sim::Program program = LowerFitting(net, design);
            lowering::SetInput(program, net, design, input);
            const platforms::RunOutcome outcome = platforms::Run(design, program);
            CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(activations),
                    numerics::FormatName(weights), block, static_cast<int>(source));
            CHECK(FirstDifference(net, *expected, program, outcome).value_or("equal") == "equal");
            tiles += Words(program, sim::Opcode::kVectorRun);
            bank_runs += Words(program, sim::Opcode::kBankRun);
            layers += static_cast<int>(net.layers.size());
          }
        }
      }
    }
  }
  // The small scratchpads did cut layers, and the banks did compute.
  CHECK(tiles > 2 * layers);
  CHECK(bank_runs > 100);
}

TEST_CASE("every accumulator gives golden's bits on both platforms, and the narrow ones others") {
  using numerics::Accumulation;
  int changed = 0;
  uint64_t overflows = 0;
  for (Accumulation kind :
       {Accumulation::kFp32, Accumulation::kFp32Rz, Accumulation::kExact, Accumulation::kFused,
        Accumulation::kLanes, Accumulation::kFp16, Accumulation::kBf16, Accumulation::kFixed}) {
    for (Format weights : {Format::kNvfp4, Format::kFp8, Format::kFp16}) {
      const uint32_t seed = 70;  // the same network for all, so that their bits can be compared
      const trace::Network net = RandomNetwork(seed);
      const std::vector<float> input = RandomInput(net, seed);
      Random random(seed);
      for (Platform platform : kPlatforms) {
        platforms::DesignPoint design = RandomDesign(platform, random);
        SetDatapath(design, Format::kNvfp4, weights, 16, ScaleSource::kStatic);
        const golden::Execution plain = golden::Run(net, design.datapath, input);
        design.datapath.accumulator.kind = kind;
        design.datapath.accumulator.pre_shift = 12;
        design.datapath.accumulator.fixed_bits = 22;
        const golden::Execution expected = golden::Run(net, design.datapath, input);
        sim::Program program = LowerFitting(net, design);
        lowering::SetInput(program, net, design, input);
        const platforms::RunOutcome outcome = platforms::Run(design, program);
        CAPTURE(platforms::PlatformName(platform), numerics::AccumulatorName(kind),
                numerics::FormatName(weights));
        CHECK(FirstDifference(net, expected, program, outcome).value_or("equal") == "equal");
        const bool same = !FirstDifference(net, plain, program, outcome);
        if (kind == Accumulation::kFp32) CHECK(same);
        if (kind == Accumulation::kBf16 || kind == Accumulation::kFixed) CHECK(!same);
        changed += !same;
        if (outcome.stats.Has("tensor.overflows")) {
          overflows += outcome.stats.Total("tensor.overflows");
        }
        // The adders that are counted are those that the accumulator has.
        CHECK(outcome.stats.Has("tensor.fp16_adds") == (kind == Accumulation::kFp16));
        CHECK(outcome.stats.Has("tensor.bf16_adds") == (kind == Accumulation::kBf16));
      }
    }
  }
  CHECK(changed >= 12);
  CHECK(overflows > 0);  // 22 bits with a unit of 1 do not hold these sums
}

TEST_CASE("a broken datapath does not pass for a good one") {
  for (Platform platform : kPlatforms) {
    NetworkMaker maker(7);
    maker.Convolution(true);
    maker.Pool();
    maker.FullyConnected();
    const trace::Network net = maker.Finish();
    const std::vector<float> input = RandomInput(net, 7);
    const platforms::DesignPoint design = platforms::Resolve(platform, "", {});
    sim::Program program = lowering::Lower(net, design);
    lowering::SetInput(program, net, design, input);
    const golden::Execution expected = golden::Run(net, design.datapath, input);
    platforms::RunOptions options;
    REQUIRE_FALSE(
        FirstDifference(net, expected, program, platforms::Run(design, program, options)));
    options.break_datapath = true;
    const auto difference =
        FirstDifference(net, expected, program, platforms::Run(design, program, options));
    REQUIRE(difference);
    CHECK(difference->find("layer1") != std::string::npos);
    CHECK(difference->find("expected") != std::string::npos);
  }
}

TEST_CASE("the host may put in another image") {
  const trace::Network net = RandomNetwork(99);
  for (ScaleSource source : {ScaleSource::kStatic, ScaleSource::kDynamic}) {
    platforms::DesignPoint design = platforms::Resolve(Platform::kAccel, "", {});
    design.datapath.tensor_scale = source;
    sim::Program program = lowering::Lower(net, design);
    for (uint32_t image = 0; image < 3; ++image) {
      const std::vector<float> input = RandomInput(net, image);
      lowering::SetInput(program, net, design, input);
      CHECK_FALSE(FirstDifference(net, golden::Run(net, design.datapath, input), program,
                                  platforms::Run(design, program)));
    }
  }
}

}  // namespace
}  // namespace nibble::test
