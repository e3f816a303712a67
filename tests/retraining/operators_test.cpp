// The operators that are not LibTorch's, against closed forms.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/functions.h"
#include "sw/golden/golden.h"
#include "sw/retraining/depthwise.h"
#include "sw/retraining/epilogue.h"
#include "tests/golden/random_network.h"

namespace nibble::retraining {
namespace {

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

DepthwiseShape RandomShape(test::Random& random) {
  DepthwiseShape s;
  s.images = random.Integer(1, 2);
  s.height = random.Integer(3, 9);
  s.width = random.Integer(3, 9);
  s.channels = random.Integer(1, 37);
  s.kernel_h = random.Integer(1, 3);
  s.kernel_w = random.Integer(1, 3);
  s.stride_h = random.Integer(1, 2);
  s.stride_w = random.Integer(1, 2);
  s.dilation_h = random.Integer(1, 2);
  s.pad_top = random.Integer(0, 1);
  s.pad_left = random.Integer(0, 1);
  s.out_height =
      trace::ConvOutputLength(s.height, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top, 3);
  s.out_width =
      trace::ConvOutputLength(s.width, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left, 2);
  return s;
}

// The convolution is linear in each operand, so that its gradients are its adjoints.
TEST_CASE("depthwise convolution is the sum over the taps, and its gradients are adjoint to it",
          "[retraining]") {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    test::Random random(seed);
    const DepthwiseShape s = RandomShape(random);
    const int64_t in = int64_t{s.images} * s.height * s.width * s.channels;
    const int64_t out = int64_t{s.images} * s.out_height * s.out_width * s.channels;
    const int64_t taps = int64_t{s.kernel_h} * s.kernel_w * s.channels;
    const auto x = random.Values(in, 1), w = random.Values(taps, 1), g = random.Values(out, 1);
    std::vector<float> y(static_cast<size_t>(out), 9.0f);
    DepthwiseForward(s, x.data(), w.data(), y.data());
    size_t at = 0;
    for (int n = 0; n < s.images; ++n) {
      for (int oy = 0; oy < s.out_height; ++oy) {
        for (int ox = 0; ox < s.out_width; ++ox) {
          for (int c = 0; c < s.channels; ++c, ++at) {
            double sum = 0;
            for (int ky = 0; ky < s.kernel_h; ++ky) {
              for (int kx = 0; kx < s.kernel_w; ++kx) {
                const int row = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
                const int column = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
                if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
                const int64_t pixel = (int64_t{n} * s.height + row) * s.width + column;
                sum += double{x[static_cast<size_t>(pixel * s.channels + c)]} *
                       w[static_cast<size_t>((ky * s.kernel_w + kx) * s.channels + c)];
              }
            }
            REQUIRE(y[at] == Approx(sum).margin(1e-5));
          }
        }
      }
    }
    std::vector<float> of_x(x.size()), of_w(w.size());
    DepthwiseBackward(s, x.data(), w.data(), g.data(), of_x.data(), of_w.data());
    const double value = Dot(g, y);
    CHECK(Dot(x, of_x) == Approx(value).margin(1e-3));
    CHECK(Dot(w, of_w) == Approx(value).margin(1e-3));
  }
}

TEST_CASE("the epilogue is golden's, and its slopes are those of the exact functions",
          "[retraining]") {
  using Kind = trace::Activation::Kind;
  const trace::Activation activations[] = {
      {Kind::kNone, 0, 0},         {Kind::kRelu, 0, 0},
      {Kind::kClip, -0.25f, 1.5f}, {Kind::kHardSigmoid, 0.2f, 0.5f},
      {Kind::kHardSwish, 0, 0},    {Kind::kSigmoid, 0, 0},
      {Kind::kSilu, 0, 0},         {Kind::kGelu, 0, 0}};
  test::Random random(1);
  constexpr size_t kPixels = 50, kChannels = 21, kCount = kPixels * kChannels;
  const auto x = random.Values(kCount, 5), bias = random.Values(kChannels, 1);
  const auto residual = random.Values(kCount, 1);
  for (const trace::Activation& a : activations) {
    std::vector<float> y(kCount), derivative(kCount);
    std::vector<uint8_t> flags(kCount);
    RunEpilogue(a, {x.data(), bias.data(), residual.data(), kPixels, kChannels}, y.data(),
                flags.data(), derivative.data());
    for (size_t i = 0; i < kCount; ++i) {
      const float before = x[i] + bias[i % kChannels];
      CHECK(y[i] == golden::Activate(a, before) + residual[i]);
      const double h = 1e-3;
      const auto at = [&](double v) {
        return double{golden::ActivateExactly(a, static_cast<float>(v))};
      };
      const double slope = (at(before + h) - at(before - h)) / (2 * h);
      const double one_sided =
          std::fabs((at(before + h) - at(before)) / h - (at(before) - at(before - h)) / h);
      if (one_sided > 0.05) continue;  // a corner
      INFO(static_cast<int>(a.kind) << " at " << before);
      CHECK((IsClip(a) ? ((flags[i] & kSlope) != 0 ? 1.0 : 0.0) : double{derivative[i]}) ==
            Approx(slope).margin(5e-3));
    }
  }
}

TEST_CASE("gradients are kept and summed where flags say so", "[retraining]") {
  const std::vector<uint8_t> flags = {0, kLive, kSlope, kLive | kSlope};
  const std::vector<float> x = {1, 2, 3, 4}, g = {10, 20, 30, 40};
  std::vector<float> y(4);
  KeepWhere(flags.data(), kLive, x.data(), 4, y.data());
  CHECK(y == std::vector<float>{0, 2, 0, 4});
  KeepWhere(flags.data(), kSlope, x.data(), 4, y.data());
  CHECK(y == std::vector<float>{0, 0, 3, 4});
  CHECK(SumWhere(flags.data(), true, g.data(), x.data(), 4) == 20 * 2 + 40 * 4);
  CHECK(SumWhere(flags.data(), false, g.data(), x.data(), 4) == 10 * 1 + 30 * 3);
}

}  // namespace
}  // namespace nibble::retraining
