#include "sw/retraining/epilogue.h"

#include <cmath>

#include "models/numerics/functions.h"
#include "sw/golden/golden.h"
#include "sw/retraining/vector_clones.h"

namespace nibble::retraining {
namespace {

using Kind = trace::Activation::Kind;

float Derivative(const trace::Activation& a, float x) {
  switch (a.kind) {
    case Kind::kHardSigmoid: {
      const float y = x * a.lo + a.hi;
      return y > 0 && y < 1 ? a.lo : 0.0f;
    }
    case Kind::kHardSwish:
      return x <= -3 ? 0.0f : x >= 3 ? 1.0f : x / 3 + 0.5f;
    case Kind::kSigmoid: {
      const float s = numerics::Sigmoid(x);
      return s * (1 - s);
    }
    case Kind::kSilu: {
      const float s = numerics::Sigmoid(x);
      return s * (1 + x * (1 - s));
    }
    case Kind::kGelu:
      return numerics::Normal(x) + x * std::exp(-x * x / 2) * 0.39894228f;  // 1 / sqrt(2 pi)
    case Kind::kNone:
    case Kind::kRelu:
    case Kind::kClip:
      break;
  }
  return 1.0f;
}

// min(max(x, lo), hi) of one pixel; both choices are made without a branch, so that they vectorise.
NIBBLE_VECTOR_CLONES void ClipPixels(const EpilogueOperands& o, float lo, float hi, float* y,
                                     uint8_t* flags) {
  for (size_t p = 0; p < o.pixels; ++p) {
    const float* __restrict x = o.x + p * o.channels;
    float* __restrict to = y + p * o.channels;
    if (o.bias != nullptr) {
      for (size_t c = 0; c < o.channels; ++c) to[c] = x[c] + o.bias[c];
    } else {
      for (size_t c = 0; c < o.channels; ++c) to[c] = x[c];
    }
    if (flags != nullptr) {
      uint8_t* __restrict flag = flags + p * o.channels;
      for (size_t c = 0; c < o.channels; ++c) {
        const int inside = static_cast<int>(to[c] > lo) & static_cast<int>(to[c] < hi);
        flag[c] = static_cast<uint8_t>(inside * kSlope);
      }
    }
    for (size_t c = 0; c < o.channels; ++c) {
      const float below = to[c] > hi ? hi : to[c];
      to[c] = to[c] < lo ? lo : below;
    }
  }
}

NIBBLE_VECTOR_CLONES void AddTo(float* __restrict y, const float* __restrict x, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] += x[i];
}

}  // namespace

bool IsClip(const trace::Activation& a) {
  return a.kind == Kind::kNone || a.kind == Kind::kRelu || a.kind == Kind::kClip;
}

void RunEpilogue(const trace::Activation& a, const EpilogueOperands& o, float* y, uint8_t* flags,
                 float* derivative) {
  const size_t count = o.pixels * o.channels;
  if (IsClip(a)) {
    const float lo = a.kind == Kind::kNone ? -INFINITY : a.kind == Kind::kRelu ? 0.0f : a.lo;
    ClipPixels(o, lo, a.kind == Kind::kClip ? a.hi : INFINITY, y, flags);
  } else {
    for (size_t i = 0; i < count; ++i) {
      const float x = o.bias != nullptr ? o.x[i] + o.bias[i % o.channels] : o.x[i];
      y[i] = golden::Activate(a, x);
      if (flags != nullptr) flags[i] = kSlope;
      if (derivative != nullptr) derivative[i] = Derivative(a, x);
    }
  }
  if (o.residual != nullptr) AddTo(y, o.residual, count);
}

NIBBLE_VECTOR_CLONES void KeepWhere(const uint8_t* flags, uint8_t bit, const float* x, size_t count,
                                    float* y) {
  for (size_t i = 0; i < count; ++i) y[i] = (flags[i] & bit) != 0 ? x[i] : 0.0f;
}

double SumWhere(const uint8_t* flags, bool live, const float* g, const float* x, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    if (((flags[i] & kLive) != 0) == live) sum += static_cast<double>(g[i]) * x[i];
  }
  return sum;
}

}  // namespace nibble::retraining
