// ShuffleNetV2, SqueezeNet and ResNet-50 as in their papers and in torchvision's models, with
// synthetic weights.
#include <fmt/format.h>

#include "sw/compiler/built_in.h"
#include "sw/compiler/synthetic_network.h"

namespace nibble::compiler {
namespace {

constexpr int kClasses = 1000;

// Half of the channels each; a stride of 2 takes all channels into both branches.
Signal ShuffleUnit(SyntheticNetwork& net, const std::string& name, const Signal& in, int channels,
                   int stride) {
  const int half = channels / 2;
  Signal left = in, right = in;
  if (stride == 1) {
    left = net.Slice(name + "left", in, 0, half);
    right = net.Slice(name + "right", in, half, half);
  } else {
    left = net.Depthwise(name + "left_depthwise", in, {3, stride}, kLinear);
    left = net.Conv(name + "left_project", left, {}, half, kRelu);
  }
  right = net.Conv(name + "expand", right, {}, half, kRelu);
  right = net.Depthwise(name + "depthwise", right, {3, stride}, kLinear);
  right = net.Conv(name + "project", right, {}, half, kRelu);
  return net.Shuffle(name + "shuffle", net.Concat(name + "concat", {left, right}), 2);
}

Signal Fire(SyntheticNetwork& net, int number, const Signal& in, int squeezed, int expanded) {
  const std::string name = fmt::format("fire{}.", number);
  const Signal s = net.Conv(name + "squeeze", in, {}, squeezed, kRelu);
  const Signal one = net.Conv(name + "expand1x1", s, {}, expanded, kRelu);
  const Signal three = net.Conv(name + "expand3x3", s, {3}, expanded, kRelu);
  return net.Concat(name + "concat", {one, three});
}

Signal ResidualBlock(SyntheticNetwork& net, const std::string& name, const Signal& in, int width,
                     int stride) {
  Signal shortcut = in;
  Signal x = net.Conv(name + "reduce", in, {}, width, kRelu);
  x = net.Conv(name + "conv", x, {3, stride}, width, kRelu);
  x = net.Conv(name + "expand", x, {}, 4 * width, kLinear);
  if (net.Channels(in) != 4 * width) {
    shortcut = net.Conv(name + "downsample", in, {1, stride}, 4 * width, kLinear);
  }
  return net.AddRelu(name + "add", x, shortcut);
}

}  // namespace

// Ma et al., ECCV 2018, table 5, 1x.
trace::Network ShuffleNetV2(int resolution) {
  SyntheticNetwork net("shufflenet_v2_x1_0", resolution, 61);
  Signal x = net.Conv("stem", net.input(), {3, 2}, 24, kRelu);
  x = net.MaxPool("pool1", x, {3, 2});
  struct Stage {
    int channels, repeats;
  };
  int stage = 1;
  for (const Stage& s : {Stage{116, 4}, Stage{232, 8}, Stage{464, 4}}) {
    ++stage;
    for (int i = 0; i < s.repeats; ++i) {
      x = ShuffleUnit(net, fmt::format("stage{}.{}.", stage, i), x, s.channels, i == 0 ? 2 : 1);
    }
  }
  x = net.Conv("head", x, {}, 1024, kRelu);
  net.Classifier("classifier", net.GlobalPool("pool", x), kClasses);
  return std::move(net).Finish();
}

// Iandola et al., arXiv 1602.07360; version 1.1 of the authors' repository.
trace::Network SqueezeNet(int resolution) {
  SyntheticNetwork net("squeezenet1_1", resolution, 71);
  const SyntheticNetwork::Window pool{3, 2, 0, true};
  Signal x = net.Conv("stem", net.input(), {3, 2, 0}, 64, kRelu);
  x = net.MaxPool("pool1", x, pool);
  x = Fire(net, 3, Fire(net, 2, x, 16, 64), 16, 64);
  x = net.MaxPool("pool3", x, pool);
  x = Fire(net, 5, Fire(net, 4, x, 32, 128), 32, 128);
  x = net.MaxPool("pool5", x, pool);
  x = Fire(net, 7, Fire(net, 6, x, 48, 192), 48, 192);
  x = Fire(net, 9, Fire(net, 8, x, 64, 256), 64, 256);
  x = net.Conv("classifier", x, {}, kClasses, kRelu);
  net.GlobalPool("pool", x);
  return std::move(net).Finish();
}

// He et al., CVPR 2016, table 1, with the stride in the 3 x 3 convolution ("v1.5").
trace::Network ResNet50(int resolution) {
  SyntheticNetwork net("resnet50", resolution, 81);
  Signal x = net.Conv("stem", net.input(), {7, 2}, 64, kRelu);
  x = net.MaxPool("pool1", x, {3, 2});
  struct Stage {
    int width, repeats;
  };
  int stage = 0;
  for (const Stage& s : {Stage{64, 3}, Stage{128, 4}, Stage{256, 6}, Stage{512, 3}}) {
    ++stage;
    for (int i = 0; i < s.repeats; ++i) {
      const int stride = i == 0 && stage > 1 ? 2 : 1;
      x = ResidualBlock(net, fmt::format("stage{}.{}.", stage, i), x, s.width, stride);
    }
  }
  net.Classifier("classifier", net.GlobalPool("pool", x), kClasses);
  return std::move(net).Finish();
}

}  // namespace nibble::compiler
