// Softmax and layer normalization: against the C library in long double, and step by step.
#include "models/numerics/row_functions.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

using Row = std::vector<float>;
constexpr double kUnit = 0x1p-24;  // half a unit in the last place of 1

Row Values(Random& random, int count, float scale) {
  Row x = random.Values(count);
  for (float& v : x) v *= scale;
  return x;
}

std::vector<long double> SoftmaxReference(const Row& x) {
  const long double largest = *std::max_element(x.begin(), x.end());
  std::vector<long double> y;
  long double sum = 0;
  for (const float v : x) sum += y.emplace_back(std::exp(v - largest));
  for (long double& v : y) v /= sum;
  return y;
}

struct Moments {
  long double mean = 0, deviation = 0;
};
Moments MomentsOf(const Row& x, float epsilon) {
  Moments m;
  for (const float v : x) m.mean += v;
  m.mean /= static_cast<long double>(x.size());
  for (const float v : x) m.deviation += (v - m.mean) * (v - m.mean);
  m.deviation = std::sqrt(m.deviation / static_cast<long double>(x.size()) + epsilon);
  return m;
}

TEST_CASE("the exponential keeps its error bound, never decreases and ends at 1 and 0") {
  long double largest = 0;
  float last = 0;
  for (int i = -87 * 4096; i <= 0; ++i) {
    const float x = static_cast<float>(i) / 4096 + 0x1p-14f * static_cast<float>(i % 3);
    const long double exact = std::exp(static_cast<long double>(x));
    const long double error = std::fabs(Exp(x) - exact) / exact;
    if (!(error <= kExpError + kExpErrorPerUnit * std::fabs(x))) {
      FAIL("x = " << x << ", relative error " << static_cast<double>(error));
    }
    if (x > -1) largest = std::max(largest, error);
    if (i % 3 == 0) {
      REQUIRE(Exp(x) >= last);
      last = Exp(x);
    }
  }
  CHECK(largest > 0.7 * kExpError);  // the bound is not idle
  CHECK(Exp(0) == 1);
  CHECK(Exp(-0.0f) == 1);
  CHECK(Exp(-1e-30f) == 1);
  CHECK(Exp(-88) == 0);
  CHECK(Exp(-std::numeric_limits<float>::infinity()) == 0);
  CHECK(std::isnan(Exp(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("a row is summed in sixteen partial sums and then in pairs") {
  Random random(3);
  for (const int count : {1, 2, 15, 16, 17, 33, 197, 768}) {
    const Row x = Values(random, count, 100);
    Row sums(16, 0.0f);
    for (int i = 0; i < count; ++i) sums[static_cast<size_t>(i % 16)] += x[static_cast<size_t>(i)];
    while (sums.size() > 1) {
      Row next;
      for (size_t i = 0; i < sums.size(); i += 2) next.push_back(sums[i] + sums[i + 1]);
      sums = next;
    }
    CAPTURE(count);
    CHECK(RowSum(x.data(), count) == sums[0]);
  }
}

TEST_CASE("softmax is its definition, near the exact one, and sums to 1") {
  Random random(5);
  for (int trial = 0; trial < 300; ++trial) {
    const int count = random.Int(1, trial % 10 == 0 ? 3000 : 250);
    const Row x = Values(random, count, static_cast<float>(random.Int(1, 40)));
    Row y(x.size()), exact(x.size()), defined;
    Softmax(x.data(), count, y.data());
    ExactSoftmax(x.data(), count, exact.data());
    const float largest = *std::max_element(x.begin(), x.end());
    for (const float v : x) defined.push_back(Exp(v - largest));
    const float factor = 1.0f / RowSum(defined.data(), count);
    for (float& v : defined) v = v * factor;
    const std::vector<long double> reference = SoftmaxReference(x);
    CAPTURE(trial, count);
    CHECK(y == defined);
    long double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (!(std::fabs(y[i] - reference[i]) <= SoftmaxError(count))) FAIL("element " << i);
      if (!(std::fabs(exact[i] - reference[i]) <= 1.01L * kUnit * reference[i] + 1e-45L)) {
        FAIL("exact element " << i);
      }
      sum += y[i];
    }
    CHECK(std::fabs(sum - 1) <= RowSumError(count) + 2 * kUnit);
    Row shifted = x;  // in place, too
    Softmax(shifted.data(), count, shifted.data());
    CHECK(shifted == y);
  }
}

TEST_CASE("layer normalization is its definition and near the exact one") {
  Random random(7);
  for (int trial = 0; trial < 300; ++trial) {
    const int count = random.Int(2, trial % 10 == 0 ? 3000 : 250);
    Row x = Values(random, count, static_cast<float>(random.Int(1, 40)));
    const float offset = static_cast<float>(random.Int(-3, 3));
    for (float& v : x) v += offset;
    const Row gamma = Values(random, count, 2), beta = Values(random, count, 1);
    const float epsilon = trial % 2 == 0 ? 1e-6f : 1e-5f;
    Row y(x.size()), exact(x.size()), squares, defined;
    LayerNorm(x.data(), count, epsilon, gamma.data(), beta.data(), y.data());
    ExactLayerNorm(x.data(), count, epsilon, gamma.data(), beta.data(), exact.data());
    const float mean = RowSum(x.data(), count) / static_cast<float>(count);
    for (const float v : x) squares.push_back((v - mean) * (v - mean));
    const float variance = RowSum(squares.data(), count) / static_cast<float>(count);
    const float factor = 1.0f / std::sqrt(variance + epsilon);
    for (size_t i = 0; i < x.size(); ++i) {
      const float scaled = (x[i] - mean) * factor * gamma[i];
      defined.push_back(scaled + beta[i]);
    }
    CAPTURE(trial, count);
    CHECK(y == defined);
    const Moments m = MomentsOf(x, epsilon);
    long double most = 0;
    for (const float v : x) most = std::max(most, std::fabs(static_cast<long double>(v)));
    for (size_t i = 0; i < x.size(); ++i) {
      const long double z = (x[i] - m.mean) / m.deviation;
      // Of the mean, which moves every difference and the deviation; of the sum of squares.
      const long double bound = (RowSumError(count) + 8 * kUnit) *
                                (most / m.deviation * (1 + std::fabs(z)) + std::fabs(z)) *
                                std::fabs(gamma[i]);
      const long double reference = z * gamma[i] + beta[i];
      if (!(std::fabs(y[i] - reference) <= bound + kUnit * std::fabs(reference))) {
        FAIL("element " << i);
      }
      if (!(std::fabs(exact[i] - reference) <= 1.01L * kUnit * std::fabs(reference) + 1e-12L)) {
        FAIL("exact element " << i);
      }
    }
  }
}

}  // namespace
}  // namespace nibble::numerics
