#include "sw/retraining/optimise.h"

#include <algorithm>
#include <cmath>

namespace nibble::retraining {
namespace {

constexpr double kPi = 3.14159265358979323846;
// Of Adam, as published (Kingma and Ba 2015, arXiv 1412.6980), but for the least divisor: gradients
// here are as small as the means that they are of.
constexpr float kFirst = 0.9f, kSecond = 0.999f, kLeast = 1e-12f;

float Rms(const float* x, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return count == 0 ? 0.0f : static_cast<float>(std::sqrt(sum / static_cast<double>(count)));
}

}  // namespace

double RateAt(const Settings& settings, double height, int step, int steps) {
  const double rise = settings.warm_up * steps;
  if (step < rise) return height * (step + 1) / (rise + 1);
  return height * (1 + std::cos(kPi * (step - rise) / (steps - rise))) / 2;
}

Parameters TypicalSizes(const trace::Network& net) {
  Parameters sizes = ParametersOf(net);
  for (size_t i = 0; i < net.layers.size(); ++i) {
    std::vector<float>& w = sizes.weights[i];
    std::vector<float>& b = sizes.biases[i];
    if (b.empty()) continue;
    const float all = Rms(w.data(), w.size());
    const size_t each = w.size() / b.size();
    for (size_t n = 0; n < b.size(); ++n) {
      const float own = Rms(w.data() + n * each, each);
      std::fill_n(w.begin() + static_cast<std::ptrdiff_t>(n * each), each, own > 0 ? own : all);
    }
    const float range = net.tensors[static_cast<size_t>(net.layers[i].output)].amax;
    b.assign(b.size(), range / 16);
  }
  return sizes;
}

double Norm(const Parameters& gradient) {
  double sum = 0;
  gradient.ForEach([&](const std::vector<float>& g) {
    for (const float x : g) sum += static_cast<double>(x) * x;
  });
  return std::sqrt(sum);
}

void Step(const Settings& settings, double rate, int64_t step, const Parameters& sizes,
          const Parameters& gradient, Moments& moments, Parameters& parameters) {
  const double norm = settings.clip > 0 ? Norm(gradient) : 0;
  const auto factor = static_cast<float>(norm > settings.clip ? settings.clip / norm : 1.0);
  const bool adam = settings.optimiser == Optimiser::kAdam;
  const auto t = static_cast<double>(step + 1);
  const auto first = static_cast<float>(1 / (1 - std::pow(kFirst, t)));
  const auto second = static_cast<float>(1 / (1 - std::pow(kSecond, t)));
  const auto r = static_cast<float>(rate), momentum = static_cast<float>(settings.momentum);
  parameters.ForEach(
      [&](std::vector<float>& x, const std::vector<float>& g, const std::vector<float>& size,
          std::vector<float>& m, std::vector<float>& v) {
        for (size_t i = 0; i < x.size(); ++i) {
          const float d = g[i] * factor;
          if (!adam) {
            m[i] = momentum * m[i] + d;
            x[i] -= r * m[i];
            continue;
          }
          m[i] = kFirst * m[i] + (1 - kFirst) * d;
          v[i] = kSecond * v[i] + (1 - kSecond) * d * d;
          x[i] -= r * size[i] * (m[i] * first) / (std::sqrt(v[i] * second) + kLeast);
        }
      },
      gradient, sizes, moments.first, moments.second);
  if (settings.weight_decay > 0) {
    const auto keep = static_cast<float>(1 - rate * settings.weight_decay);
    for (size_t l = 0; l < parameters.weights.size(); ++l) {
      std::vector<float>& weights = parameters.weights[l];
      for (size_t i = 0; i < weights.size(); ++i) {
        if (sizes.weights[l][i] != 0) weights[i] *= keep;
      }
    }
  }
  for (size_t i = 0; i < parameters.ranges.size(); ++i) {
    parameters.ranges[i] = std::max(parameters.ranges[i], sizes.ranges[i] / 64);
  }
}

}  // namespace nibble::retraining
