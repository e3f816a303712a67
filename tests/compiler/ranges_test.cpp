#include "sw/compiler/ranges.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "models/numerics/elements.h"
#include "sw/compiler/compiler.h"
#include "tests/numerics/testing.h"

namespace nibble::compiler {
namespace {

MagnitudeHistogram Histogram(const std::vector<float>& x) {
  MagnitudeHistogram h;
  h.Add(x);
  return h;
}

TEST_CASE("the largest magnitude is exact, and NaN and infinities do not count") {
  const float inf = std::numeric_limits<float>::infinity();
  const MagnitudeHistogram h =
      Histogram({0.1f, -3.14159274f, std::nanf(""), inf, -inf, 0.0f, -0.0f, 1e-42f});
  REQUIRE(h.Range({}) == 3.14159274f);
  REQUIRE(Histogram({}).Range({}) == 0);
  REQUIRE(Histogram({std::numeric_limits<float>::max()}).Range({}) ==
          std::numeric_limits<float>::max());
}

TEST_CASE("percentiles are those of the sorted magnitudes, to one part in 128") {
  numerics::Random random(4);
  const std::vector<float> x = random.Values(20000);
  std::vector<float> sorted;
  for (const float v : x) sorted.push_back(std::fabs(v));
  std::sort(sorted.begin(), sorted.end());
  const MagnitudeHistogram h = Histogram(x);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 99.995, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 20000));
    const float exact = sorted[rank - 1];
    const float range = h.Range(ParseRangeChoice("percentile:" + std::to_string(percent)));
    REQUIRE(range >= exact);
    REQUIRE(range <= exact * (1 + 1.0f / 64));
  }
  REQUIRE(h.Range(ParseRangeChoice("percentile:100")) == sorted.back());
}

double SquaredError(const std::vector<float>& x, numerics::Element element, float range) {
  const float scale = range / numerics::ElementMax(element);
  double error = 0;
  for (const float v : x) {
    const float q = numerics::DecodeElement(element, numerics::EncodeElement(element, v / scale));
    error += std::pow(double{q} * scale - v, 2);
  }
  return error;
}

TEST_CASE("the range of least squared error beats every other that is tried") {
  numerics::Random random(5);
  std::vector<float> x = random.Values(5000);
  x.push_back(40);  // an outlier that is worth clipping
  const MagnitudeHistogram h = Histogram(x);
  for (const char* format : {"fp4-tensor", "int4-channel", "int8-channel", "fp8"}) {
    CAPTURE(format);
    const RangeChoice choice = ParseRangeChoice(std::string("mse:") + format);
    const numerics::Element element = numerics::SpecOf(choice.format).element;
    const float range = h.Range(choice);
    REQUIRE(range <= 40);
    const double least = SquaredError(x, element, range);
    for (int part = 1; part <= 64; ++part) {
      REQUIRE(least <= SquaredError(x, element, 40.0f * static_cast<float>(part) / 64) * 1.02);
    }
  }
  // Four bits clip it, eight do not.
  REQUIRE(h.Range(ParseRangeChoice("mse")) < 20);
  REQUIRE(h.Range(ParseRangeChoice("mse")) == h.Range(ParseRangeChoice("mse:fp4-tensor")));
  REQUIRE(h.Range(ParseRangeChoice("mse:fp8")) > 30);
  REQUIRE(Histogram({0, 0}).Range(ParseRangeChoice("mse")) == 0);
}

TEST_CASE("calibration takes the range that is chosen, over all inputs") {
  trace::Network net = BuildNetwork("mobilenet_v2", 32);
  const std::vector<std::vector<float>> inputs = {GeneratedInput(net, 1), GeneratedInput(net, 2)};
  Calibrate(net, inputs);
  const trace::Network widest = net;
  Calibrate(net, inputs, nullptr, ParseRangeChoice("percentile:99"));
  int smaller = 0;
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    REQUIRE(net.tensors[t].amax <= widest.tensors[t].amax);
    REQUIRE(net.tensors[t].amax > 0);
    smaller += net.tensors[t].amax < 0.9f * widest.tensors[t].amax;
  }
  REQUIRE(smaller > 20);
  MagnitudeHistogram input;
  for (const auto& x : inputs) input.Add(x);
  REQUIRE(net.tensors[net.input].amax == input.Range(ParseRangeChoice("percentile:99")));
}

TEST_CASE("choices that are none are refused") {
  for (const char* text : {"", "max", "percentile", "percentile:", "percentile:0", "percentile:101",
                           "percentile:9x", "mse:", "mse:nvfp4", "mse:mxfp4", "mse:fp16"}) {
    CAPTURE(text);
    REQUIRE_THROWS_AS(ParseRangeChoice(text), std::invalid_argument);
  }
}

}  // namespace
}  // namespace nibble::compiler
