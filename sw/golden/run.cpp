// The network under a datapath: scalar code that follows the definition of the dot product block by
// block.
#include <algorithm>

#include "models/numerics/accumulate.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/dot.h"
#include "models/numerics/packing.h"
#include "models/numerics/parallel.h"
#include "sw/golden/golden.h"
#include "sw/golden/storage.h"
#include "sw/golden/taps.h"
#include "sw/golden/vector_ops.h"
#include "sw/golden/weights.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::QuantizedWeights;
using numerics::StoredActivations;

// The operands of one layer, in the terms of BlockTerm.
struct Operands {
  Activations activations;
  QuantizedWeights weights;

  int term() const { return std::min(activations.layout.block, weights.block); }
  int64_t ActivationScale(int pixel, int channel) const {
    if (activations.scales.empty()) return numerics::kNoScale;
    return activations.scales[activations.layout.scale_index(pixel, channel)];
  }
  // Of element k in run `segment` of output channel `n`.
  int64_t WeightScale(int n, int segment, int k) const {
    if (weights.scales.empty()) return numerics::kNoScale;
    const int blocks = numerics::BlockCount(weights.segment, weights.block);
    const size_t run = static_cast<size_t>(n) * weights.segments + segment;
    return weights.scales[run * blocks + k / weights.block];
  }
};

// Adds the blocks of output (y, x, n) of a dense or grouped layer: each ends where a block of
// either operand does.
void AddDense(const trace::Layer& l, const trace::Shape& in, const Operands& o, int y, int x, int n,
              numerics::Accumulator& sum) {
  const int segment = o.weights.segment;
  const int first = n / (o.weights.rows / l.groups) * segment;  // channel of the group
  const int a_block = o.activations.layout.block, w_block = o.weights.block;
  ForEachTap(l, in, y, x, [&](int tap, int pixel) {
    const uint16_t* a = &o.activations.codes[static_cast<size_t>(pixel) * in.channels + first];
    const uint16_t* w =
        &o.weights.codes[(static_cast<size_t>(n) * o.weights.segments + tap) * segment];
    for (int c = 0, count = 0; c < segment; c += count) {
      count = std::min({a_block - (first + c) % a_block, w_block - c % w_block, segment - c});
      sum.AddBlock({o.activations.layout.format, a + c, o.ActivationScale(pixel, first + c),
                    o.weights.format, w + c, o.WeightScale(n, tap, c), count});
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
                            const Datapath& datapath, const StoredActivations& stored,
                            QuantizedWeights weights) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const Operands o{Activations(stored), std::move(weights)};
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

std::vector<float> RunLayer(const trace::Network& net, const trace::Layer& l,
                            const Datapath& datapath,
                            const std::vector<StoredActivations>& tensors) {
  if (l.has_weights()) {
    std::vector<float> residual;
    if (l.residual >= 0) residual = numerics::LoadTensor(tensors[l.residual]);
    std::vector<float> y =
        Products(net, l, datapath, tensors[l.input], QuantizeLayer(net, l, datapath));
    Finish(l, kDatapathFunctions, trace::CorrectedBias(net, l), residual, y);
    return y;
  }
  if (l.op == trace::Op::kMatMul) {
    return Products(net, l, datapath, tensors[l.input], WeightsOf(tensors[l.residual], l.scale));
  }
  std::vector<std::vector<float>> values;
  for (const int t : trace::TensorsRead(l)) values.push_back(numerics::LoadTensor(tensors[t]));
  std::vector<const std::vector<float>*> operands;
  operands.reserve(values.size());
  for (const std::vector<float>& v : values) operands.push_back(&v);
  return VectorOperator(net, l, kDatapathFunctions, operands);
}

Execution Run(const trace::Network& net, const Datapaths& datapaths,
              const std::vector<float>& input) {
  Storage tensors(net, datapaths, GivenTensors(net, input));
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& l = net.layers[i];
    const std::vector<ChannelRange> ranges = WrittenChannels(net, datapaths, l);
    if (ranges.empty()) {
      tensors.Share(l.output);
    } else {
      tensors.Write(l.output, ranges, RunLayer(net, l, datapaths.layers[i], tensors.tensors()));
    }
  }
  return {std::move(tensors).Take()};
}

}  // namespace nibble::golden
