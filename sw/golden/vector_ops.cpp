#include "sw/golden/vector_ops.h"

#include <fmt/format.h>

#include <stdexcept>

#include "models/numerics/functions.h"
#include "models/numerics/row_functions.h"
#include "sw/golden/golden.h"
#include "sw/golden/taps.h"

namespace nibble::golden {
namespace {

using Values = std::vector<float>;

Values Add(const trace::Layer& l, const Functions& f, const Values& a, const Values& b) {
  Values y(a.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = f.activate(l.activation, a[i] + b[i]);
  return y;
}

// `b` has the elements of `a`, or one pixel.
Values Multiply(const trace::Layer& l, const Functions& f, const Values& a, const Values& b) {
  Values y(a.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = f.activate(l.activation, a[i] * b[i % b.size()]);
  return y;
}

Values GlobalAveragePool(const Values& x, int channels) {
  Values y(static_cast<size_t>(channels));
  const size_t pixels = x.size() / y.size();
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < y.size(); ++c) y[c] += x[p * y.size() + c];
  }
  const auto count = static_cast<float>(pixels);
  for (float& v : y) v /= count;
  return y;
}

// One output pixel of a window: its `channels` elements at `y`.
void PoolWindow(const trace::Layer& l, const trace::Shape& in, const Values& x, int oy, int ox,
                float* y) {
  const bool mean = l.op == trace::Op::kAveragePool;
  int inside = 0;
  ForEachTap(l, in, oy, ox, [&](int, int pixel) {
    const float* from = &x[static_cast<size_t>(pixel) * in.channels];
    for (int c = 0; c < in.channels; ++c) {
      if (mean) {
        y[c] += from[c];  // begins at +0
      } else if (inside == 0 || from[c] > y[c]) {
        y[c] = from[c];
      }
    }
    ++inside;
  });
  if (!mean) return;
  const auto count = static_cast<float>(l.count_padding ? l.kernel_h * l.kernel_w : inside);
  for (int c = 0; c < in.channels; ++c) y[c] /= count;
}

Values Pool(const trace::Layer& l, const trace::Shape& in, const trace::Shape& out,
            const Values& x) {
  Values y(static_cast<size_t>(out.elements()));
  for (int oy = 0; oy < out.height; ++oy) {
    for (int ox = 0; ox < out.width; ++ox) {
      PoolWindow(l, in, x, oy, ox, &y[(static_cast<size_t>(oy) * out.width + ox) * out.channels]);
    }
  }
  return y;
}

// y[pixel][channel] = source(pixel, channel).
template <typename Source>
Values Gather(const trace::Shape& out, Source source) {
  Values y;
  y.reserve(static_cast<size_t>(out.elements()));
  for (int p = 0; p < out.pixels(); ++p) {
    for (int c = 0; c < out.channels; ++c) y.push_back(source(static_cast<size_t>(p), c));
  }
  return y;
}

Values Concat(const trace::Network& net, const trace::Layer& l,
              const std::vector<const Values*>& operands) {
  const trace::Shape& out = net.tensors[l.output].shape;
  Values y;
  y.reserve(static_cast<size_t>(out.elements()));
  for (int p = 0; p < out.pixels(); ++p) {
    for (size_t i = 0; i < operands.size(); ++i) {
      const int channels = net.tensors[l.operands[i]].shape.channels;
      const auto pixel = operands[i]->begin() + static_cast<std::ptrdiff_t>(p) * channels;
      y.insert(y.end(), pixel, pixel + channels);
    }
  }
  return y;
}

// y[pixel] = function(x[pixel]), rows of `channels`.
template <typename Function>
Values Rows(const Values& x, size_t channels, Function function) {
  Values y(x.size());
  for (size_t i = 0; i < x.size(); i += channels) {
    function(&x[i], static_cast<int>(channels), &y[i]);
  }
  return y;
}

Values Stack(const std::vector<const Values*>& operands) {
  Values y;
  for (const Values* x : operands) y.insert(y.end(), x->begin(), x->end());
  return y;
}

float Apply(const trace::Activation& a, float x, float (*sigmoid)(float), float (*normal)(float)) {
  switch (a.kind) {
    case trace::Activation::Kind::kNone:
      return x;
    case trace::Activation::Kind::kRelu:
      return x < 0.0f ? 0.0f : x;
    case trace::Activation::Kind::kClip:
      return x < a.lo ? a.lo : x > a.hi ? a.hi : x;
    case trace::Activation::Kind::kHardSigmoid:
      return numerics::HardSigmoid(x, a.lo, a.hi);
    case trace::Activation::Kind::kHardSwish:
      return numerics::HardSwish(x);
    case trace::Activation::Kind::kSigmoid:
      return sigmoid(x);
    case trace::Activation::Kind::kSilu:
      return x * sigmoid(x);
    case trace::Activation::Kind::kGelu:
      return x * normal(x);
  }
  return x;
}

}  // namespace

void CheckInput(const trace::Network& net, const std::vector<float>& input) {
  const int64_t expected = net.tensors[net.input].shape.elements();
  if (static_cast<int64_t>(input.size()) != expected) {
    throw std::invalid_argument(fmt::format("input has {} elements, network \"{}\" takes {}",
                                            input.size(), net.name, expected));
  }
}

float Activate(const trace::Activation& activation, float x) {
  return Apply(activation, x, numerics::Sigmoid, numerics::Normal);
}

float ActivateExactly(const trace::Activation& activation, float x) {
  return Apply(activation, x, numerics::ExactSigmoid, numerics::ExactNormal);
}

const Functions kDatapathFunctions = {Activate, numerics::Softmax, numerics::LayerNorm};
const Functions kExactFunctions = {ActivateExactly, numerics::ExactSoftmax,
                                   numerics::ExactLayerNorm};

void Finish(const trace::Layer& l, const Functions& functions, const std::vector<float>& bias,
            const std::vector<float>& residual, std::vector<float>& y) {
  const size_t channels = bias.size();
  for (size_t i = 0; i < y.size(); i += channels) {
    for (size_t n = 0; n < channels; ++n) {
      y[i + n] = functions.activate(l.activation, y[i + n] + bias[n]);
    }
  }
  for (size_t i = 0; i < residual.size(); ++i) y[i] += residual[i];
}

std::vector<float> VectorOperator(const trace::Network& net, const trace::Layer& l,
                                  const Functions& functions,
                                  const std::vector<const std::vector<float>*>& operands) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const Values& x = *operands[0];
  const auto channels = static_cast<size_t>(in.channels);
  switch (l.op) {
    case trace::Op::kAdd:
      return Add(l, functions, x, *operands[1]);
    case trace::Op::kMultiply:
      return Multiply(l, functions, x, *operands[1]);
    case trace::Op::kGlobalAveragePool:
      return GlobalAveragePool(x, in.channels);
    case trace::Op::kMaxPool:
    case trace::Op::kAveragePool:
      return Pool(l, in, out, x);
    case trace::Op::kConcat:
      return Concat(net, l, operands);
    case trace::Op::kSlice:
      return Gather(out, [&](size_t p, int c) { return x[p * channels + l.first_channel + c]; });
    case trace::Op::kShuffle:
      return Gather(out, [&](size_t p, int c) {
        return x[p * channels + c % l.groups * (in.channels / l.groups) + c / l.groups];
      });
    case trace::Op::kActivate:
      return Gather(out, [&](size_t p, int c) {
        return functions.activate(l.activation, x[p * channels + c]);
      });
    case trace::Op::kTranspose:
      return Gather(out, [&](size_t p, int c) { return x[static_cast<size_t>(c) * channels + p]; });
    case trace::Op::kSoftmax:
      return Rows(x, channels, functions.softmax);
    case trace::Op::kLayerNorm: {
      const Values gamma = trace::LayerWeights(net, l), beta = trace::LayerBias(net, l);
      return Rows(x, channels, [&](const float* row, int count, float* y) {
        functions.layer_norm(row, count, l.epsilon, gamma.data(), beta.data(), y);
      });
    }
    case trace::Op::kStack:
      return Stack(operands);
    case trace::Op::kPick:
      return Gather(out, [&](size_t p, int c) { return x[(l.first_pixel + p) * channels + c]; });
    case trace::Op::kConv:
    case trace::Op::kDepthwiseConv:
    case trace::Op::kFullyConnected:
    case trace::Op::kMatMul:
      break;
  }
  throw std::invalid_argument(fmt::format("layer \"{}\": {} multiplies", l.name, OpName(l.op)));
}

}  // namespace nibble::golden
