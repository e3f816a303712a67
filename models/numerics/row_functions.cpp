#include "models/numerics/row_functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "models/numerics/bits.h"
#include "models/numerics/exp_series.h"

namespace nibble::numerics {
namespace {

constexpr int kExpSteps = 256;
using ExpTable = std::array<float, kExpSteps + 1>;

ExpTable MakeExpTable() {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  ExpTable table{};
  for (int i = 0; i <= kExpSteps; ++i) {  // 2^f = 2 * e^-((1 - f) ln 2)
    table[static_cast<size_t>(i)] =
        static_cast<float>(2 * ExpOfMinus((kExpSteps - i) * kLn2 / kExpSteps));
  }
  return table;
}

float Largest(const float* x, int count) {
  float m = x[0];
  for (int i = 1; i < count; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

}  // namespace

float RowSum(const float* x, int count) {
  std::array<float, kRowSums> sums{};
  int i = 0;
  for (; i + kRowSums <= count; i += kRowSums) {
    for (int j = 0; j < kRowSums; ++j) sums[static_cast<size_t>(j)] += x[i + j];
  }
  for (int j = 0; i < count; ++i, ++j) sums[static_cast<size_t>(j)] += x[i];
  for (size_t half = kRowSums / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) sums[j] = sums[2 * j] + sums[2 * j + 1];
  }
  return sums[0];
}

float Exp(float x) {
  static const ExpTable table = MakeExpTable();
  constexpr float kLog2E = 0x1.715476p0f;
  const float t = x * kLog2E;
  if (!(t == t)) return t;
  if (t < -126.0f) return 0;
  int n = static_cast<int>(t);
  if (static_cast<float>(n) > t) --n;  // floor
  const float v = (t - static_cast<float>(n)) * kExpSteps;
  const int i = std::min(static_cast<int>(v), kExpSteps - 1);
  const float f = v - static_cast<float>(i);
  const float* entry = &table[static_cast<size_t>(i)];
  const float step = entry[1] - entry[0];
  return (entry[0] + f * step) * PowerOfTwo(n);
}

void Softmax(const float* x, int count, float* y) {
  const float largest = Largest(x, count);
  for (int i = 0; i < count; ++i) y[i] = Exp(x[i] - largest);
  const float factor = 1.0f / RowSum(y, count);
  for (int i = 0; i < count; ++i) y[i] *= factor;
}

void LayerNorm(const float* x, int count, float epsilon, const float* gamma, const float* beta,
               float* y) {
  const auto n = static_cast<float>(count);
  const float mean = RowSum(x, count) / n;
  std::vector<float> squares(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    y[i] = x[i] - mean;
    squares[static_cast<size_t>(i)] = y[i] * y[i];
  }
  const float variance = RowSum(squares.data(), count) / n;
  const float factor = 1.0f / std::sqrt(variance + epsilon);  // sqrt rounds correctly (IEEE 754)
  for (int i = 0; i < count; ++i) {
    const float normal = y[i] * factor;
    const float scaled = normal * gamma[i];
    y[i] = scaled + beta[i];
  }
}

void ExactSoftmax(const float* x, int count, float* y) {
  constexpr double kFar = 700;  // beyond it e^-x rounds to 0
  const float largest = Largest(x, count);
  std::vector<double> e(static_cast<size_t>(count));
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    const double below = double{largest} - x[i];
    e[static_cast<size_t>(i)] = below > kFar ? 0 : below >= 0 ? ExpOfMinus(below) : below;
    sum += e[static_cast<size_t>(i)];
  }
  for (int i = 0; i < count; ++i) y[i] = static_cast<float>(e[static_cast<size_t>(i)] / sum);
}

void ExactLayerNorm(const float* x, int count, float epsilon, const float* gamma, const float* beta,
                    float* y) {
  double mean = 0, variance = 0;
  for (int i = 0; i < count; ++i) mean += x[i];
  mean /= count;
  for (int i = 0; i < count; ++i) variance += (x[i] - mean) * (x[i] - mean);
  const double deviation = std::sqrt(variance / count + epsilon);
  for (int i = 0; i < count; ++i) {
    y[i] = static_cast<float>((x[i] - mean) / deviation * gamma[i] + beta[i]);
  }
}

}  // namespace nibble::numerics
