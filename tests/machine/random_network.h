// Small random networks with every operator and awkward shapes, and random machines for them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platforms/design_point.h"
#include "sw/compiler/network_builder.h"
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
  void FullyConnected() { Append(NewLayer(trace::Op::kFullyConnected), Channels()); }

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

  trace::Network Finish() {
    trace::Network net = std::move(builder_).Finish("test");
    for (trace::Tensor& t : net.tensors) t.amax = static_cast<float>(random_.Int(1, 16)) * 0.5f;
    return net;
  }

 private:
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
}

}  // namespace nibble::test
