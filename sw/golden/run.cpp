// The network under a datapath: scalar code that follows the definition of the dot product block by
// block.
#include <algorithm>

#include "models/numerics/accumulate.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/dot.h"
#include "models/numerics/packing.h"
#include "models/numerics/parallel.h"
#include "sw/golden/golden.h"
#include "sw/golden/taps.h"
#include "sw/golden/vector_ops.h"
#include "sw/golden/weights.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::QuantizedWeights;
using numerics::StoredActivations;

// A stored tensor, unpacked: [pixels][channels], and the bits of its block scales,
// [pixels][blocks].
struct Activations {
  explicit Activations(const StoredActivations& stored)
      : layout(stored.layout),
        scale(stored.scale),
        codes(static_cast<size_t>(layout.pixels) * layout.channels) {
    const int bits = numerics::ElementBits(layout.format);
    for (int p = 0; p < layout.pixels; ++p) {
      numerics::UnpackCodes(bits, &stored.codes[size_t{layout.code_bytes_per_pixel()} * p],
                            layout.channels, &codes[static_cast<size_t>(p) * layout.channels]);
    }
    const auto bytes = static_cast<size_t>(numerics::BlockScaleBits(layout.format) / 8);
    for (size_t i = 0; i < stored.scales.size(); i += bytes) {
      scales.push_back(numerics::LoadWord(&stored.scales[i], static_cast<int>(bytes)));
    }
  }

  numerics::ActivationLayout layout;
  numerics::TensorScale scale;
  std::vector<uint16_t> codes;
  std::vector<uint32_t> scales;
};

// The operands of one layer, in the terms of BlockTerm.
struct Operands {
  Activations activations;
  QuantizedWeights weights;

  int term() const { return std::min(activations.layout.block, weights.block); }
  int64_t ActivationScale(int pixel, int channel) const {
    const numerics::ActivationLayout& layout = activations.layout;
    if (activations.scales.empty()) return numerics::kNoScale;
    const int blocks = numerics::BlockCount(layout.channels, layout.block);
    return activations.scales[static_cast<size_t>(pixel) * blocks + channel / layout.block];
  }
  // Of element k in run `segment` of output channel `n`.
  int64_t WeightScale(int n, int segment, int k) const {
    if (weights.scales.empty()) return numerics::kNoScale;
    const int blocks = numerics::BlockCount(weights.segment, weights.block);
    const size_t run = static_cast<size_t>(n) * weights.segments + segment;
    return weights.scales[run * blocks + k / weights.block];
  }
};

// Adds the blocks of output (y, x, n) of a dense layer.
void AddDense(const trace::Layer& l, const trace::Shape& in, const Operands& o, int y, int x, int n,
              numerics::Accumulator& sum) {
  const int term = o.term(), channels = in.channels;
  ForEachTap(l, in, y, x, [&](int tap, int pixel) {
    const uint16_t* a = &o.activations.codes[static_cast<size_t>(pixel) * channels];
    const uint16_t* w =
        &o.weights.codes[(static_cast<size_t>(n) * o.weights.segments + tap) * channels];
    for (int c = 0; c < channels; c += term) {
      sum.AddBlock({o.activations.layout.format, a + c, o.ActivationScale(pixel, c),
                    o.weights.format, w + c, o.WeightScale(n, tap, c),
                    std::min(term, channels - c)});
    }
  });
}

// Of a depthwise layer: each tap is a block term of one element.
void AddDepthwise(const trace::Layer& l, const trace::Shape& in, const Operands& o, int y, int x,
                  int n, numerics::Accumulator& sum) {
  ForEachTap(l, in, y, x, [&](int tap, int pixel) {
    sum.AddBlock({o.activations.layout.format,
                  &o.activations.codes[static_cast<size_t>(pixel) * in.channels + n],
                  o.ActivationScale(pixel, n), o.weights.format,
                  &o.weights.codes[static_cast<size_t>(n) * o.weights.segment + tap],
                  o.WeightScale(n, 0, tap), 1});
  });
}

std::vector<float> Products(const trace::Network& net, const trace::Layer& l,
                            const Datapath& datapath, const StoredActivations& stored) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const Operands o{Activations(stored), QuantizeLayer(net, l, datapath)};
  const auto add = l.op == trace::Op::kDepthwiseConv ? AddDepthwise : AddDense;
  std::vector<float> y(static_cast<size_t>(out.elements()));
  // A row of one output channel at a time, so that its weights stay cached.
  const auto channels = static_cast<size_t>(out.channels);
  numerics::ParallelFor(out.height * channels, 1, [&](size_t begin, size_t end) {
    numerics::Accumulator sum(datapath.accumulator, o.term());
    for (size_t row = begin; row < end; ++row) {
      const int oy = static_cast<int>(row / channels), n = static_cast<int>(row % channels);
      float* to = &y[static_cast<size_t>(oy) * out.width * channels + n];
      for (int ox = 0; ox < out.width; ++ox, to += channels) {
        sum.Reset();
        add(l, in, o, oy, ox, n, sum);
        *to = numerics::ApplyTensorScales(sum.Result(), stored.scale.decode,
                                          o.weights.channel_scale[n]);
      }
    }
  });
  return y;
}

StoredActivations Store(const trace::Network& net, int tensor, const Datapaths& datapaths,
                        const std::vector<float>& x) {
  return numerics::StoreTensor(
      datapaths.tensors[tensor], ScaleOf(net, tensor, datapaths, x), x.data(),
      numerics::StreamOf(datapaths.base.activation_rounding, static_cast<uint64_t>(tensor)));
}

}  // namespace

numerics::TensorScale ScaleOf(const trace::Network& net, int tensor, const Datapaths& datapaths,
                              const std::vector<float>& x) {
  const numerics::Format format = datapaths.tensors[tensor].format;
  switch (datapaths.base.tensor_scale) {
    case numerics::ScaleSource::kStatic:
      return numerics::OuterScaleFromAmax(format, net.tensors[tensor].amax);
    case numerics::ScaleSource::kDynamic:
      return numerics::OuterScaleFromAmax(format, numerics::AmaxIgnoringNan(x.data(), x.size()));
    case numerics::ScaleSource::kNone:
      break;
  }
  return {};
}

Execution Run(const trace::Network& net, const Datapaths& datapaths,
              const std::vector<float>& input) {
  CheckInput(net, input);
  Execution e;
  e.tensors.resize(net.tensors.size());
  e.tensors[net.input] = Store(net, net.input, datapaths, input);
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    const StoredActivations& x = e.tensors[l.input];
    std::vector<float> residual;
    if (l.residual >= 0) residual = numerics::LoadTensor(e.tensors[l.residual]);
    std::vector<float> y;
    if (l.op == trace::Op::kAdd) {
      y = Add(l, numerics::LoadTensor(x), residual);
    } else if (l.op == trace::Op::kGlobalAveragePool) {
      y = AveragePool(numerics::LoadTensor(x), x.layout.channels);
    } else {
      y = Products(net, l, datapaths.layers[i], x);
      Finish(l, trace::LayerBias(net, l), residual, y);
    }
    e.tensors[l.output] = Store(net, l.output, datapaths, y);
  }
  return e;
}

}  // namespace nibble::golden
