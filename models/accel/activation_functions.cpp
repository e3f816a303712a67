#include "models/accel/activation_functions.h"

#include "models/numerics/functions.h"

namespace nibble::accel {
namespace {

template <typename Function>
void Apply(float* y, uint32_t count, Function function) {
  for (uint32_t c = 0; c < count; ++c) y[c] = function(y[c]);
}

}  // namespace

void Activate(const sim::Epilogue& state, float* y, uint32_t count) {
  using F = numerics::ActivationFunction;
  const float lo = state.lo, hi = state.hi;
  switch (state.activation) {
    case F::kRelu:
      return Apply(y, count, [](float x) { return x < 0.0f ? 0.0f : x; });
    case F::kClip:
      return Apply(y, count, [=](float x) { return x < lo ? lo : (x > hi ? hi : x); });
    case F::kHardSigmoid:
      return Apply(y, count, [=](float x) { return numerics::HardSigmoid(x, lo, hi); });
    case F::kHardSwish:
      return Apply(y, count, numerics::HardSwish);
    case F::kSigmoid:
      return Apply(y, count, numerics::Sigmoid);
    case F::kSilu:
      return Apply(y, count, numerics::Silu);
    case F::kGelu:
      return Apply(y, count, numerics::Gelu);
    case F::kNone:
      return;
  }
}

}  // namespace nibble::accel
