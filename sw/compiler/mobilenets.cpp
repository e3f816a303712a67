// Networks of depthwise separable convolutions and inverted bottlenecks, as in their papers and in
// torchvision's models, with synthetic weights.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "sw/compiler/built_in.h"
#include "sw/compiler/synthetic_network.h"

namespace nibble::compiler {
namespace {

constexpr int kClasses = 1000;

// An inverted bottleneck: expand to `hidden` channels, depthwise, gate, project.
struct Bottleneck {
  int kernel, hidden, channels, stride;
  int squeezed = 0;  // channels of the squeeze-and-excite; 0: none
};

struct Style {
  trace::Activation activation;
  trace::Activation gate = kSigmoid;
  trace::Activation squeeze = kRelu;
};

Signal AddBottleneck(SyntheticNetwork& net, const std::string& name, const Bottleneck& b,
                     const Style& style, const Signal& in) {
  Signal x = in;
  if (b.hidden != net.Channels(in)) {
    x = net.Conv(name + "expand", x, {}, b.hidden, style.activation);
  }
  x = net.Depthwise(name + "depthwise", x, {b.kernel, b.stride}, style.activation);
  if (b.squeezed > 0) {
    x = net.SqueezeExcite(name + "se_", x, b.squeezed, style.squeeze, style.gate);
  }
  const bool residual = b.stride == 1 && net.Channels(in) == b.channels;
  return net.Conv(name + "project", x, {}, b.channels, kLinear, residual ? &in : nullptr);
}

// Rows of tables in the papers: `repeats` bottlenecks of which the first has the stride.
struct Stage {
  int expand, kernel, channels, repeats, stride;
};

Signal AddStages(SyntheticNetwork& net, const std::vector<Stage>& stages, const Style& style,
                 bool squeeze, Signal x) {
  int block = 0;
  for (const Stage& s : stages) {
    for (int i = 0; i < s.repeats; ++i) {
      const int in = net.Channels(x);
      const Bottleneck b{s.kernel, in * s.expand, s.channels, i == 0 ? s.stride : 1,
                         squeeze ? std::max(1, in / 4) : 0};
      x = AddBottleneck(net, fmt::format("block{}.", ++block), b, style, x);
    }
  }
  return x;
}

trace::Network FinishClassifier(SyntheticNetwork net, const Signal& features) {
  net.Classifier("classifier", net.GlobalPool("pool", features), kClasses);
  return std::move(net).Finish();
}

// Nearest multiple of 8 to `channels`, but not less than 90 % of it: torchvision's _make_divisible.
int Divisible(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

// A row of tables 1 and 2 of the MobileNetV3 paper.
struct V3Row {
  int kernel, hidden, channels;
  bool squeeze;
  trace::Activation activation;
  int stride;
};

trace::Network MobileNetV3(const std::string& name, int resolution, uint64_t seed,
                           const std::vector<V3Row>& rows, int last, int hidden) {
  SyntheticNetwork net(name, resolution, seed);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 16, kHardSwish);
  int block = 0;
  for (const V3Row& r : rows) {
    const Bottleneck b{r.kernel, r.hidden, r.channels, r.stride,
                       r.squeeze ? Divisible(r.hidden / 4.0) : 0};
    x = AddBottleneck(net, fmt::format("block{}.", ++block), b, {r.activation, kHardSigmoid}, x);
  }
  x = net.Conv("head", x, {}, last, kHardSwish);
  x = net.GlobalPool("pool", x);
  x = net.FullyConnected("hidden", x, hidden, kHardSwish);
  net.Classifier("classifier", x, kClasses);
  return std::move(net).Finish();
}

}  // namespace

// Howard et al., arXiv 1704.04861, table 1; ReLU6 as in TensorFlow's.
trace::Network MobileNetV1(int resolution) {
  SyntheticNetwork net("mobilenet_v1", resolution, 11);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 32, kRelu6);
  struct Row {
    int channels, stride;
  };
  constexpr Row kRows[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                           {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  int block = 0;
  for (const Row& r : kRows) {
    const std::string name = fmt::format("block{}.", ++block);
    x = net.Depthwise(name + "depthwise", x, {3, r.stride}, kRelu6);
    x = net.Conv(name + "pointwise", x, {}, r.channels, kRelu6);
  }
  return FinishClassifier(std::move(net), x);
}

// Sandler et al., CVPR 2018, table 2.
trace::Network MobileNetV2(int resolution) {
  SyntheticNetwork net("mobilenet_v2", resolution, 2);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 32, kRelu6);
  x = AddStages(net,
                {{1, 3, 16, 1, 1},
                 {6, 3, 24, 2, 2},
                 {6, 3, 32, 3, 2},
                 {6, 3, 64, 4, 2},
                 {6, 3, 96, 3, 1},
                 {6, 3, 160, 3, 2},
                 {6, 3, 320, 1, 1}},
                {kRelu6}, false, x);
  x = net.Conv("head", x, {}, 1280, kRelu6);
  return FinishClassifier(std::move(net), x);
}

// Howard et al., ICCV 2019, tables 1 and 2; torchvision's channels of the gates.
trace::Network MobileNetV3Large(int resolution) {
  const trace::Activation relu = kRelu, swish = kHardSwish;
  return MobileNetV3("mobilenet_v3_large", resolution, 31,
                     {{3, 16, 16, false, relu, 1},
                      {3, 64, 24, false, relu, 2},
                      {3, 72, 24, false, relu, 1},
                      {5, 72, 40, true, relu, 2},
                      {5, 120, 40, true, relu, 1},
                      {5, 120, 40, true, relu, 1},
                      {3, 240, 80, false, swish, 2},
                      {3, 200, 80, false, swish, 1},
                      {3, 184, 80, false, swish, 1},
                      {3, 184, 80, false, swish, 1},
                      {3, 480, 112, true, swish, 1},
                      {3, 672, 112, true, swish, 1},
                      {5, 672, 160, true, swish, 2},
                      {5, 960, 160, true, swish, 1},
                      {5, 960, 160, true, swish, 1}},
                     960, 1280);
}

trace::Network MobileNetV3Small(int resolution) {
  const trace::Activation relu = kRelu, swish = kHardSwish;
  return MobileNetV3("mobilenet_v3_small", resolution, 32,
                     {{3, 16, 16, true, relu, 2},
                      {3, 72, 24, false, relu, 2},
                      {3, 88, 24, false, relu, 1},
                      {5, 96, 40, true, swish, 2},
                      {5, 240, 40, true, swish, 1},
                      {5, 240, 40, true, swish, 1},
                      {5, 120, 48, true, swish, 1},
                      {5, 144, 48, true, swish, 1},
                      {5, 288, 96, true, swish, 2},
                      {5, 576, 96, true, swish, 1},
                      {5, 576, 96, true, swish, 1}},
                     576, 1024);
}

// Tan et al., CVPR 2019 (MnasNet-B1, depth multiplier 1.0).
trace::Network MnasNet(int resolution) {
  SyntheticNetwork net("mnasnet1_0", resolution, 41);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 32, kRelu);
  x = AddStages(net,
                {{1, 3, 16, 1, 1},
                 {3, 3, 24, 3, 2},
                 {3, 5, 40, 3, 2},
                 {6, 5, 80, 3, 2},
                 {6, 3, 96, 2, 1},
                 {6, 5, 192, 4, 2},
                 {6, 3, 320, 1, 1}},
                {kRelu}, false, x);
  x = net.Conv("head", x, {}, 1280, kRelu);
  return FinishClassifier(std::move(net), x);
}

// Tan and Le, ICML 2019, table 1.
trace::Network EfficientNetB0(int resolution) {
  SyntheticNetwork net("efficientnet_b0", resolution, 72);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 32, kSilu);
  x = AddStages(net,
                {{1, 3, 16, 1, 1},
                 {6, 3, 24, 2, 2},
                 {6, 5, 40, 2, 2},
                 {6, 3, 80, 3, 2},
                 {6, 5, 112, 3, 1},
                 {6, 5, 192, 4, 2},
                 {6, 3, 320, 1, 1}},
                {kSilu, kSigmoid, kSilu}, true, x);
  x = net.Conv("head", x, {}, 1280, kSilu);
  return FinishClassifier(std::move(net), x);
}

}  // namespace nibble::compiler
