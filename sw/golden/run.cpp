// The network under a datapath: scalar code that follows the definition of the dot product block by
// block.
#include <algorithm>

#include "models/numerics/accumulate.h"
#include "models/numerics/dot.h"
#include "sw/golden/golden.h"
#include "sw/golden/taps.h"
#include "sw/golden/vector_ops.h"
#include "sw/golden/weights.h"

namespace nibble::golden {
namespace {

using numerics::Datapath;
using numerics::QuantizedWeights;
using numerics::StoredActivations;

// A stored tensor with one code per byte: [pixels][channels].
std::vector<uint8_t> Unpack(const StoredActivations& stored) {
  const numerics::ActivationLayout& layout = stored.layout;
  std::vector<uint8_t> codes(static_cast<size_t>(layout.pixels) * layout.channels);
  for (int p = 0; p < layout.pixels; ++p) {
    numerics::UnpackCodes(&stored.codes[size_t{layout.code_bytes_per_pixel()} * p], layout.channels,
                          &codes[static_cast<size_t>(p) * layout.channels]);
  }
  return codes;
}

// The operands of one layer, in the terms of BlockTerm.
struct Operands {
  const StoredActivations& stored;
  std::vector<uint8_t> codes;  // of the activations, unpacked
  QuantizedWeights weights;

  int ActivationScale(int pixel, int block) const {
    if (stored.scales.empty()) return numerics::kNoScale;
    return stored.scales[size_t{stored.layout.scale_bytes_per_pixel()} * pixel + block];
  }
  // Of block `block` in run `segment` of output channel `n`.
  int WeightScale(int n, int segment, int block) const {
    if (weights.scales.empty()) return numerics::kNoScale;
    const int blocks = numerics::BlockCount(weights.segment, weights.block);
    return weights.scales[(static_cast<size_t>(n) * weights.segments + segment) * blocks + block];
  }
};

// Of one output: takes the blocks in ascending order. D0, as models/numerics/dot.h defines it.
class PlainSum {
 public:
  void Reset() { acc_ = 0; }
  void AddBlock(const numerics::OperandBlock& b) {
    acc_ += numerics::BlockTerm(b.a, b.a_scale, b.w, b.w_scale, b.weights, b.count);
  }
  float Result() const { return acc_; }

 private:
  float acc_ = 0;
};

// Adds the blocks of output (y, x, n) of a dense layer.
template <class Sum>
void AddDense(const trace::Layer& l, const trace::Shape& in, const Operands& o, int y, int x, int n,
              Sum& sum) {
  const int block = o.weights.block, channels = in.channels;
  ForEachTap(l, in, y, x, [&](int tap, int pixel) {
    const uint8_t* a = &o.codes[static_cast<size_t>(pixel) * channels];
    const uint16_t* w =
        &o.weights.codes[(static_cast<size_t>(n) * o.weights.segments + tap) * channels];
    for (int c = 0, b = 0; c < channels; c += block, ++b) {
      sum.AddBlock({o.stored.layout.format, a + c, o.ActivationScale(pixel, b), o.weights.format,
                    w + c, o.WeightScale(n, tap, b), std::min(block, channels - c)});
    }
  });
}

// Of a depthwise layer: each tap is a block term of one element.
template <class Sum>
void AddDepthwise(const trace::Layer& l, const trace::Shape& in, const Operands& o, int y, int x,
                  int n, Sum& sum) {
  const int block = o.weights.block;
  ForEachTap(l, in, y, x, [&](int tap, int pixel) {
    sum.AddBlock({o.stored.layout.format, &o.codes[static_cast<size_t>(pixel) * in.channels + n],
                  o.ActivationScale(pixel, n / block), o.weights.format,
                  &o.weights.codes[static_cast<size_t>(n) * o.weights.segment + tap],
                  o.WeightScale(n, 0, tap / block), 1});
  });
}

template <class Sum>
std::vector<float> Products(const trace::Network& net, const trace::Layer& l,
                            const Datapath& datapath, const StoredActivations& stored, Sum sum) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const Operands o{stored, Unpack(stored), QuantizeLayer(net, l, datapath)};
  const auto add = l.op == trace::Op::kDepthwiseConv ? AddDepthwise<Sum> : AddDense<Sum>;
  std::vector<float> y(static_cast<size_t>(out.elements()));
  for (int oy = 0; oy < out.height; ++oy) {
    float* row = &y[static_cast<size_t>(oy) * out.width * out.channels];
    for (int n = 0; n < out.channels; ++n) {  // outside the pixels: a channel's weights stay cached
      const float channel_scale = o.weights.channel_scale[n];
      for (int ox = 0; ox < out.width; ++ox) {
        sum.Reset();
        add(l, in, o, oy, ox, n, sum);
        row[static_cast<size_t>(ox) * out.channels + n] =
            numerics::ApplyTensorScales(sum.Result(), stored.scale.decode, channel_scale);
      }
    }
  }
  return y;
}

std::vector<float> Products(const trace::Network& net, const trace::Layer& l,
                            const Datapath& datapath, const StoredActivations& stored) {
  if (datapath.accumulator.kind == numerics::Accumulation::kFp32) {
    return Products(net, l, datapath, stored, PlainSum());
  }
  return Products(net, l, datapath, stored,
                  numerics::Accumulator(datapath.accumulator, datapath.block));
}

StoredActivations Store(const trace::Network& net, int tensor, const Datapath& datapath,
                        const std::vector<float>& x) {
  const numerics::ActivationLayout layout = LayoutOf(net, tensor, datapath);
  numerics::TensorScale scale;
  if (layout.format == numerics::Format::kNvfp4) {
    switch (datapath.tensor_scale) {
      case numerics::ScaleSource::kStatic:
        scale = numerics::TensorScaleFromAmax(net.tensors[tensor].amax);
        break;
      case numerics::ScaleSource::kDynamic:
        scale = numerics::TensorScaleFromAmax(numerics::AmaxIgnoringNan(x.data(), x.size()));
        break;
      case numerics::ScaleSource::kNone:
        break;
    }
  }
  return numerics::StoreTensor(layout, scale, x.data());
}

}  // namespace

numerics::ActivationLayout LayoutOf(const trace::Network& net, int tensor,
                                    const Datapath& datapath) {
  const trace::Shape& shape = net.tensors[tensor].shape;
  return {tensor == net.output ? numerics::Format::kFp32 : datapath.activations, datapath.block,
          shape.pixels(), shape.channels};
}

Execution Run(const trace::Network& net, const Datapath& datapath,
              const std::vector<float>& input) {
  CheckInput(net, input);
  Execution e;
  e.tensors.resize(net.tensors.size());
  e.tensors[net.input] = Store(net, net.input, datapath, input);
  for (const trace::Layer& l : net.layers) {
    const StoredActivations& x = e.tensors[l.input];
    std::vector<float> residual;
    if (l.residual >= 0) residual = numerics::LoadTensor(e.tensors[l.residual]);
    std::vector<float> y;
    if (l.op == trace::Op::kAdd) {
      y = Add(l, numerics::LoadTensor(x), residual);
    } else if (l.op == trace::Op::kGlobalAveragePool) {
      y = AveragePool(numerics::LoadTensor(x), x.layout.channels);
    } else {
      y = Products(net, l, datapath, x);
      Finish(l, trace::LayerBias(net, l), residual, y);
    }
    e.tensors[l.output] = Store(net, l.output, datapath, y);
  }
  return e;
}

}  // namespace nibble::golden
