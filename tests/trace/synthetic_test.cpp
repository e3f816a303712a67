#include "sw/trace/synthetic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "tests/trace/small_network.h"

namespace nibble::trace {
namespace {

// The first three outputs of the reference implementation with state 0.
constexpr uint64_t kFirst[] = {0xE220A8397B1DCDAFu, 0x6E789E6AA1B965F4u, 0x06C45D188009454Fu};

TEST_CASE("splitmix64 gives the published sequence") {
  for (uint64_t i = 0; i < 3; ++i) REQUIRE(Splitmix64(0, i) == kFirst[i]);
}

TEST_CASE("the first value is the centred sum of twelve 16-bit words") {
  int64_t sum = 0;
  for (const uint64_t word : kFirst) {
    sum += static_cast<int64_t>((word >> 48) + (word >> 32 & 0xFFFF) + (word >> 16 & 0xFFFF) +
                                (word & 0xFFFF));
  }
  REQUIRE(sum == 397544);
  REQUIRE(SyntheticValue(0, 0, 1u << 16) == static_cast<float>(4334) / 65536.0f);
  REQUIRE(SyntheticValue(0, 0, 6554) == static_cast<float>(433) / 65536.0f);
}

TEST_CASE("mean and standard deviation are those stated") {
  constexpr uint64_t kCount = 200000;
  for (const uint32_t gain : {1u << 16, 6000u, 500u, kMaxGain}) {
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < kCount; ++i) {
      const double x = SyntheticValue(gain, i, gain);
      REQUIRE(std::fabs(x) < 6.0 * gain / 65536);
      sum += x;
      squares += x * x;
    }
    const double deviation = gain / 65536.0, mean = sum / kCount;
    // Four standard errors of the mean; the deviation's is 1 / sqrt(2 n) = 0.16 %.
    REQUIRE(std::fabs(mean) < 4 * deviation / std::sqrt(double{kCount}));
    REQUIRE(std::sqrt(squares / kCount - mean * mean) == Approx(deviation).epsilon(0.007));
  }
}

TEST_CASE("values are multiples of 2^-16, up to the largest gain") {
  for (uint64_t i = 0; i < 1000; ++i) {
    const float scaled = SyntheticValue(7, i, kMaxGain) * 65536.0f;
    REQUIRE(scaled == std::floor(scaled));
    REQUIRE(std::fabs(scaled) < 0x1p23f);
  }
}

TEST_CASE("weights and biases of a layer are separate streams") {
  Network net = test::SmallNetwork();
  const Layer& l = net.layers[1];
  const std::vector<float> weights = LayerWeights(net, l), bias = LayerBias(net, l);
  REQUIRE(weights.size() == 36);
  REQUIRE(bias.size() == 4);
  for (size_t i = 0; i < weights.size(); ++i) REQUIRE(weights[i] == SyntheticValue(42, i, 20000));
  std::set<float> values(weights.begin(), weights.end());
  for (const float b : bias) {
    REQUIRE(values.insert(b).second);
    REQUIRE(std::fabs(b) < 6.0f / 16);
  }
}

}  // namespace
}  // namespace nibble::trace
