#include "models/numerics/functions.h"

#include <array>
#include <cstddef>

#include "models/numerics/exp_series.h"

namespace nibble::numerics {
namespace {

constexpr int kStepsPerUnit = 64, kRange = 16;  // the tables span -16..16
constexpr int kSteps = 2 * kRange * kStepsPerUnit;
using Table = std::array<float, kSteps + 1>;

double SigmoidSeries(double x) {
  if (x < 0) {
    const double e = ExpOfMinus(-x);
    return e / (1 + e);
  }
  return 1 / (1 + ExpOfMinus(x));
}

// The normal distribution beyond x >= 0: near 0 by the series 1/2 - density * (x + x^3 / 3 + x^5 /
// 15 + ...), farther out by the continued fraction density / (x + 1 / (x + 2 / (x + 3 / ...)))
// (Abramowitz and Stegun 26.2.11 and 26.2.14).
double NormalTail(double x) {
  constexpr double kSqrt2Pi = 0x1.40d931ff62706p1;
  constexpr double kBoundary = 3;
  constexpr int kTerms = 60, kDepth = 100;  // past binary64 on either side of the boundary
  const double density = ExpOfMinus(x * x / 2) / kSqrt2Pi;
  if (x < kBoundary) {
    double sum = 0, term = x;
    for (int k = 1; k <= kTerms; ++k) {
      sum += term;
      term = term * x * x / (2 * k + 1);
    }
    return 0.5 - density * sum;
  }
  double fraction = x;
  for (int k = kDepth; k >= 1; --k) fraction = x + k / fraction;
  return density / fraction;
}

double NormalSeries(double x) { return x < 0 ? NormalTail(-x) : 1 - NormalTail(x); }

Table MakeTable(double (*exact)(double)) {
  Table table{};
  for (int i = 0; i <= kSteps; ++i) {
    table[static_cast<size_t>(i)] =
        static_cast<float>(exact(static_cast<double>(i) / kStepsPerUnit - kRange));
  }
  return table;
}

float Interpolate(const Table& table, float x) {
  if (x < -kRange) return table.front();
  if (x >= kRange) return table.back();
  if (!(x == x)) return x;
  const float v = x * kStepsPerUnit;
  int k = static_cast<int>(v);
  if (static_cast<float>(k) > v) --k;  // floor
  const float f = v - static_cast<float>(k);
  const float* entry = &table[kRange * kStepsPerUnit] + k;
  const float step = entry[1] - entry[0];
  return entry[0] + f * step;
}

}  // namespace

float Sigmoid(float x) {
  static const Table table = MakeTable(SigmoidSeries);
  return Interpolate(table, x);
}

float Normal(float x) {
  static const Table table = MakeTable(NormalSeries);
  return Interpolate(table, x);
}

float Silu(float x) { return x * Sigmoid(x); }

float Gelu(float x) { return x * Normal(x); }

float HardSigmoid(float x, float slope, float offset) {
  const float y = x * slope + offset;  // two roundings: contraction is off
  return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
}

float HardSwish(float x) { return x * HardSigmoid(x, 1.0f / 6.0f, 0.5f); }

float ExactSigmoid(float x) {
  constexpr float kFar = 128;  // beyond it the result rounds to 0 or 1
  if (x < -kFar) return 0;
  if (x > kFar) return 1;
  return x == x ? static_cast<float>(SigmoidSeries(x)) : x;
}

float ExactNormal(float x) {
  constexpr float kFar = 16;
  if (x < -kFar) return 0;
  if (x > kFar) return 1;
  return x == x ? static_cast<float>(NormalSeries(x)) : x;
}

}  // namespace nibble::numerics
