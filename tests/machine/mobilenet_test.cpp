// MobileNetV2 over the matrix of datapaths that the project promises, on both platforms.
#include <catch2/catch.hpp>

#include "sw/compiler/compiler.h"
#include "tests/machine/random_network.h"
#include "tests/machine/run.h"

namespace nibble::test {
namespace {

using numerics::Format;
using numerics::ScaleSource;
using platforms::Platform;

// With weights made once, which every run quantises anew.
const trace::Network& MobileNet() {
  static const trace::Network net = [] {
    trace::Network n = compiler::BuildNetwork("mobilenet_v2", 32);
    for (trace::Layer& layer : n.layers) {
      if (!layer.synthetic) continue;
      layer.weights = trace::LayerWeights(n, layer);
      layer.bias = trace::LayerBias(n, layer);
      layer.synthetic = false;
    }
    compiler::Calibrate(n, {compiler::GeneratedInput(n, 1)});
    return n;
  }();
  return net;
}

void CheckBothPlatforms(Format activations, Format weights, int block, ScaleSource source) {
  const trace::Network& net = MobileNet();
  const std::vector<float> input = compiler::GeneratedInput(net, 0);
  std::optional<golden::Execution> expected;
  for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
    platforms::DesignPoint design = platforms::Resolve(platform, "", {});
    SetDatapath(design, activations, weights, block, source);
    if (!expected) expected = golden::Run(net, design.datapath, input);
    sim::Program program = lowering::Lower(net, design);
    lowering::SetInput(program, net, design, input);
    const platforms::RunOutcome outcome = platforms::Run(design, program);
    CAPTURE(platforms::PlatformName(platform), block, source == ScaleSource::kDynamic);
    CHECK(FirstDifference(net, *expected, program, outcome).value_or("equal") == "equal");
  }
}

void CheckAll(Format weights) {
  for (int block : {8, 16, 32, 64, 128}) {
    for (ScaleSource source : {ScaleSource::kStatic, ScaleSource::kDynamic}) {
      CheckBothPlatforms(Format::kNvfp4, weights, block, source);
    }
  }
  CheckBothPlatforms(Format::kFp4, weights, 16, ScaleSource::kStatic);
}

TEST_CASE("MobileNetV2 is bit-exact with nvfp4 weights") { CheckAll(Format::kNvfp4); }
TEST_CASE("MobileNetV2 is bit-exact with fp4 weights") { CheckAll(Format::kFp4); }
TEST_CASE("MobileNetV2 is bit-exact with fp8 weights") { CheckAll(Format::kFp8); }
TEST_CASE("MobileNetV2 is bit-exact with fp16 weights") { CheckAll(Format::kFp16); }

}  // namespace
}  // namespace nibble::test
