// The operators without dot products as plain loops over single elements.
#pragma once

#include <stdexcept>
#include <vector>

#include "sw/golden/vector_ops.h"
#include "sw/trace/network.h"

namespace nibble::test {

// `value(tensor, pixel, channel)` reads an operand; `functions` are golden's, tested on their own.
template <typename Value>
std::vector<float> NaiveOperator(const trace::Network& net, const trace::Layer& l, Value value,
                                 const golden::Functions& functions) {
  using trace::Op;
  const trace::Shape in = net.tensors[l.input].shape, out = net.tensors[l.output].shape;
  const auto pooled = [&](int oy, int ox, int c) {
    float result = 0;
    int taps = 0;
    for (int ky = 0; ky < l.kernel_h; ++ky) {
      for (int kx = 0; kx < l.kernel_w; ++kx) {
        const int iy = oy * l.stride_h + ky * l.dilation_h - l.pad_top;
        const int ix = ox * l.stride_w + kx * l.dilation_w - l.pad_left;
        if (iy < 0 || iy >= in.height || ix < 0 || ix >= in.width) continue;
        const float x = value(l.input, iy * in.width + ix, c);
        if (l.op == Op::kAveragePool) {
          result = result + x;
        } else {
          result = taps == 0 || x > result ? x : result;
        }
        ++taps;
      }
    }
    if (l.op == Op::kMaxPool) return result;
    return result / static_cast<float>(l.count_padding ? l.kernel_h * l.kernel_w : taps);
  };
  const auto activate = functions.activate;
  const auto row = [&](int p) {
    std::vector<float> x, y(static_cast<size_t>(in.channels));
    for (int c = 0; c < in.channels; ++c) x.push_back(value(l.input, p, c));
    if (l.op == Op::kSoftmax) {
      functions.softmax(x.data(), in.channels, y.data());
    } else {
      const std::vector<float> gamma = trace::LayerWeights(net, l), beta = trace::LayerBias(net, l);
      functions.layer_norm(x.data(), in.channels, l.epsilon, gamma.data(), beta.data(), y.data());
    }
    return y;
  };
  const auto element = [&](int p, int c) -> float {
    switch (l.op) {
      case Op::kAdd:
        return activate(l.activation, value(l.input, p, c) + value(l.residual, p, c));
      case Op::kMultiply: {
        const bool pixel = net.tensors[l.residual].shape.pixels() == 1;
        return activate(l.activation, value(l.input, p, c) * value(l.residual, pixel ? 0 : p, c));
      }
      case Op::kGlobalAveragePool: {
        float sum = 0;
        for (int i = 0; i < in.pixels(); ++i) sum = sum + value(l.input, i, c);
        return sum / static_cast<float>(in.pixels());
      }
      case Op::kMaxPool:
      case Op::kAveragePool:
        return pooled(p / out.width, p % out.width, c);
      case Op::kConcat: {
        size_t i = 0;
        while (c >= net.tensors[l.operands[i]].shape.channels) {
          c -= net.tensors[l.operands[i++]].shape.channels;
        }
        return value(l.operands[i], p, c);
      }
      case Op::kSlice:
        return value(l.input, p, l.first_channel + c);
      case Op::kShuffle:  // [groups][channels of a group] transposed
        return value(l.input, p, c % l.groups * (in.channels / l.groups) + c / l.groups);
      case Op::kActivate:
        return activate(l.activation, value(l.input, p, c));
      case Op::kTranspose:
        return value(l.input, c, p);
      case Op::kSoftmax:
      case Op::kLayerNorm:
        return row(p)[static_cast<size_t>(c)];
      case Op::kStack: {
        size_t i = 0;
        while (p >= net.tensors[l.operands[i]].shape.pixels()) {
          p -= net.tensors[l.operands[i++]].shape.pixels();
        }
        return value(l.operands[i], p, c);
      }
      case Op::kPick:
        return value(l.input, l.first_pixel + p, c);
      default:
        throw std::logic_error("has weights");
    }
  };
  std::vector<float> y;
  for (int p = 0; p < out.pixels(); ++p) {
    for (int c = 0; c < out.channels; ++c) y.push_back(element(p, c));
  }
  return y;
}

}  // namespace nibble::test
