// Small random networks with every operator and awkward shapes, and random machines for them.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "platforms/design_point.h"
#include "sw/compiler/network_builder.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"
#include "tests/numerics/testing.h"

namespace nibble::test {

using numerics::Random;

template <class T>
T Pick(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.Int(0, static_cast<int>(choices.size()) - 1));
}

inline trace::Activation RandomActivation(Random& random) {
  using Kind = trace::Activation::Kind;
  return Pick<trace::Activation>(random, {{}, {Kind::kRelu, 0, 0}, {Kind::kClip, -0.5f, 2.5f}});
}

// A window of which the dilated kernel fits the padded input.
inline void RandomWindow(Random& random, const trace::Shape& in, trace::Layer& l) {
  const auto axis = [&random](int length, int& kernel, int& stride, int& dilation, int& before,
                              int& after) {
    do {
      kernel = Pick(random, {1, 2, 3, 3, 5});
      stride = random.Int(1, 3);
      dilation = random.Int(1, 2);
      before = random.Int(0, kernel);
      after = random.Int(0, kernel);
    } while (trace::ConvOutputLength(length, kernel, stride, dilation, before, after) < 1);
  };
  axis(in.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top, l.pad_bottom);
  axis(in.width, l.kernel_w, l.stride_w, l.dilation_w, l.pad_left, l.pad_right);
}

class NetworkMaker {
 public:
  explicit NetworkMaker(uint32_t seed) : random_(seed) {
    const trace::Shape shape{random_.Int(5, 20), random_.Int(5, 20), Channels()};
    last_ = builder_.AddInput("input", shape);
    tensors_.push_back(last_);
  }

  void Convolution(bool depthwise) {
    trace::Layer l = NewLayer(depthwise ? trace::Op::kDepthwiseConv : trace::Op::kConv);
    RandomWindow(random_, builder_.ShapeOf(l.input), l);
    l.activation = RandomActivation(random_);
    Append(std::move(l), depthwise ? builder_.ShapeOf(last_).channels : Channels());
  }
  // Pointwise with the channels of its input, and with a residual of that shape.
  void Residual() {
    trace::Layer l = NewLayer(trace::Op::kConv);
    l.residual = SameShape();
    l.activation = RandomActivation(random_);
    Append(std::move(l), builder_.ShapeOf(last_).channels);
  }
  void Add() {
    trace::Layer l = NewLayer(trace::Op::kAdd);
    l.residual = SameShape();
    l.activation = RandomActivation(random_);
    Append(std::move(l), 0);
  }
  void Pool() { Append(NewLayer(trace::Op::kGlobalAveragePool), 0); }
  void FullyConnected() { FullyConnectedTo(Channels(), {}); }

  void Any() {
    switch (random_.Int(0, 5)) {
      case 0:
      case 1:
        return Convolution(false);
      case 2:
      case 3:
        return Convolution(true);
      case 4:
        return Residual();
      default:
        return Add();
    }
  }

  // The operators without weights, and what goes with them.
  void WindowPool() {
    trace::Layer l = NewLayer(random_.Int(0, 1) ? trace::Op::kMaxPool : trace::Op::kAveragePool);
    RandomWindow(random_, builder_.ShapeOf(last_), l);
    l.pad_top = std::min(l.pad_top, l.kernel_h - 1);  // no window without a pixel
    l.pad_left = std::min(l.pad_left, l.kernel_w - 1);
    l.dilation_h = l.dilation_w = 1;
    l.pad_bottom = l.kernel_h - 1 - l.pad_top;
    l.pad_right = l.kernel_w - 1 - l.pad_left;
    l.count_padding = l.op == trace::Op::kAveragePool && random_.Int(0, 1);
    Append(std::move(l), 0);
  }
  void SqueezeAndExcite() {
    const int excited = last_;
    Pool();
    FullyConnectedTo(builder_.ShapeOf(excited).channels, AnyActivation());
    trace::Layer l = NewLayer(trace::Op::kMultiply);
    l.residual = last_;
    l.input = excited;
    l.activation = AnyActivation();
    Append(std::move(l), 0);
  }
  void Square() {
    trace::Layer l = NewLayer(trace::Op::kMultiply);
    l.residual = SameShape();
    l.activation = AnyActivation();
    Append(std::move(l), 0);
  }
  void Slice() {
    const int channels = builder_.ShapeOf(last_).channels;
    trace::Layer l = NewLayer(trace::Op::kSlice);
    l.first_channel = random_.Int(0, 1) ? random_.Int(0, channels / 16) * 16 % channels
                                        : random_.Int(0, channels - 1);
    const int rest = channels - l.first_channel;
    Append(std::move(l), random_.Int(0, 1) ? rest : random_.Int(1, rest));
  }
  // Of the last tensor, something computed from it, and now and then a slice of it.
  void Concatenate() {
    std::vector<int> operands{last_};
    const int source = last_;
    for (int i = random_.Int(1, 3); i > 0; --i) {
      last_ = source;
      if (random_.Int(0, 3) == 0) {
        Slice();
      } else {
        trace::Layer l = NewLayer(trace::Op::kConv);
        l.activation = AnyActivation();
        Append(std::move(l), Channels());
      }
      operands.push_back(last_);
    }
    trace::Layer l = NewLayer(trace::Op::kConcat);
    l.operands = operands;
    l.input = operands.front();
    Append(std::move(l), 0);
  }
  void Shuffle() {
    trace::Layer l = NewLayer(trace::Op::kShuffle);
    const int channels = builder_.ShapeOf(last_).channels;
    for (int groups : {2, 3, 4, 5}) {
      if (channels % groups == 0) l.groups = groups;
    }
    if (l.groups > 1) Append(std::move(l), 0);
  }
  void Function() {
    trace::Layer l = NewLayer(trace::Op::kActivate);
    l.activation = AnyActivation();
    if (l.activation.kind != trace::Activation::Kind::kNone) Append(std::move(l), 0);
  }
  void Groups() {
    trace::Layer l = NewLayer(trace::Op::kConv);
    const int channels = builder_.ShapeOf(last_).channels;
    for (int groups : {2, 3, 4, 8}) {
      if (channels % groups == 0 && channels > groups) l.groups = groups;
    }
    RandomWindow(random_, builder_.ShapeOf(l.input), l);
    l.activation = AnyActivation();
    const int groups = l.groups;
    Append(std::move(l), groups * random_.Int(1, 20));
  }
  void AnyOperator() {
    switch (random_.Int(0, 9)) {
      case 0:
        return WindowPool();
      case 1:
        return SqueezeAndExcite();
      case 2:
        return Square();
      case 3:
        return Slice();
      case 4:
      case 5:
        return Concatenate();
      case 6:
        return Shuffle();
      case 7:
        return Function();
      case 8:
        return Groups();
      default:
        return Any();
    }
  }

  trace::Network Finish() {
    trace::Network net = std::move(builder_).Finish("test");
    for (trace::Tensor& t : net.tensors) t.amax = static_cast<float>(random_.Int(1, 16)) * 0.5f;
    for (trace::Layer& l : net.layers) {
      if (!l.has_weights() || random_.Int(0, 1) == 0) continue;
      for (int n = net.tensors[static_cast<size_t>(l.output)].shape.channels; n > 0; --n) {
        l.bias_correction.push_back(static_cast<float>(random_.Int(-8, 8)) * 0.125f);
      }
    }
    return net;
  }

 private:
  void FullyConnectedTo(int channels, trace::Activation activation) {
    trace::Layer l = NewLayer(trace::Op::kFullyConnected);
    l.activation = activation;
    Append(std::move(l), channels);
  }
  trace::Activation AnyActivation() {
    using Kind = trace::Activation::Kind;
    return Pick<trace::Activation>(random_, {{},
                                             {Kind::kRelu, 0, 0},
                                             {Kind::kClip, -0.5f, 2.5f},
                                             {Kind::kHardSigmoid, 0.2f, 0.5f},
                                             {Kind::kHardSwish, 0, 0},
                                             {Kind::kSigmoid, 0, 0},
                                             {Kind::kSilu, 0, 0},
                                             {Kind::kGelu, 0, 0}});
  }
  int Channels() { return Pick(random_, {1, 3, 5, 8, 16, 24, 33, 40, 64, 96, 130}); }
  // The first tensor, from the back or the front, of the last one's shape.
  int SameShape() {
    int found = last_;
    for (int t : tensors_) {
      if (builder_.ShapeOf(t) == builder_.ShapeOf(last_) && random_.Int(0, 1)) found = t;
    }
    return found;
  }
  trace::Layer NewLayer(trace::Op op) {
    trace::Layer l;
    l.name = "layer" + std::to_string(tensors_.size());
    l.op = op;
    l.input = last_;
    return l;
  }
  void Append(trace::Layer l, int channels) {
    if (l.has_weights()) {
      l.synthetic = true;
      l.generator.seed = random_.Word();
      l.generator.gain = static_cast<uint32_t>(random_.Int(1 << 12, 1 << 15));
    }
    last_ = builder_.AddLayer(std::move(l), channels);
    tensors_.push_back(last_);
  }

  Random random_;
  compiler::NetworkBuilder builder_{"random"};
  int last_ = 0;
  std::vector<int> tensors_;
};

// Some layers of any kind, then pool and classifier (or, now and then, neither).
inline trace::Network RandomNetwork(uint32_t seed) {
  Random random(seed ^ 0x5EED);
  NetworkMaker maker(seed);
  maker.Convolution(false);
  for (int i = random.Int(1, 5); i > 0; --i) maker.Any();
  if (random.Int(0, 3) > 0) {
    maker.Pool();
    maker.FullyConnected();
  }
  return maker.Finish();
}

// The same of every operator.
inline trace::Network RandomOperatorNetwork(uint32_t seed) {
  Random random(seed ^ 0x0DD);
  NetworkMaker maker(seed);
  maker.Convolution(false);
  for (int i = random.Int(2, 5); i > 0; --i) maker.AnyOperator();
  maker.Convolution(false);
  return maker.Finish();
}

// Strips of pixels for all depthwise layers that can have them; how many.
inline int SetStrips(const trace::Network& net, platforms::DesignPoint& design) {
  int count = 0;
  for (const trace::Layer& l : net.layers) {
    if (l.op != trace::Op::kDepthwiseConv) continue;
    numerics::LayerOverride change;
    change.pattern = l.name;
    change.depthwise_blocks = numerics::DepthwiseBlocks::kStrips;
    design.layer_overrides.push_back(change);
    try {
      golden::Datapaths(net, design.datapath, design.layer_overrides);
      ++count;
    } catch (const std::invalid_argument&) {
      design.layer_overrides.pop_back();
    }
  }
  return count;
}

inline std::vector<float> RandomInput(const trace::Network& net, uint32_t seed) {
  Random random(seed);
  return random.Values(static_cast<int>(net.tensors[net.input].shape.elements()));
}

// Any bank unit, and any way to work with it.
inline void RandomNearmem(Random& random, platforms::DesignPoint& d) {
  using namespace nearmem;
  NearmemConfig& n = d.nearmem;
  n.mode = Pick(random, {BankMode::kAllBank, BankMode::kAllBank, BankMode::kPerBank});
  n.activation = BankActivation::kFaw;
  if (n.mode == BankMode::kAllBank) {
    n.activation =
        Pick(random, {BankActivation::kFaw, BankActivation::kGroup4, BankActivation::kAll});
  }
  n.scales = Pick(random, {ScalePlace::kRowEnd, ScalePlace::kBeside});
  n.unit_banks = Pick(random, {1u, 2u});
  n.lanes = Pick(random, {16u, 64u, 256u});
  n.pixels = Pick(random, {1u, 3u, 16u});
  n.accumulators = Pick(random, {1u, 3u, 16u, 64u});
  n.buffer_bytes = Pick(random, {256u, 288u, 2304u});
  n.broadcast_gbps = Pick(random, {8u, 36u});
  n.mode_switch_ns = Pick(random, {0u, 16u, 144u});
  d.nearmem_layers =
      Pick<std::string>(random, {"pointwise,fc", "pointwise,conv,fc", "conv", "none", "auto"});
  d.nearmem_auto = platforms::NearmemAuto::kTime;  // the scratchpads below have no price
}

// Any array, any queue, and scratchpads so small that layers are cut into many tiles.
inline platforms::DesignPoint RandomDesign(platforms::Platform platform, Random& random) {
  const auto device =
      Pick<std::string>(random, {"lpddr5-6400-x16", "lpddr5-6400-x16-16bank", "lpddr4-3200-x16",
                                 "ddr4-3200-x64", "hbm2-2000-pch", "gddr6-16-x16"});
  platforms::DesignPoint d = platforms::Resolve(platform, "", {"dram.device=" + device});
  d.tensor.rows = Pick(random, {1u, 3u, 4u, 16u});
  d.tensor.cols = Pick(random, {1u, 2u, 4u, 7u});
  d.tensor.lanes = Pick(random, {8u, 16u, 32u});
  d.tensor.dataflow =
      Pick(random, {accel::Dataflow::kOutputStationary, accel::Dataflow::kWeightStationary});
  d.tensor.latency = static_cast<uint32_t>(random.Int(1, 20));
  d.vector.lanes = Pick(random, {1u, 4u, 16u, 64u});
  d.vector.latency = static_cast<uint32_t>(random.Int(1, 20));
  d.dma.chunk = Pick(random, {64u, 256u, 1000u, 4096u});
  d.fetch.queue_depth = Pick(random, {1u, 2u, 32u});
  d.fetch.batch = Pick(random, {1u, 5u, 32u});
  d.clock_mhz = Pick(random, {200u, 1000u, 1700u});
  for (memory::SramConfig* sram : {&d.sram_act, &d.sram_weight, &d.sram_acc, &d.sram_out}) {
    sram->size = static_cast<uint32_t>(random.Int(16, 96)) * 64;
    sram->banks = Pick(random, {1u, 4u, 16u});
    sram->width = Pick(random, {8u, 16u});
  }
  d.keep_activations = random.Int(0, 3) > 0;
  d.dram_channels = Pick(random, {1u, 2u, 4u});
  using Page = memory::DramConfig::Page;
  d.dram_config.page = Pick(random, {Page::kOpen, Page::kClosed, Page::kAdaptive});
  d.dram_config.window = Pick(random, {1u, 8u, 32u});
  d.dram_config.write_buffer = Pick(random, {1u, 32u});
  d.dram_config.write_high = d.dram_config.write_buffer;
  d.dram_config.write_low = d.dram_config.write_buffer / 4;
  RandomNearmem(random, d);
  for (memory::SramConfig* sram : {&d.sram_act, &d.sram_weight, &d.sram_acc, &d.sram_out}) {
    sram->ports = Pick(random, {1u, 2u});
    sram->latency = Pick(random, {1u, 2u, 5u});
    sram->swizzle = random.Int(0, 1) > 0;
    sram->ecc = Pick(random, {memory::Ecc::kNone, memory::Ecc::kScales, memory::Ecc::kAll});
  }
  d.bus.width = Pick(random, {8u, 32u, 64u});
  d.bus.mhz = Pick(random, {0u, 0u, 400u, 1333u});
  d.bus.arbitration =
      Pick(random, {memory::Arbitration::kRoundRobin, memory::Arbitration::kPriority});
  return d;
}

inline void SetDatapath(platforms::DesignPoint& d, numerics::Format activations,
                        numerics::Format weights, int block, numerics::ScaleSource source) {
  d.datapath.activations = activations;
  d.datapath.weights = weights;
  d.datapath.SetBlock(block);
  d.datapath.tensor_scale = source;
}

inline void RandomDatapath(Random& random, platforms::DesignPoint& d) {
  using numerics::Format;
  SetDatapath(d, Pick(random, {Format::kNvfp4, Format::kNvfp4, Format::kFp4}),
              Pick(random, {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16}),
              random.Block(),
              Pick(random, {numerics::ScaleSource::kStatic, numerics::ScaleSource::kDynamic}));
  if (d.datapath.weight_outer() == numerics::OuterScale::kTensor && random.Int(0, 1) > 0) {
    d.datapath.weight_scale = numerics::WeightScale::kChannel;
  }
}

}  // namespace nibble::test
