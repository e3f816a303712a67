// Built-in networks with synthetic weights, by name; gemv:OUTxIN is one fully connected layer: what
// near-memory devices are measured with.
#include "sw/compiler/built_in.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "sw/compiler/compiler.h"
#include "sw/compiler/synthetic_network.h"
#include "sw/trace/synthetic.h"

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
    {"vit_tiny", ViTTiny},
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

// Rows and columns of "gemv:ROWSxCOLUMNS".
bool ParseGemv(const std::string& name, int& rows, int& columns) {
  int end = 0;
  const int found = std::sscanf(name.c_str(), "gemv:%5dx%5d%n", &rows, &columns, &end);
  return found == 2 && static_cast<size_t>(end) == name.size();
}

constexpr uint64_t kGemvSeed = 2;

trace::Network BuildGemv(const std::string& name, int rows, int columns) {
  constexpr int kMost = 32768;  // shapes are 16-bit in command words
  if (rows < 1 || rows > kMost || columns < 1 || columns > kMost) {
    throw std::invalid_argument(
        fmt::format("\"{}\": expected 1 to {} rows and columns", name, kMost));
  }
  NetworkBuilder builder(fmt::format("gemv_{}x{}", rows, columns));
  trace::Layer l;
  l.name = "gemv";
  l.op = trace::Op::kFullyConnected;
  l.input = builder.AddInput("input", {1, 1, columns});
  // Outputs of power 1 from a uniform input in -1..1, of power 1/3.
  l.synthetic = true;
  l.generator = {trace::Splitmix64(kGemvSeed, 0),
                 static_cast<uint32_t>(std::sqrt(3.0 / columns) * 65536)};
  builder.AddLayer(std::move(l), rows);
  return std::move(builder).Finish("builder " + name);
}

}  // namespace

std::vector<std::string> BuiltInNetworks() {
  std::vector<std::string> names;
  for (const Entry& e : kNetworks) names.emplace_back(e.name);
  return names;
}

trace::Network BuildNetwork(const std::string& name, int resolution) {
  int rows = 0, columns = 0;
  if (ParseGemv(name, rows, columns)) return BuildGemv(name, rows, columns);
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
  throw std::invalid_argument(fmt::format("unknown built-in network \"{}\"; known: {}, {}", name,
                                          fmt::join(BuiltInNetworks(), ", "), kGemvPattern));
}

}  // namespace nibble::compiler
