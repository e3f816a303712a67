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
  const float lo = state.lo, hi = state.hi;
  switch (state.activation) {
    case 1:
      return Apply(y, count, [](float x) { return x < 0.0f ? 0.0f : x; });
    case 2:
      return Apply(y, count, [=](float x) { return x < lo ? lo : (x > hi ? hi : x); });
    case 3:
      return Apply(y, count, [=](float x) { return numerics::HardSigmoid(x, lo, hi); });
    case 4:
      return Apply(y, count, numerics::HardSwish);
    case 5:
      return Apply(y, count, numerics::Sigmoid);
    case 6:
      return Apply(y, count, numerics::Silu);
    case 7:
      return Apply(y, count, numerics::Gelu);
    default:
      return;
  }
}

}  // namespace nibble::accel
