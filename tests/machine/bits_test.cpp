// Whatever the shapes, tiles and machines, the bits are those of the golden executor.
#include <catch2/catch.hpp>
#include <functional>

#include "models/numerics/accumulate.h"
#include "models/numerics/parallel.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"
#include "tests/support/sanitizers.h"

namespace nibble::test {
namespace {

using numerics::Format;
using numerics::ScaleSource;
using numerics::WeightScale;
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

std::vector<Format> OperandFormats() {
  std::vector<Format> formats;
  for (const numerics::FormatSpec& spec : numerics::AllFormats()) {
    if (spec.format != Format::kFp32) formats.push_back(spec.format);
  }
  return formats;
}

// Runs the network on a random machine; what differs from golden, or "equal".
std::string Compare(Platform platform, uint32_t seed, const trace::Network& net,
                    const std::function<void(platforms::DesignPoint&)>& set) {
  Random random(seed);
  platforms::DesignPoint design = RandomDesign(platform, random);
  set(design);
  // Codes of six bits do not lie near the memory (refused by name: tests/lowering).
  if (numerics::ElementBits(design.datapath.weights) == 6) design.nearmem_layers = "none";
  return DifferenceFromGolden(net, design, RandomInput(net, seed));
}

TEST_CASE("every pair of formats gives golden's bits on both platforms") {
  uint32_t seed = 1000;
  for (Format activations : OperandFormats()) {
    for (Format weights : OperandFormats()) {
      const trace::Network net = RandomNetwork(++seed);
      if (test::kSanitized && seed % 4 != 0) continue;
      Random random(seed);
      const int block = random.Block(), weight_block = random.Int(0, 1) ? block : random.Block();
      const auto source = static_cast<ScaleSource>(random.Int(0, 2));
      for (Platform platform : kPlatforms) {
        CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(activations),
                numerics::FormatName(weights), block, weight_block, static_cast<int>(source));
        CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
                SetDatapath(d, activations, weights, block, source);
                d.datapath.weight_block = weight_block;
              }) == "equal");
      }
    }
  }
}

TEST_CASE("every accumulator takes every pair of formats that it does not refuse") {
  using numerics::Accumulation;
  uint32_t seed = 3000;
  int runs = 0, refused = 0;
  Random pick(1);
  const std::vector<Format> formats = OperandFormats();
  for (int trial = 0; trial < Cases(150); ++trial) {
    numerics::AccumulatorSpec spec;
    spec.kind = static_cast<Accumulation>(pick.Int(0, static_cast<int>(Accumulation::kFixed)));
    spec.pre_shift = 10;
    spec.fixed_lsb = -8;
    const Format activations = formats[pick.Int(0, static_cast<int>(formats.size()) - 1)];
    const Format weights = formats[pick.Int(0, static_cast<int>(formats.size()) - 1)];
    try {
      numerics::CheckOperands(spec, activations, weights);
    } catch (const std::invalid_argument&) {
      ++refused;
      continue;
    }
    const trace::Network net = RandomNetwork(++seed);
    const Platform platform = kPlatforms[trial % 2];
    CAPTURE(seed, platforms::PlatformName(platform), numerics::AccumulatorName(spec.kind),
            numerics::FormatName(activations), numerics::FormatName(weights));
    CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
            SetDatapath(d, activations, weights, 16, ScaleSource::kStatic);
            d.datapath.accumulator = spec;
          }) == "equal");
    ++runs;
  }
  CHECK(runs > Cases(60));
  CHECK(refused > Cases(10));
}

TEST_CASE("rounding toward zero and at random gives golden's bits, however layers are cut") {
  using numerics::RoundingMode;
  for (uint32_t seed = 5000; seed < 5030; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    Random random(seed);
    const Format format = Pick(random, {Format::kNvfp4, Format::kMxfp4, Format::kInt8, Format::kFp8,
                                        Format::kFp4, Format::kMxfp6});
    const RoundingMode mode = seed % 3 == 0 ? RoundingMode::kTowardZero : RoundingMode::kStochastic;
    const auto source = seed % 2 == 0 ? ScaleSource::kStatic : ScaleSource::kDynamic;
    for (Platform platform : kPlatforms) {
      CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(format));
      CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
              SetDatapath(d, format, format, 16, source);
              d.datapath.activation_rounding = {mode, seed};
              d.datapath.weight_rounding = {mode, seed + 1};
            }) == "equal");
    }
  }
}

TEST_CASE("layers of a network in formats of their own give golden's bits") {
  int mixed = 0;
  for (uint32_t seed = 6000; seed < 6060; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    Random random(seed);
    std::vector<numerics::LayerOverride> overrides;
    for (const char* pattern : {"first", "last", "depthwise", "layer?", "*"}) {
      if (random.Int(0, 2) == 0) continue;
      numerics::LayerOverride change;
      change.pattern = pattern;
      change.activations =
          Pick(random, {Format::kFp16, Format::kInt8, Format::kFp8, Format::kNvfp4});
      if (random.Int(0, 1)) change.weights = Pick(random, {Format::kFp16, Format::kMxfp4});
      if (random.Int(0, 1)) change.activation_block = random.Block();
      if (random.Int(0, 1)) change.weight_block = random.Block();
      if (random.Int(0, 1)) change.weight_scale = static_cast<WeightScale>(random.Int(0, 1));
      overrides.push_back(change);
    }
    try {
      golden::Datapaths(net, {}, overrides);
    } catch (const std::invalid_argument&) {
      continue;  // no such layer, or a tensor wanted in two formats
    }
    ++mixed;
    for (Platform platform : kPlatforms) {
      CAPTURE(seed, platforms::PlatformName(platform));
      CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
              d.datapath.tensor_scale =
                  seed % 2 == 0 ? ScaleSource::kStatic : ScaleSource::kDynamic;
              d.layer_overrides = overrides;
            }) == "equal");
    }
  }
  CHECK(mixed > 20);
}

TEST_CASE("every operator of a network gives golden's bits, wherever its tensors lie") {
  int views = 0, copies = 0;
  for (uint32_t seed = 0; seed < Cases(120u); ++seed) {
    const trace::Network net = RandomOperatorNetwork(seed);
    Random random(seed);
    const Format format = Pick(random, {Format::kNvfp4, Format::kNvfp4, Format::kFp4,
                                        Format::kMxfp6, Format::kInt8, Format::kFp16});
    const int block = random.Block();
    const auto source = static_cast<ScaleSource>(random.Int(0, 2));
    for (Platform platform : kPlatforms) {
      CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(format), block,
              static_cast<int>(source));
      CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
              SetDatapath(d, format, Format::kNvfp4, block, source);
              if (seed % 5 == 0) {
                d.datapath.activation_rounding = {numerics::RoundingMode::kStochastic, seed};
              }
            }) == "equal");
    }
    numerics::Datapath datapath;
    datapath.SetBlock(block);
    const golden::Datapaths datapaths(net, datapath);
    for (size_t t = 0; t < net.tensors.size(); ++t) views += datapaths.IsView(static_cast<int>(t));
    for (const trace::Layer& l : net.layers) {
      if (l.op == trace::Op::kConcat) {
        copies += static_cast<int>(golden::WrittenChannels(net, datapaths, l).size());
      }
    }
  }
  CHECK(views > (kSanitized ? 5 : 30));
  CHECK(copies > Cases(60));
}

TEST_CASE("any number of threads gives the same bits") {
  for (uint32_t seed = 7000; seed < 7008; ++seed) {
    const trace::Network net = RandomNetwork(seed);
    Random random(seed);
    const Format format = Pick(random, {Format::kNvfp4, Format::kInt8});
    const auto kind =
        seed % 2 == 0 ? numerics::Accumulation::kFp32 : numerics::Accumulation::kFused;
    for (int threads : {2, 5}) {
      numerics::SetThreads(threads);
      for (Platform platform : kPlatforms) {
        CAPTURE(seed, threads, platforms::PlatformName(platform));
        CHECK(Compare(platform, seed, net, [&](platforms::DesignPoint& d) {
                SetDatapath(d, format, format, 16, ScaleSource::kStatic);
                d.datapath.accumulator.kind = kind;
                d.sram_acc.size = 1 << 20;  // tiles of many rows
                d.sram_out.size = d.sram_act.size = 1 << 20;
              }) == "equal");
      }
      const std::vector<float> input = RandomInput(net, seed);
      const golden::Execution many = golden::Run(net, numerics::Datapath{}, input);
      const auto many_fp32 = golden::RunFp32(net, input);
      numerics::SetThreads(1);
      const golden::Execution one = golden::Run(net, numerics::Datapath{}, input);
      for (size_t t = 0; t < net.tensors.size(); ++t) {
        CHECK(one.tensors[t].codes == many.tensors[t].codes);
      }
      CHECK(many_fp32 == golden::RunFp32(net, input));
    }
  }
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
