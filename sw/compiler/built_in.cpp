#include "sw/compiler/built_in.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "sw/compiler/compiler.h"
#include "sw/compiler/synthetic_network.h"

namespace nibble::compiler {
namespace {

struct Entry {
  const char* name;
  trace::Network (*build)(int resolution);
  bool normalised = false;  // in how weights are scaled
};
constexpr Entry kNetworks[] = {
    {"efficientnet_b0", EfficientNetB0, true},
    {"mnasnet1_0", MnasNet},
    {"mobilenet_v1", MobileNetV1},
    {"mobilenet_v2", MobileNetV2},
    {"mobilenet_v3_large", MobileNetV3Large, true},
    {"mobilenet_v3_small", MobileNetV3Small, true},
    {"resnet50", ResNet50},
    {"shufflenet_v2_x1_0", ShuffleNetV2},
    {"squeezenet1_1", SqueezeNet},
};

// Where weights are normalised, so that they are the same at every resolution.
constexpr int kNormalisingResolution = 224;

void TakeNormalisedWeights(const Entry& e, trace::Network& net) {
  trace::Network normalised = e.build(kNormalisingResolution);
  Normalise(normalised);
  for (size_t i = 0; i < net.layers.size(); ++i) {
    net.layers[i].generator = normalised.layers[i].generator;
  }
}

}  // namespace

std::vector<std::string> BuiltInNetworks() {
  std::vector<std::string> names;
  for (const Entry& e : kNetworks) names.emplace_back(e.name);
  return names;
}

trace::Network BuildNetwork(const std::string& name, int resolution) {
  if (resolution < kMinResolution || resolution > kMaxResolution) {
    throw std::invalid_argument(fmt::format("resolution is {}, must be {}..{}", resolution,
                                            kMinResolution, kMaxResolution));
  }
  for (const Entry& e : kNetworks) {
    if (name != e.name) continue;
    trace::Network net = e.build(resolution);
    if (e.normalised) TakeNormalisedWeights(e, net);
    return net;
  }
  throw std::invalid_argument(fmt::format("unknown built-in network \"{}\"; known: {}", name,
                                          fmt::join(BuiltInNetworks(), ", ")));
}

}  // namespace nibble::compiler
