#include "sw/compiler/synthetic_network.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "sw/trace/synthetic.h"

namespace nibble::compiler {
namespace {

using Kind = trace::Activation::Kind;

constexpr double kSmoothPower = 16, kPreActivationPower = 4, kLinearPower = 1;
constexpr double kTwoPi = 6.283185307179586;

double OutputPower(const trace::Activation& a) {
  if (a.kind == Kind::kNone) return kLinearPower;
  const bool smooth = a.kind == Kind::kSilu || a.kind == Kind::kHardSwish;
  return smooth ? kSmoothPower : kPreActivationPower;
}

// What an activation makes of a normal variate of that variance: E[f^2] and E[f]^2, by numerical
// integration.
Signal Activated(const trace::Activation& a) {
  switch (a.kind) {
    case Kind::kNone:
      return {0, kLinearPower, 0};
    case Kind::kHardSigmoid:
      return {0, 0.336, 0.25};
    case Kind::kSigmoid:
      return {0, 0.349, 0.25};
    case Kind::kHardSwish:
      return {0, 7.84, 2.13};
    case Kind::kSilu:
      return {0, 7.77, 2.13};
    default:  // rectified: the half that is positive; clipping beyond 6 takes half a percent
      return {0, kPreActivationPower / 2, kPreActivationPower / kTwoPi};
  }
}

}  // namespace

SyntheticNetwork::SyntheticNetwork(const std::string& name, int resolution, uint64_t seed)
    : builder_(name), producer_("builder " + name), seed_(seed) {
  // A uniform input in -1..1 has power 1/3.
  input_ = {builder_.AddInput("input", {resolution, resolution, 3}), 1.0 / 3, 0};
}

trace::Layer SyntheticNetwork::New(const std::string& name, trace::Op op, const Signal& in) const {
  trace::Layer l;
  l.name = name;
  l.op = op;
  l.input = in.tensor;
  return l;
}

void SyntheticNetwork::SetWindow(const Window& window, trace::Layer& l) const {
  l.kernel_h = l.kernel_w = window.kernel;
  l.stride_h = l.stride_w = window.stride;
  const int pad = window.pad < 0 ? window.kernel / 2 : window.pad;
  l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = pad;
}

// Weights under which `terms` products of the signal sum to variance `power`.
void SyntheticNetwork::Generate(trace::Layer& l, int terms, const Signal& in, double power) {
  const double deviation = std::sqrt(power / (terms * in.power));  // sqrt rounds correctly
  l.synthetic = true;
  l.generator = {trace::Splitmix64(seed_, layers_++), static_cast<uint32_t>(deviation * 65536)};
}

Signal SyntheticNetwork::Add(trace::Layer l, int channels, const Signal* residual) {
  Signal out = Activated(l.activation);
  if (residual != nullptr) {
    l.residual = residual->tensor;
    out.power += residual->power;
    out.mean_power += residual->mean_power;
  }
  out.tensor = builder_.AddLayer(std::move(l), channels);
  return out;
}

Signal SyntheticNetwork::Conv(const std::string& name, const Signal& in, const Window& window,
                              int channels, const trace::Activation& activation,
                              const Signal* residual) {
  trace::Layer l = New(name, trace::Op::kConv, in);
  SetWindow(window, l);
  l.activation = activation;
  Generate(l, window.kernel * window.kernel * Channels(in), in, OutputPower(activation));
  return Add(std::move(l), channels, residual);
}

Signal SyntheticNetwork::Depthwise(const std::string& name, const Signal& in, const Window& window,
                                   const trace::Activation& activation) {
  trace::Layer l = New(name, trace::Op::kDepthwiseConv, in);
  SetWindow(window, l);
  l.activation = activation;
  Generate(l, window.kernel * window.kernel, in, OutputPower(activation));
  return Add(std::move(l), Channels(in));
}

Signal SyntheticNetwork::FullyConnected(const std::string& name, const Signal& in, int channels,
                                        const trace::Activation& activation) {
  trace::Layer l = New(name, trace::Op::kFullyConnected, in);
  l.activation = activation;
  Generate(l, Channels(in), in, OutputPower(activation));
  return Add(std::move(l), channels);
}

Signal SyntheticNetwork::Classifier(const std::string& name, const Signal& in, int classes) {
  trace::Layer l = New(name, trace::Op::kFullyConnected, in);
  Generate(l, Channels(in), in, kPreActivationPower);
  return Add(std::move(l), classes);
}

Signal SyntheticNetwork::GlobalPool(const std::string& name, const Signal& in) {
  return {builder_.AddLayer(New(name, trace::Op::kGlobalAveragePool, in)), in.mean_power,
          in.mean_power};
}

Signal SyntheticNetwork::MaxPool(const std::string& name, const Signal& in, const Window& window) {
  trace::Layer l = New(name, trace::Op::kMaxPool, in);
  SetWindow(window, l);
  if (window.overhang) {
    const int side = ShapeOf(in).height;  // and width
    const int room = side + 2 * l.pad_top - window.kernel;
    const int rest = (window.stride - room % window.stride) % window.stride;
    l.pad_bottom += rest;
    l.pad_right += rest;
  }
  // Neighbours differ little in smooth images: the largest of them has some more power than any.
  constexpr double kGain = 1.5;
  return {builder_.AddLayer(std::move(l)), kGain * in.power, kGain * in.mean_power};
}

Signal SyntheticNetwork::AddRelu(const std::string& name, const Signal& a, const Signal& b) {
  trace::Layer l = New(name, trace::Op::kAdd, a);
  l.residual = b.tensor;
  l.activation = kRelu;
  // Of a normal variate half; what is rectified already keeps its power.
  const auto kept = [](const Signal& s) { return s.mean_power > 0 ? s.power : s.power / 2; };
  const double power = kept(a) + kept(b);
  return {builder_.AddLayer(std::move(l)), power,
          std::max({power / 3, a.mean_power, b.mean_power})};
}

Signal SyntheticNetwork::Concat(const std::string& name, const std::vector<Signal>& parts) {
  trace::Layer l = New(name, trace::Op::kConcat, parts[0]);
  Signal out;
  int channels = 0;
  for (const Signal& s : parts) {
    l.operands.push_back(s.tensor);
    out.power += s.power * Channels(s);
    out.mean_power += s.mean_power * Channels(s);
    channels += Channels(s);
  }
  out.power /= channels;
  out.mean_power /= channels;
  out.tensor = builder_.AddLayer(std::move(l));
  return out;
}

Signal SyntheticNetwork::Slice(const std::string& name, const Signal& in, int first, int channels) {
  trace::Layer l = New(name, trace::Op::kSlice, in);
  l.first_channel = first;
  return {builder_.AddLayer(std::move(l), channels), in.power, in.mean_power};
}

Signal SyntheticNetwork::Shuffle(const std::string& name, const Signal& in, int groups) {
  trace::Layer l = New(name, trace::Op::kShuffle, in);
  l.groups = groups;
  return {builder_.AddLayer(std::move(l)), in.power, in.mean_power};
}

Signal SyntheticNetwork::SqueezeExcite(const std::string& name, const Signal& x, int squeezed,
                                       const trace::Activation& inner,
                                       const trace::Activation& gate) {
  const Signal pooled = GlobalPool(name + "pool", x);
  const Signal reduced = FullyConnected(name + "squeeze", pooled, squeezed, inner);
  const Signal factor = FullyConnected(name + "excite", reduced, Channels(x), gate);
  trace::Layer l = New(name + "scale", trace::Op::kMultiply, x);
  l.residual = factor.tensor;
  return {builder_.AddLayer(std::move(l)), x.power * factor.power,
          x.mean_power * factor.mean_power};
}

Signal SyntheticNetwork::Constant(const std::string& name, const trace::Shape& shape) {
  constexpr uint32_t kGain = 1u << 15;  // standard deviation 1/2
  trace::Tensor t;
  t.name = name;
  t.shape = shape;
  t.generator = {trace::Splitmix64(seed_, layers_++), kGain};
  return {builder_.AddConstant(std::move(t)), 0.25, 0};
}

Signal SyntheticNetwork::AddTo(const std::string& name, const Signal& in, const Signal& other) {
  trace::Layer l = New(name, trace::Op::kAdd, in);
  l.residual = other.tensor;
  return {builder_.AddLayer(std::move(l)), in.power + other.power, in.mean_power};
}

Signal SyntheticNetwork::Linear(const std::string& name, const Signal& in, int channels,
                                double power) {
  trace::Layer l = New(name, trace::Op::kConv, in);
  Generate(l, Channels(in), in, power);
  return {builder_.AddLayer(std::move(l), channels), power, 0};
}

Signal SyntheticNetwork::LayerNorm(const std::string& name, const Signal& in, float epsilon) {
  constexpr uint32_t kGain = 1u << 13;  // gamma is 1, with a standard deviation of 1/8
  trace::Layer l = New(name, trace::Op::kLayerNorm, in);
  l.epsilon = epsilon;
  l.synthetic = true;
  l.generator = {trace::Splitmix64(seed_, layers_++), kGain};
  return {builder_.AddLayer(std::move(l)), 1, 0};
}

Signal SyntheticNetwork::Softmax(const std::string& name, const Signal& in) {
  // The n weights of normal logits of variance 4 have a sum of squares of e^4 / n, or 1 where that
  // is more.
  constexpr double kSharpness = 54.6;
  const double n = Channels(in);
  return {builder_.AddLayer(New(name, trace::Op::kSoftmax, in)), std::min(1.0, kSharpness / n) / n,
          1 / (n * n)};
}

Signal SyntheticNetwork::MatMul(const std::string& name, const Signal& a, const Signal& b,
                                float scale) {
  trace::Layer l = New(name, trace::Op::kMatMul, a);
  l.residual = b.tensor;
  l.scale = scale;
  return {builder_.AddLayer(std::move(l)), Channels(a) * a.power * b.power * scale * scale, 0};
}

Signal SyntheticNetwork::Transpose(const std::string& name, const Signal& in) {
  return {builder_.AddLayer(New(name, trace::Op::kTranspose, in)), in.power, in.mean_power};
}

Signal SyntheticNetwork::Stack(const std::string& name, const std::vector<Signal>& parts) {
  trace::Layer l = New(name, trace::Op::kStack, parts[0]);
  Signal out;
  for (const Signal& s : parts) {
    l.operands.push_back(s.tensor);
    out.power = std::max(out.power, s.power);
  }
  out.tensor = builder_.AddLayer(std::move(l));
  return out;
}

Signal SyntheticNetwork::Pick(const std::string& name, const Signal& in, int first, int pixels) {
  trace::Layer l = New(name, trace::Op::kPick, in);
  l.first_pixel = first;
  return {builder_.AddLayer(std::move(l), 0, pixels), in.power, in.mean_power};
}

void Normalise(trace::Network& net) {
  using Tensors = std::vector<std::vector<float>>;
  std::array<Tensors, 2> inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].resize(net.tensors.size());
    inputs[i][static_cast<size_t>(net.input)] = GeneratedInput(net, i);
  }
  for (trace::Layer& l : net.layers) {
    if (l.synthetic) {
      trace::Layer plain = l;
      plain.activation = kLinear;
      plain.residual = -1;
      double power = 0;
      for (const Tensors& tensors : inputs) {
        const std::vector<float> y = golden::RunLayerFp32(net, plain, tensors);
        for (const float v : y) power += double{v} * v / static_cast<double>(y.size());
      }
      const bool logits = l.output == net.output;
      const double wanted = logits ? kPreActivationPower : OutputPower(l.activation);
      const double gain = l.generator.gain * std::sqrt(wanted * inputs.size() / power);
      l.generator.gain = static_cast<uint32_t>(std::clamp<double>(gain, 1, trace::kMaxGain));
    }
    for (Tensors& tensors : inputs) {
      tensors[static_cast<size_t>(l.output)] = golden::RunLayerFp32(net, l, tensors);
    }
  }
}

trace::Network SyntheticNetwork::Finish() && { return std::move(builder_).Finish(producer_); }

}  // namespace nibble::compiler
