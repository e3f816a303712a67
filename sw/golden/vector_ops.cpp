#include "sw/golden/vector_ops.h"

#include <fmt/format.h>

#include <stdexcept>

#include "sw/golden/golden.h"

namespace nibble::golden {

void CheckInput(const trace::Network& net, const std::vector<float>& input) {
  const int64_t expected = net.tensors[net.input].shape.elements();
  if (static_cast<int64_t>(input.size()) != expected) {
    throw std::invalid_argument(fmt::format("input has {} elements, network \"{}\" takes {}",
                                            input.size(), net.name, expected));
  }
}

float Activate(const trace::Activation& activation, float x) {
  switch (activation.kind) {
    case trace::Activation::Kind::kNone:
      return x;
    case trace::Activation::Kind::kRelu:
      return x < 0.0f ? 0.0f : x;
    case trace::Activation::Kind::kClip:
      return x < activation.lo ? activation.lo : x > activation.hi ? activation.hi : x;
  }
  return x;
}

void Finish(const trace::Layer& l, const std::vector<float>& bias,
            const std::vector<float>& residual, std::vector<float>& y) {
  const size_t channels = bias.size();
  for (size_t i = 0; i < y.size(); i += channels) {
    for (size_t n = 0; n < channels; ++n) y[i + n] = Activate(l.activation, y[i + n] + bias[n]);
  }
  for (size_t i = 0; i < residual.size(); ++i) y[i] += residual[i];
}

std::vector<float> Add(const trace::Layer& l, const std::vector<float>& a,
                       const std::vector<float>& b) {
  std::vector<float> y(a.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = Activate(l.activation, a[i] + b[i]);
  return y;
}

std::vector<float> AveragePool(const std::vector<float>& x, int channels) {
  std::vector<float> y(static_cast<size_t>(channels));
  const size_t pixels = x.size() / y.size();
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < y.size(); ++c) y[c] += x[p * y.size() + c];
  }
  const auto count = static_cast<float>(pixels);
  for (float& v : y) v /= count;
  return y;
}

}  // namespace nibble::golden
