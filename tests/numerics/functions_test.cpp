// Activation functions against the C library in long double.
#include "models/numerics/functions.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

long double SigmoidReference(float x) { return 1 / (1 + std::exp(-static_cast<long double>(x))); }
long double NormalReference(float x) {
  return std::erfc(-static_cast<long double>(x) / std::sqrt(2.0L)) / 2;
}

struct Function {
  const char* name;
  float (*table)(float);
  float (*exact)(float);
  long double (*reference)(float);
  double bound;
};
const Function kFunctions[] = {
    {"sigmoid", Sigmoid, ExactSigmoid, SigmoidReference, kSigmoidError},
    {"normal", Normal, ExactNormal, NormalReference, kNormalError},
};

// Half a unit in the last place of binary32 at |y|.
long double HalfUlp(long double y) {
  const int exponent = std::max(std::ilogb(y), -126);
  return std::ldexp(1.0L, exponent - 24);
}

// Ascending: every step of the tables, its middle, and the neighbours of both in binary32.
std::vector<float> Sweep() {
  std::vector<float> xs;
  for (int i = -17 * 128; i <= 17 * 128; ++i) {
    const float x = static_cast<float>(i) / 128;
    xs.insert(xs.end(), {std::nextafter(x, -kInfinity), x, std::nextafter(x, kInfinity)});
    for (int j = 1; j < 8; ++j) xs.push_back(x + static_cast<float>(j) / 1024);
  }
  return xs;
}

TEST_CASE("tables keep their error bounds at every step, middle and edge") {
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    long double largest = 0;
    for (const float x : Sweep()) {
      const long double error = std::fabs(f.table(x) - f.reference(x));
      if (!(error <= f.bound)) FAIL("x = " << x << ", error " << static_cast<double>(error));
      largest = std::max(largest, error);
    }
    REQUIRE(largest > 0.9 * f.bound);  // the bound is not idle
  }
}

TEST_CASE("table entries are the rounded exact values") {
  for (const Function& f : kFunctions) {
    for (int i = -1024; i <= 1024; ++i) {
      const float x = static_cast<float>(i) / 64;
      CAPTURE(f.name, x);
      // 2^-50 of the series, and one rounding to binary32.
      REQUIRE(std::fabs(f.table(x) - f.reference(x)) <=
              HalfUlp(f.reference(x)) + std::ldexp(1.0L, -50));
    }
  }
}

TEST_CASE("exact functions are correct to the rounding of binary32 over their whole range") {
  Random random(3);
  for (const Function& f : kFunctions) {
    for (int i = 0; i < 200000; ++i) {
      const float x = static_cast<float>(random.Int(-(1 << 24), 1 << 24)) * 0x1p-20f *
                      (i % 3 == 0 ? 0.01f : 1.0f) * (i % 5 == 0 ? 7.0f : 1.0f);
      const long double expected = f.reference(x);
      const long double error = std::fabs(f.exact(x) - expected);
      if (!(error <= HalfUlp(expected) * 1.0001L)) {
        FAIL(f.name << " at " << x << ": " << f.exact(x));
      }
    }
  }
}

TEST_CASE("tables never decrease, and stay within 0..1") {
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    float last = 0;
    for (const float x : Sweep()) {
      const float y = f.table(x);
      if (y < last || y > 1) FAIL("x = " << x);
      last = y;
    }
  }
}

TEST_CASE("values that are known") {
  REQUIRE(Sigmoid(0.0f) == 0.5f);
  REQUIRE(Normal(0.0f) == 0.5f);
  REQUIRE(Silu(0.0f) == 0.0f);
  REQUIRE(Gelu(0.0f) == 0.0f);
  REQUIRE(Sigmoid(1.0f) == 0.731058579f);
  REQUIRE(Normal(1.0f) == 0.841344746f);
  REQUIRE(Silu(1.0f) == 0.731058579f);
  REQUIRE(Gelu(-1.0f) == -0.158655254f);
  // Half a step from 1: the mean of two neighbours, of which the second is sigmoid(65/64).
  REQUIRE(Sigmoid(1.0f + 1.0f / 128) == Approx((0.7310585786 + 0.7341178298) / 2).margin(1e-7));
  REQUIRE(HardSigmoid(1.0f, 0.2f, 0.5f) == 0.7f);
  REQUIRE(HardSigmoid(-9.0f, 0.2f, 0.5f) == 0.0f);
  REQUIRE(HardSigmoid(9.0f, 0.2f, 0.5f) == 1.0f);
  REQUIRE(HardSwish(-3.0f) == 0.0f);
  REQUIRE(HardSwish(3.0f) == 3.0f);
  REQUIRE(HardSwish(1.5f) == 1.125f);
  REQUIRE(HardSwish(8.0f) == 8.0f);
}

TEST_CASE("symmetry: f(-x) = 1 - f(x) to the error bound") {
  for (const Function& f : kFunctions) {
    for (float x = 0; x < 16.5f; x += 0.013f) {
      REQUIRE(std::fabs(double{f.table(-x)} + double{f.table(x)} - 1) <= 2 * f.bound);
    }
  }
}

TEST_CASE("NaN, infinities and the ends of the tables") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Function& f : kFunctions) {
    CAPTURE(f.name);
    REQUIRE(std::isnan(f.table(nan)));
    REQUIRE(std::isnan(f.exact(nan)));
    REQUIRE(f.table(-kInfinity) == f.table(-16.0f));
    REQUIRE(f.table(kInfinity) == f.table(16.0f));
    REQUIRE(f.table(std::nextafter(-16.0f, -kInfinity)) == f.table(-16.0f));
    REQUIRE(f.exact(-kInfinity) == 0);
    REQUIRE(f.exact(kInfinity) == 1);
    REQUIRE(f.table(-0.0f) == 0.5f);
    REQUIRE(f.table(std::numeric_limits<float>::denorm_min()) == 0.5f);
    REQUIRE(f.table(-std::numeric_limits<float>::denorm_min()) == 0.5f);
  }
  REQUIRE(Sigmoid(-16.0f) == 1.12535162e-7f);
  REQUIRE(std::isnan(Silu(nan)));
  REQUIRE(std::isnan(Gelu(nan)));
  REQUIRE(std::isnan(HardSigmoid(nan, 0.2f, 0.5f)));
  REQUIRE(std::isnan(HardSwish(nan)));
  REQUIRE(Silu(kInfinity) == kInfinity);
  REQUIRE(HardSigmoid(-kInfinity, 0.2f, 0.5f) == 0);
  REQUIRE(HardSigmoid(kInfinity, 0.2f, 0.5f) == 1);
}

}  // namespace
}  // namespace nibble::numerics
