// Codes that were quantised elsewhere reach the memory of the machine as they are.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/golden/quantised_network.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using numerics::Profile;

bool InImage(const sim::Program& program, const std::vector<uint8_t>& bytes) {
  return std::any_of(program.image.begin(), program.image.end(),
                     [&](const sim::Segment& segment) { return segment.bytes == bytes; });
}

TEST_CASE("the image holds the codes and scales of modelopt, bit for bit") {
  int by_nv = 0, layers = 0;
  for (uint32_t seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    const trace::Network plain = RandomNetwork(seed);
    const trace::Network net = WithImportedCodes(plain, 16, Profile::kModelOpt);
    platforms::DesignPoint design = platforms::Resolve(platforms::Platform::kAccel, "", {});
    const sim::Program program = LowerFitting(net, design);
    const sim::Program without = LowerFitting(plain, design);
    for (const trace::Layer& l : net.layers) {
      if (!l.quantized) continue;
      ++layers;
      CHECK(InImage(program, l.quantized->codes));
      CHECK(InImage(program, l.quantized->scales));
      by_nv += InImage(without, l.quantized->codes) && InImage(without, l.quantized->scales);
    }
  }
  CHECK(by_nv < layers);  // or else the profiles do not differ on these weights
}

TEST_CASE("both machines compute with imported codes as golden does") {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    const trace::Network net = WithImportedCodes(RandomNetwork(seed), 16, Profile::kFourOverSix);
    const std::vector<float> input = RandomInput(net, seed);
    for (auto platform : {platforms::Platform::kAccel, platforms::Platform::kNearmem}) {
      CAPTURE(seed, platforms::PlatformName(platform));
      platforms::DesignPoint design = platforms::Resolve(platform, "", {});
      sim::Program program = LowerFitting(net, design);
      lowering::SetInput(program, net, design, input);
      const platforms::RunOutcome outcome = platforms::Run(design, program, {});
      const auto difference =
          FirstDifference(net, golden::Run(net, design.datapath, input), program, outcome);
      CHECK(difference.value_or("") == "");
    }
  }
}

}  // namespace
}  // namespace nibble::test
