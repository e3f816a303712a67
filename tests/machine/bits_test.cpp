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
        for (ScaleSource source : {ScaleSource::kStatic, ScaleSource::kDynamic}) {
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
                    numerics::FormatName(weights), block, source == ScaleSource::kDynamic);
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
