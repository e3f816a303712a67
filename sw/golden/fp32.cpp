// FP32 inference. Output channels are innermost, so that the compiler can vectorise across them
// without changing the order in which any one output is summed.
#include "models/numerics/parallel.h"
#include "sw/golden/golden.h"
#include "sw/golden/taps.h"
#include "sw/golden/vector_ops.h"

namespace nibble::golden {
namespace {

// [rows][columns] -> [columns][rows].
std::vector<float> Transpose(const std::vector<float>& x, int rows, int columns) {
  std::vector<float> out(x.size());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      out[static_cast<size_t>(c) * rows + r] = x[static_cast<size_t>(r) * columns + c];
    }
  }
  return out;
}

// Calls visit(y, x, index of the first element) for every output pixel, on all threads.
template <typename Visit>
void ForEachPixel(const trace::Shape& out, Visit visit) {
  numerics::ParallelFor(static_cast<size_t>(out.pixels()), 1, [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) {
      const int pixel = static_cast<int>(p);
      visit(pixel / out.width, pixel % out.width, p * static_cast<size_t>(out.channels));
    }
  });
}

std::vector<float> Dense(const trace::Network& net, const trace::Layer& l,
                         const std::vector<float>& x) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const int segment = trace::ReductionSegment(net, l);  // input channels of a group
  const int group = out.channels / l.groups;            // output channels of a group
  const std::vector<float> weights = Transpose(trace::LayerWeights(net, l), out.channels,
                                               trace::ReductionSegments(net, l) * segment);
  std::vector<float> y(static_cast<size_t>(out.elements()));
  ForEachPixel(out, [&](int oy, int ox, size_t at) {
    float* acc = &y[at];
    ForEachTap(l, in, oy, ox, [&](int tap, int pixel) {
      const float* a = &x[static_cast<size_t>(pixel) * in.channels];
      const float* w = &weights[static_cast<size_t>(tap) * segment * out.channels];
      for (int c = 0; c < in.channels; ++c) {
        const float value = a[c];
        if (value == 0.0f) continue;  // adds +-0 to a sum that is never -0: no change
        const int first = c / segment * group;
        const float* row = w + static_cast<size_t>(c % segment) * out.channels;
        for (int n = first; n < first + group; ++n) acc[n] += value * row[n];
      }
    });
  });
  return y;
}

// The pixels of the second operand are the weights.
std::vector<float> MatMul(const trace::Network& net, const trace::Layer& l,
                          const std::vector<float>& a, const std::vector<float>& b) {
  const int in = net.tensors[l.input].shape.channels;
  const trace::Shape& out = net.tensors[l.output].shape;
  const std::vector<float> weights = Transpose(b, out.channels, in);
  std::vector<float> y(static_cast<size_t>(out.elements()));
  ForEachPixel(out, [&](int, int, size_t at) {
    const float* x = &a[at / out.channels * in];
    for (int c = 0; c < in; ++c) {
      const float* row = &weights[static_cast<size_t>(c) * out.channels];
      for (int n = 0; n < out.channels; ++n) y[at + n] += x[c] * row[n];
    }
    for (int n = 0; n < out.channels; ++n) y[at + n] *= l.scale;
  });
  return y;
}

std::vector<float> Depthwise(const trace::Network& net, const trace::Layer& l,
                             const std::vector<float>& x) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const int channels = in.channels;
  const std::vector<float> weights =
      Transpose(trace::LayerWeights(net, l), channels, trace::ReductionSegment(net, l));
  std::vector<float> y(static_cast<size_t>(out.elements()));
  ForEachPixel(out, [&](int oy, int ox, size_t at) {
    float* acc = &y[at];
    ForEachTap(l, in, oy, ox, [&](int tap, int pixel) {
      const float* a = &x[static_cast<size_t>(pixel) * channels];
      const float* w = &weights[static_cast<size_t>(tap) * channels];
      for (int c = 0; c < channels; ++c) acc[c] += a[c] * w[c];
    });
  });
  return y;
}

}  // namespace

std::vector<float> RunLayerFp32(const trace::Network& net, const trace::Layer& l,
                                const std::vector<std::vector<float>>& tensors) {
  if (l.op == trace::Op::kMatMul) return MatMul(net, l, tensors[l.input], tensors[l.residual]);
  if (!l.has_weights()) {
    std::vector<const std::vector<float>*> operands;
    for (const int t : trace::TensorsRead(l)) operands.push_back(&tensors[t]);
    return VectorOperator(net, l, kExactFunctions, operands);
  }
  const std::vector<float>& x = tensors[l.input];
  std::vector<float> y =
      l.op == trace::Op::kDepthwiseConv ? Depthwise(net, l, x) : Dense(net, l, x);
  const std::vector<float> none;
  Finish(l, kExactFunctions, trace::LayerBias(net, l), l.residual < 0 ? none : tensors[l.residual],
         y);
  return y;
}

std::vector<std::vector<float>> GivenTensors(const trace::Network& net,
                                             const std::vector<float>& input) {
  CheckInput(net, input);
  std::vector<std::vector<float>> tensors(net.tensors.size());
  tensors[net.input] = input;
  for (size_t t = 0; t < tensors.size(); ++t) {
    if (net.tensors[t].constant) tensors[t] = trace::ConstantValues(net.tensors[t]);
  }
  return tensors;
}

std::vector<std::vector<float>> RunFp32(const trace::Network& net,
                                        const std::vector<float>& input) {
  std::vector<std::vector<float>> tensors = GivenTensors(net, input);
  for (const trace::Layer& l : net.layers) tensors[l.output] = RunLayerFp32(net, l, tensors);
  return tensors;
}

}  // namespace nibble::golden
