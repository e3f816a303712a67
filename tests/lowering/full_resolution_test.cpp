// The committed network at its full resolution, on the default machines, under every datapath.
#include <catch2/catch.hpp>

#include "platforms/design_point.h"
#include "sw/lowering/lowering.h"
#include "sw/trace/file.h"

namespace nibble::lowering {
namespace {

using platforms::Platform;

TEST_CASE("MobileNetV2 at 224 x 224 fits the default machines under every datapath") {
  const trace::Network net =
      trace::Read(std::string(NIBBLE_SOURCE_DIR) + "/traces/mobilenet_v2.trc", false);
  for (Platform platform : {Platform::kAccel, Platform::kNearmem}) {
    for (const char* activations : {"nvfp4", "fp4"}) {
      for (const char* weights : {"nvfp4", "fp4", "fp8", "fp16"}) {
        for (const char* block : {"8", "16", "32", "64", "128"}) {
          for (const char* scale : {"static", "dynamic"}) {
            CAPTURE(platforms::PlatformName(platform), activations, weights, block, scale);
            const platforms::DesignPoint design = platforms::Resolve(
                platform, "",
                {std::string("datapath.activations=") + activations,
                 std::string("datapath.weights=") + weights, std::string("datapath.block=") + block,
                 std::string("datapath.tensor_scale=") + scale});
            const sim::Program program = Lower(net, design, {false});
            CHECK(program.layers.size() == net.layers.size());
            for (int b = 0; b < sim::kBuffers; ++b) CHECK(program.sram_bytes_used[b] > 0);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace nibble::lowering
