// Built-in networks with synthetic weights.
//
// MobileNetV2 (Sandler et al., CVPR 2018, table 2; layer order and padding as in torchvision).
// gemv:OUTxIN, one fully connected layer: what near-memory devices are measured with.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "sw/compiler/compiler.h"
#include "sw/compiler/network_builder.h"
#include "sw/trace/synthetic.h"

namespace nibble::compiler {
namespace {

constexpr uint64_t kSeed = 2;  // the version of the network
constexpr char kMobileNetV2[] = "mobilenet_v2";

// Weights are scaled to hold the signal at a power (mean square) that 4-bit formats and ReLU6 see
// in trained networks: every pre-activation has variance 4, so that ReLU6 clips beyond 3 standard
// deviations; its output then has power close to 2, the half that is positive. Outputs of linear
// bottlenecks have power 1 each and residual sums add up.
constexpr double kPreActivationPower = 4, kActivePower = 2, kLinearPower = 1;

class MobileNetV2 {
 public:
  explicit MobileNetV2(int resolution) : builder_(kMobileNetV2) {
    // A uniform input in -1..1 has power 1/3.
    signal_ = {builder_.AddInput("input", {resolution, resolution, 3}), 1.0 / 3};
  }

  trace::Network Build() && {
    Conv("stem", 3, 2, 32, true);
    struct Stage {
      int expand, channels, repeats, stride;
    };
    constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                 {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    int block = 0;
    for (const Stage& s : kStages) {
      for (int i = 0; i < s.repeats; ++i) {
        Bottleneck(++block, s.expand, s.channels, i == 0 ? s.stride : 1);
      }
    }
    Conv("head", 1, 1, 1280, true);
    trace::Layer pool = New("pool", trace::Op::kGlobalAveragePool);
    // Mean of a rectified normal variate of variance v: sqrt(v / (2 pi)); the power that averaging
    // leaves.
    signal_ = {builder_.AddLayer(std::move(pool)), kPreActivationPower / 6.283185307179586};
    trace::Layer classifier = New("classifier", trace::Op::kFullyConnected);
    Generate(classifier, builder_.ShapeOf(signal_.tensor).channels, kPreActivationPower);
    builder_.AddLayer(std::move(classifier), 1000);
    return std::move(builder_).Finish("builder mobilenet_v2");
  }

 private:
  struct Signal {
    int tensor = 0;
    double power = 0;  // mean square, estimated
  };

  trace::Layer New(const std::string& name, trace::Op op) const {
    trace::Layer l;
    l.name = name;
    l.op = op;
    l.input = signal_.tensor;
    return l;
  }

  // Weights under which `terms` products of the signal sum to variance `power`.
  void Generate(trace::Layer& l, int terms, double power) {
    const double deviation = std::sqrt(power / (terms * signal_.power));  // sqrt rounds correctly
    l.synthetic = true;
    l.generator = {trace::Splitmix64(kSeed, seeds_++), static_cast<uint32_t>(deviation * 65536)};
  }

  void Window(trace::Layer& l, int kernel, int stride) {
    l.kernel_h = l.kernel_w = kernel;
    l.stride_h = l.stride_w = stride;
    l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = kernel / 2;
  }

  void Conv(const std::string& name, int kernel, int stride, int channels, bool relu6,
            int residual = -1, double residual_power = 0) {
    trace::Layer l = New(name, trace::Op::kConv);
    Window(l, kernel, stride);
    Generate(l, kernel * kernel * builder_.ShapeOf(signal_.tensor).channels,
             relu6 ? kPreActivationPower : kLinearPower);
    if (relu6) l.activation = {trace::Activation::Kind::kClip, 0, 6};
    l.residual = residual;
    signal_ = {builder_.AddLayer(std::move(l), channels),
               relu6 ? kActivePower : kLinearPower + residual_power};
  }

  void Depthwise(const std::string& name, int stride) {
    trace::Layer l = New(name, trace::Op::kDepthwiseConv);
    Window(l, 3, stride);
    Generate(l, 3 * 3, kPreActivationPower);
    l.activation = {trace::Activation::Kind::kClip, 0, 6};
    const int channels = builder_.ShapeOf(signal_.tensor).channels;
    signal_ = {builder_.AddLayer(std::move(l), channels), kActivePower};
  }

  void Bottleneck(int number, int expand, int channels, int stride) {
    const std::string name = fmt::format("block{}.", number);
    const Signal in = signal_;
    const int in_channels = builder_.ShapeOf(in.tensor).channels;
    if (expand != 1) Conv(name + "expand", 1, 1, in_channels * expand, true);
    Depthwise(name + "depthwise", stride);
    const bool residual = stride == 1 && in_channels == channels;
    Conv(name + "project", 1, 1, channels, false, residual ? in.tensor : -1,
         residual ? in.power : 0);
  }

  NetworkBuilder builder_;
  Signal signal_;
  uint64_t seeds_ = 0;
};

// Rows and columns of "gemv:ROWSxCOLUMNS".
bool ParseGemv(const std::string& name, int& rows, int& columns) {
  int end = 0;
  const int found = std::sscanf(name.c_str(), "gemv:%5dx%5d%n", &rows, &columns, &end);
  return found == 2 && static_cast<size_t>(end) == name.size();
}

trace::Network BuildGemv(const std::string& name, int rows, int columns) {
  constexpr int kMost = 32768;  // shapes are 16-bit in command words
  if (rows < 1 || rows > kMost || columns < 1 || columns > kMost) {
    throw std::invalid_argument(
        fmt::format("\"{}\": expected 1 to {} rows and columns", name, kMost));
  }
  NetworkBuilder builder(fmt::format("gemv_{}x{}", rows, columns));
  trace::Layer l;
  l.name = "gemv";
  l.op = trace::Op::kFullyConnected;
  l.input = builder.AddInput("input", {1, 1, columns});
  // Outputs of power 1 from a uniform input in -1..1, of power 1/3.
  l.synthetic = true;
  l.generator = {trace::Splitmix64(kSeed, 0),
                 static_cast<uint32_t>(std::sqrt(3.0 / columns) * 65536)};
  builder.AddLayer(std::move(l), rows);
  return std::move(builder).Finish("builder " + name);
}

}  // namespace

std::vector<std::string> BuiltInNetworks() { return {kMobileNetV2, "gemv:ROWSxCOLUMNS"}; }

trace::Network BuildNetwork(const std::string& name, int resolution) {
  int rows = 0, columns = 0;
  if (ParseGemv(name, rows, columns)) return BuildGemv(name, rows, columns);
  if (name != kMobileNetV2) {
    throw std::invalid_argument(fmt::format("unknown built-in network \"{}\"; known: {}", name,
                                            fmt::join(BuiltInNetworks(), ", ")));
  }
  if (resolution < kMinResolution || resolution > kMaxResolution) {
    throw std::invalid_argument(fmt::format("resolution is {}, must be {}..{}", resolution,
                                            kMinResolution, kMaxResolution));
  }
  return MobileNetV2(resolution).Build();
}

}  // namespace nibble::compiler
