#include "tests/golden/exact_layer.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "models/numerics/quantize.h"
#include "tests/golden/naive_operator.h"

namespace nibble::golden {

using numerics::Datapath;
using numerics::Format;
using numerics::StoredActivations;
using trace::Op;

namespace {

// Sums are exact in long double: FP16 weights need 26 + 25 bits, and 4 more for the activation
// scale.
static_assert(std::numeric_limits<long double>::digits >= 64, "exact sums need 64 bits");

long double Minifloat(uint32_t code, int exponent_bits, int mantissa_bits, int bias) {
  const uint32_t mantissa = code & ((1u << mantissa_bits) - 1);
  const uint32_t exponent = code >> mantissa_bits & ((1u << exponent_bits) - 1);
  const bool negative = code >> (mantissa_bits + exponent_bits) & 1;
  const long double magnitude =
      exponent == 0 ? std::ldexp(static_cast<long double>(mantissa), 1 - bias - mantissa_bits)
                    : std::ldexp(static_cast<long double>(mantissa + (1u << mantissa_bits)),
                                 static_cast<int>(exponent) - bias - mantissa_bits);
  return negative ? -magnitude : magnitude;
}
long double E2M1(uint32_t code) { return Minifloat(code, 2, 1, 1); }
long double E4M3(uint32_t code) { return Minifloat(code, 4, 3, 7); }
long double Weight(Format format, uint32_t code) {
  if (format == Format::kFp16) return Minifloat(code, 5, 10, 15);
  return format == Format::kFp8 ? E4M3(code) : E2M1(code);
}

}  // namespace

Operand Activation(const StoredActivations& x, int pixel, int channel) {
  if (x.layout.format == Format::kFp32) {
    float value = 0;  // little-endian, as the machine that runs this
    std::memcpy(&value, &x.codes[(static_cast<size_t>(pixel) * x.layout.channels + channel) * 4],
                4);
    return {value, 1};
  }
  const int channels = x.layout.channels, bytes = (channels + 1) / 2;
  const uint32_t byte = x.codes[static_cast<size_t>(pixel) * bytes + channel / 2];
  const long double value = E2M1(channel % 2 == 0 ? byte & 15 : byte >> 4);
  if (x.layout.format != Format::kNvfp4) return {value, 1};
  const int blocks = (channels + x.layout.block - 1) / x.layout.block;
  size_t scale = static_cast<size_t>(pixel) * blocks + channel / x.layout.block;
  if (const int width = x.layout.strip_row; width > 0) {  // [row][strip][channel]
    const int strips = (width + x.layout.block - 1) / x.layout.block;
    scale =
        static_cast<size_t>(pixel / width * strips + pixel % width / x.layout.block) * channels +
        channel;
  }
  return {value, E4M3(x.scales[scale])};
}

namespace {

float Dequantised(const StoredActivations& x, size_t i) {
  const Operand o = Activation(x, static_cast<int>(i / x.layout.channels),
                               static_cast<int>(i % x.layout.channels));
  const float scale = static_cast<float>(o.scale) * x.scale.decode;
  return static_cast<float>(o.value) * scale;
}

// One accumulated output: run `tap` of the reduction axis after run `tap`, block after block.
float Sum(const trace::Network& net, const trace::Layer& l, const StoredActivations& x,
          const numerics::QuantizedWeights& w, int oy, int ox, int n) {
  const trace::Shape in = net.tensors[l.input].shape;
  const bool depthwise = l.op == Op::kDepthwiseConv;
  const int taps = l.kernel_h * l.kernel_w, run = depthwise ? taps : in.channels / l.groups;
  const int first = n / (net.tensors[l.output].shape.channels / l.groups) * run;  // of the group
  const int blocks = (run + w.block - 1) / w.block;
  const auto term = [&](long double sum, long double a_scale, size_t weight_block) {
    const long double w_scale = w.format == Format::kNvfp4 ? E4M3(w.scales[weight_block]) : 1.0L;
    return static_cast<float>(sum * a_scale * w_scale);  // exact but for FP8 and FP16 weights
  };
  float acc = 0;
  for (int tap = 0; tap < taps; ++tap) {
    const int iy = oy * l.stride_h + tap / l.kernel_w * l.dilation_h - l.pad_top;
    const int ix = ox * l.stride_w + tap % l.kernel_w * l.dilation_w - l.pad_left;
    if (iy < 0 || iy >= in.height || ix < 0 || ix >= in.width) continue;
    const int pixel = iy * in.width + ix;
    if (depthwise) {
      const Operand a = Activation(x, pixel, n);
      acc += term(a.value * Weight(w.format, w.codes[n * taps + tap]), a.scale,
                  n * blocks + tap / w.block);
      continue;
    }
    // Elements of one term share both scales: a new one begins with each block of either operand.
    long double sum = 0;
    for (int c = 0; c < run; ++c) {
      const Operand a = Activation(x, pixel, first + c);
      const int weight = (n * taps + tap) * run + c;
      sum += a.value * Weight(w.format, w.codes[weight]);
      const bool last =
          c + 1 == run || (c + 1) % w.block == 0 || (first + c + 1) % x.layout.block == 0;
      if (!last) continue;
      acc += term(sum, a.scale, (n * taps + tap) * blocks + c / w.block);
      sum = 0;
    }
  }
  return acc;
}

// The second operand's codes and block scales as they are stored; nothing is quantised anew.
std::vector<float> MatMul(const trace::Layer& l, const StoredActivations& a,
                          const StoredActivations& b) {
  const float b_scale = b.scale.decode * l.scale;
  const float scale = a.scale.decode * b_scale;
  std::vector<float> y;
  for (int p = 0; p < a.layout.pixels; ++p) {
    for (int n = 0; n < b.layout.pixels; ++n) {
      float acc = 0;
      long double sum = 0;
      for (int c = 0; c < a.layout.channels; ++c) {
        const Operand x = Activation(a, p, c), w = Activation(b, n, c);
        sum += x.value * w.value;
        if (c + 1 < a.layout.channels && (c + 1) % a.layout.block != 0) continue;
        acc += static_cast<float>(sum * x.scale * w.scale);
        sum = 0;
      }
      y.push_back(acc * scale);
    }
  }
  return y;
}

}  // namespace

std::vector<float> ExactLayer(const trace::Network& net, const trace::Layer& l,
                              const Datapath& datapath,
                              const std::vector<StoredActivations>& tensors) {
  if (l.op == Op::kMatMul) return MatMul(l, tensors[l.input], tensors[l.residual]);
  if (!l.has_weights()) {
    const auto value = [&](int t, int p, int c) {
      return Dequantised(tensors[t], static_cast<size_t>(p) * tensors[t].layout.channels + c);
    };
    return test::NaiveOperator(net, l, value, kDatapathFunctions);
  }
  const trace::Shape in = net.tensors[l.input].shape, out = net.tensors[l.output].shape;
  const StoredActivations& x = tensors[l.input];
  const bool depthwise = l.op == Op::kDepthwiseConv;
  const int taps = l.kernel_h * l.kernel_w;
  const numerics::QuantizedWeights w = numerics::QuantizeWeights(
      l.weights.data(), out.channels, depthwise ? 1 : taps,
      depthwise ? taps : in.channels / l.groups, datapath.weights, datapath.weight_block);
  std::vector<float> y;
  for (int oy = 0; oy < out.height; ++oy) {
    for (int ox = 0; ox < out.width; ++ox) {
      for (int n = 0; n < out.channels; ++n) {
        const size_t i = y.size();
        const float scale = x.scale.decode * w.channel_scale[n];
        const float scaled = Sum(net, l, x, w, oy, ox, n) * scale;
        const float active = Activate(l.activation, scaled + l.bias[n]);
        y.push_back(l.residual < 0 ? active : active + Dequantised(tensors[l.residual], i));
      }
    }
  }
  return y;
}

}  // namespace nibble::golden
