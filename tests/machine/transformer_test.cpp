// Transformers on both machines: golden's bits, whatever the formats, tiles and scratchpads.
#include <catch2/catch.hpp>

#include "sw/compiler/compiler.h"
#include "tests/golden/random_transformer.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"
#include "tests/support/sanitizers.h"

namespace nibble::test {
namespace {

using numerics::Format;
using numerics::ScaleSource;
using platforms::Platform;

constexpr Platform kPlatforms[] = {Platform::kAccel, Platform::kNearmem};

std::string Compare(const trace::Network& net, const platforms::DesignPoint& design,
                    uint32_t seed) {
  return DifferenceFromGolden(net, design, RandomInput(net, seed));
}

TEST_CASE("every stored tensor of random transformers on random machines is golden's") {
  for (uint32_t seed = 0; seed < Cases(100u); ++seed) {
    const trace::Network net = RandomTransformer(seed);
    for (Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      const Format activations =
          Pick(random, {Format::kNvfp4, Format::kNvfp4, Format::kFp4, Format::kMxfp4, Format::kInt4,
                        Format::kInt8, Format::kFp8, Format::kFp16});
      const Format weights = Pick(random, {Format::kNvfp4, Format::kFp8, Format::kFp16});
      const int block = random.Block();
      const auto source = static_cast<ScaleSource>(random.Int(0, 2));
      SetDatapath(design, activations, weights, block, source);
      if (seed % 5 == 0) {
        design.datapath.activation_rounding = {numerics::RoundingMode::kStochastic, seed};
      }
      CAPTURE(seed, platforms::PlatformName(platform), numerics::FormatName(activations),
              numerics::FormatName(weights), block, static_cast<int>(source));
      CHECK(Compare(net, design, seed) == "equal");
    }
  }
}

TEST_CASE("every accumulator sums products of two stored tensors as golden does") {
  using numerics::Accumulation;
  for (int kind = 0; kind <= static_cast<int>(Accumulation::kFixed); ++kind) {
    for (uint32_t seed = 200; seed < 204; ++seed) {
      for (Platform platform : kPlatforms) {
        Random random(seed);
        platforms::DesignPoint design = RandomDesign(platform, random);
        SetDatapath(design, Format::kNvfp4, Format::kNvfp4, 16, ScaleSource::kStatic);
        design.datapath.accumulator.kind = static_cast<Accumulation>(kind);
        design.datapath.accumulator.pre_shift = 10;
        design.datapath.accumulator.fixed_lsb = -8;
        CAPTURE(kind, seed, platforms::PlatformName(platform));
        CHECK(Compare(RandomTransformer(seed), design, seed) == "equal");
      }
    }
  }
}

TEST_CASE("a run of a transformer without data counts what a run with data counts") {
  for (uint32_t seed = 300; seed < 312; ++seed) {
    const trace::Network net = RandomTransformer(seed);
    for (Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      RandomDatapath(random, design);
      sim::Program program = LowerFitting(net, design);
      lowering::SetInput(program, net, design, RandomInput(net, seed));
      platforms::RunOptions timing_only;
      timing_only.timing_only = true;
      const sim::RunStats full = platforms::Run(design, program).stats;
      const sim::RunStats timing = platforms::Run(design, program, timing_only).stats;
      CAPTURE(seed, platforms::PlatformName(platform));
      CHECK(full.cycles == timing.cycles);
      CHECK(full.layer_cycles == timing.layer_cycles);
      CHECK(full.values == timing.values);
    }
  }
}

TEST_CASE("attention in a format of its own gives golden's bits") {
  int mixed = 0;
  for (uint32_t seed = 400; seed < 420; ++seed) {
    const trace::Network net = RandomTransformer(seed);
    for (Platform platform : kPlatforms) {
      Random random(seed);
      platforms::DesignPoint design = RandomDesign(platform, random);
      numerics::LayerOverride change;
      change.pattern = "matmul";
      change.activations = Pick(random, {Format::kFp16, Format::kFp8, Format::kInt8});
      if (random.Int(0, 1) == 0) change.activation_block = random.Block();
      design.layer_overrides = {change};
      try {
        golden::Datapaths(net, design.datapath, design.layer_overrides);
      } catch (const std::invalid_argument&) {
        continue;  // a tensor that a convolution wants in another format
      }
      ++mixed;
      CAPTURE(seed, platforms::PlatformName(platform));
      CHECK(Compare(net, design, seed) == "equal");
    }
  }
  CHECK(mixed > 10);
}

TEST_CASE("ViT-Tiny at 64 x 64 is golden's on the default machines") {
  trace::Network net = compiler::BuildNetwork("vit_tiny", 64);
  compiler::Calibrate(net, {compiler::GeneratedInput(net, 1)});
  for (Platform platform : kPlatforms) {
    CAPTURE(platforms::PlatformName(platform));
    CHECK(Compare(net, platforms::Resolve(platform, "", {}), 1) == "equal");
  }
}

}  // namespace
}  // namespace nibble::test
