#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "sw/trace/synthetic.h"

namespace nibble::compiler {

std::vector<float> GeneratedInput(const trace::Network& net, uint64_t index) {
  const trace::Shape& shape = net.tensors[net.input].shape;
  const uint64_t seed = trace::Splitmix64(0, index);
  constexpr int kPatches = 8;  // along each side
  // Uniform in -2^15..2^15-1. Stream 0 holds the patches, stream 1 the grain.
  const auto uniform = [seed](uint64_t stream, uint64_t counter) {
    const uint64_t bits = trace::Splitmix64(trace::Splitmix64(seed, stream), counter);
    return static_cast<int32_t>(bits & 0xFFFF) - 0x8000;
  };
  std::vector<float> x(static_cast<size_t>(shape.elements()));
  size_t i = 0;
  for (int row = 0; row < shape.height; ++row) {
    for (int column = 0; column < shape.width; ++column) {
      const int patch = row * kPatches / shape.height * kPatches + column * kPatches / shape.width;
      for (int c = 0; c < shape.channels; ++c, ++i) {
        const int32_t sum =
            3 * uniform(0, static_cast<uint64_t>(patch) * shape.channels + c) + uniform(1, i);
        x[i] = static_cast<float>(sum) * 0x1p-17f;
      }
    }
  }
  return x;
}

void Calibrate(trace::Network& net, const std::vector<std::vector<float>>& inputs,
               const std::function<void(int done, int total)>& progress,
               const RangeChoice& choice) {
  std::vector<MagnitudeHistogram> seen(net.tensors.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<std::vector<float>> tensors = golden::RunFp32(net, inputs[i]);
    for (size_t t = 0; t < tensors.size(); ++t) seen[t].Add(tensors[t]);
    if (progress) progress(static_cast<int>(i) + 1, static_cast<int>(inputs.size()));
  }
  for (size_t t = 0; t < seen.size(); ++t) net.tensors[t].amax = seen[t].Range(choice);
}

}  // namespace nibble::compiler
