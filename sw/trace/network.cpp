#include "sw/trace/network.h"

#include "models/numerics/profiles.h"
#include "sw/trace/synthetic.h"

namespace nibble::trace {
namespace {

const Shape& InputShape(const Network& net, const Layer& l) { return net.tensors[l.input].shape; }
const Shape& OutputShape(const Network& net, const Layer& l) { return net.tensors[l.output].shape; }

std::vector<float> Generate(uint64_t seed, uint32_t gain, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = SyntheticValue(seed, i, gain);
  return values;
}

}  // namespace

const char* OpName(Op op) {
  switch (op) {
    case Op::kConv:
      return "conv";
    case Op::kDepthwiseConv:
      return "depthwise";
    case Op::kFullyConnected:
      return "fc";
    case Op::kAdd:
      return "add";
    case Op::kGlobalAveragePool:
      return "avgpool";
    case Op::kMultiply:
      return "multiply";
    case Op::kMaxPool:
      return "maxpool";
    case Op::kAveragePool:
      return "windowpool";
    case Op::kConcat:
      return "concat";
    case Op::kSlice:
      return "slice";
    case Op::kShuffle:
      return "shuffle";
    case Op::kActivate:
      return "activate";
    case Op::kMatMul:
      return "matmul";
    case Op::kTranspose:
      return "transpose";
    case Op::kSoftmax:
      return "softmax";
    case Op::kLayerNorm:
      return "layernorm";
    case Op::kStack:
      return "stack";
    case Op::kPick:
      return "pick";
  }
  return "?";
}

int ReductionSegments(const Network&, const Layer& l) {
  return l.op == Op::kConv ? l.kernel_h * l.kernel_w : 1;
}

int ReductionSegment(const Network& net, const Layer& l) {
  return l.op == Op::kDepthwiseConv ? l.kernel_h * l.kernel_w
                                    : InputShape(net, l).channels / l.groups;
}

int64_t WeightCount(const Network& net, const Layer& l) {
  if (l.op == Op::kLayerNorm) return OutputShape(net, l).channels;
  if (!l.has_weights()) return 0;
  return int64_t{OutputShape(net, l).channels} * ReductionSegments(net, l) *
         ReductionSegment(net, l);
}

int64_t ParameterCount(const Network& net, const Layer& l) {
  return l.has_parameters() ? WeightCount(net, l) + OutputShape(net, l).channels : 0;
}

int64_t AnalyticMacs(const Network& net, const Layer& l) {
  if (l.op == Op::kMatMul) return OutputShape(net, l).elements() * InputShape(net, l).channels;
  return l.has_weights() ? WeightCount(net, l) * OutputShape(net, l).pixels() : 0;
}

std::vector<int> TensorsRead(const Layer& l) {
  if (!l.operands.empty()) return l.operands;
  return l.residual < 0 ? std::vector<int>{l.input} : std::vector<int>{l.input, l.residual};
}

int ConvOutputLength(int input, int kernel, int stride, int dilation, int pad_before,
                     int pad_after) {
  const int room = input + pad_before + pad_after - (dilation * (kernel - 1) + 1);
  return room < 0 ? 0 : room / stride + 1;
}

std::vector<float> LayerWeights(const Network& net, const Layer& l) {
  if (!l.synthetic) return l.weights;
  std::vector<float> weights = Generate(l.generator.seed, l.generator.gain, WeightCount(net, l));
  if (l.op == Op::kLayerNorm) {
    for (float& w : weights) w += 1;
  }
  return weights;
}

std::vector<float> LayerBias(const Network& net, const Layer& l) {
  if (!l.synthetic) return l.bias;
  return Generate(BiasSeed(l.generator.seed), kBiasGain, OutputShape(net, l).channels);
}

std::vector<float> ConstantValues(const Tensor& t) {
  return t.generator ? Generate(t.generator->seed, t.generator->gain, t.shape.elements())
                     : t.values;
}

std::vector<float> CorrectedBias(const Network& net, const Layer& l) {
  std::vector<float> bias = LayerBias(net, l);
  for (size_t n = 0; n < l.bias_correction.size(); ++n) bias[n] += l.bias_correction[n];
  return bias;
}

std::vector<float> QuantizedWeightValues(const Network& net, const Layer& l) {
  const QuantizedValues& q = l.quantized.value();
  return numerics::Dequantize(
      numerics::ImportNvfp4(OutputShape(net, l).channels * ReductionSegments(net, l),
                            ReductionSegment(net, l), q.block, q.codes, q.scales, q.s_dec));
}

}  // namespace nibble::trace
