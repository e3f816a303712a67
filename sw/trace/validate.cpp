#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <set>
#include <stdexcept>

#include "sw/trace/file.h"
#include "sw/trace/network.h"
#include "sw/trace/synthetic.h"

namespace nibble::trace {
namespace {

// One thing that is looked at, by the name that an error message calls it.
class Subject {
 public:
  explicit Subject(std::string name) : name_(std::move(name)) {}

  [[noreturn]] void Fail(const std::string& message) const {
    throw FileError(name_ + ": " + message);
  }
  void InRange(const char* field, int64_t value, int64_t lo, int64_t hi) const {
    if (value < lo || value > hi) {
      Fail(fmt::format("{} is {}, must be {}..{}", field, value, lo, hi));
    }
  }
  void Finite(const char* field, float value) const {
    if (!std::isfinite(value)) Fail(fmt::format("{} is {}, must be finite", field, value));
  }
  void Share(const char* field, float value) const {
    if (!(value >= 0 && value <= 1)) Fail(fmt::format("{} is {}, must be 0..1", field, value));
  }
  void Text(const char* field, const std::string& text, bool required,
            size_t limit = kMaxNameBytes) const {
    if (required && text.empty()) Fail(fmt::format("{} is empty", field));
    if (text.size() > limit) {
      Fail(fmt::format("{} has {} bytes, at most {} are allowed", field, text.size(), limit));
    }
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7F) Fail(fmt::format("{} has a control character", field));
    }
  }
  void Values(const char* field, const std::vector<float>& values, int64_t count) const {
    if (static_cast<int64_t>(values.size()) != count) {
      Fail(fmt::format("{} has {} elements, expected {}", field, values.size(), count));
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) Fail(fmt::format("{}[{}] is not finite", field, i));
    }
  }

 private:
  std::string name_;
};

std::string Text(const Shape& s) { return fmt::format("{}x{}x{}", s.height, s.width, s.channels); }

void CheckTensors(const Network& net, bool with_values) {
  std::set<std::string> names;
  for (size_t i = 0; i < net.tensors.size(); ++i) {
    const Tensor& t = net.tensors[i];
    const Subject subject(fmt::format("tensor {} \"{}\"", i, t.name.substr(0, kMaxNameBytes)));
    subject.Text("name", t.name, true);
    if (!names.insert(t.name).second) subject.Fail("name is not unique");
    subject.InRange("height", t.shape.height, 1, kMaxSide);
    subject.InRange("width", t.shape.width, 1, kMaxSide);
    subject.InRange("channels", t.shape.channels, 1, kMaxChannels);
    const int64_t pixels = int64_t{t.shape.height} * t.shape.width;
    subject.InRange("elements", pixels * t.shape.channels, 1, kMaxElements);
    subject.Finite("amax", t.amax);
    if (t.amax < 0) subject.Fail(fmt::format("amax is {}, must not be negative", t.amax));
    if (t.zeros) subject.Share("share of zeros", *t.zeros);
    if (t.generator) {
      if (!t.constant) subject.Fail("generated values of a tensor that is no constant");
      subject.InRange("generator gain", t.generator->gain, 1, kMaxGain);
    }
    const bool stored = t.constant && !t.generator;
    if (with_values || !stored) subject.Values("values", t.values, stored ? t.shape.elements() : 0);
  }
}

void CheckActivation(const Subject& subject, const Activation& a) {
  subject.InRange("activation", static_cast<int>(a.kind), 0,
                  static_cast<int>(numerics::kLastActivation));
  subject.Finite("activation lo", a.lo);
  subject.Finite("activation hi", a.hi);
  if (a.kind == Activation::Kind::kClip && a.lo > a.hi) {
    subject.Fail(fmt::format("activation lo {} is above hi {}", a.lo, a.hi));
  }
}

// An activation of its own, none, or either.
void CheckActivates(const Subject& subject, const Layer& l) {
  const bool none = l.activation.kind == Activation::Kind::kNone;
  if (l.op == Op::kActivate && none) subject.Fail("activation is none, which is no work");
  const bool may =
      l.has_weights() || l.op == Op::kAdd || l.op == Op::kMultiply || l.op == Op::kActivate;
  if (!may && !none) subject.Fail(fmt::format("activation must be none after {}", OpName(l.op)));
}

void CheckGeometry(const Subject& subject, const Layer& l) {
  const bool windowed = l.has_window();
  // Operators without a window leave the fields at their defaults.
  const auto check = [&](const char* field, int value, int lo, int hi) {
    subject.InRange(field, value, lo, windowed ? hi : lo);
  };
  check("kernel_h", l.kernel_h, 1, kMaxKernel);
  check("kernel_w", l.kernel_w, 1, kMaxKernel);
  check("stride_h", l.stride_h, 1, kMaxStride);
  check("stride_w", l.stride_w, 1, kMaxStride);
  check("dilation_h", l.dilation_h, 1, kMaxDilation);
  check("dilation_w", l.dilation_w, 1, kMaxDilation);
  check("pad_top", l.pad_top, 0, kMaxPad);
  check("pad_left", l.pad_left, 0, kMaxPad);
  check("pad_bottom", l.pad_bottom, 0, kMaxPad);
  check("pad_right", l.pad_right, 0, kMaxPad);
}

// Each output place of a pool must see the image: along one axis, with `output` places.
void CheckPoolAxis(const Subject& subject, const char* axis, int input, int output, int kernel,
                   int stride, int dilation, int pad) {
  for (int o = 0; o < output; ++o) {
    bool inside = false;
    for (int k = 0; k < kernel && !inside; ++k) {
      const int at = o * stride - pad + k * dilation;
      inside = at >= 0 && at < input;
    }
    if (!inside) subject.Fail(fmt::format("the window of output {} {} holds no input", axis, o));
  }
}

void CheckPool(const Subject& subject, const Network& net, const Layer& l) {
  const Shape &in = net.tensors[l.input].shape, &out = net.tensors[l.output].shape;
  CheckPoolAxis(subject, "row", in.height, out.height, l.kernel_h, l.stride_h, l.dilation_h,
                l.pad_top);
  CheckPoolAxis(subject, "column", in.width, out.width, l.kernel_w, l.stride_w, l.dilation_w,
                l.pad_left);
}

// Fields that only some operators have, before shapes are looked at.
void CheckChannels(const Subject& subject, const Network& net, const Layer& l) {
  const int in = net.tensors[l.input].shape.channels, out = net.tensors[l.output].shape.channels;
  const bool grouped = l.op == Op::kConv || l.op == Op::kShuffle;
  subject.InRange("groups", l.groups, 1, grouped ? kMaxChannels : 1);
  if (in % l.groups != 0 || out % l.groups != 0) {
    subject.Fail(fmt::format("groups is {}, must divide {} input and {} output channels", l.groups,
                             in, out));
  }
  if (l.count_padding && l.op != Op::kAveragePool) subject.Fail("count_padding must be false");
  subject.InRange("first_channel", l.first_channel, 0, l.op == Op::kSlice ? in - 1 : 0);
  if (l.first_channel > in - out && l.op == Op::kSlice) {
    subject.Fail(fmt::format("first_channel is {}: {} channels from there are not in {}",
                             l.first_channel, out, in));
  }
}

void CheckTokens(const Subject& subject, const Network& net, const Layer& l) {
  const int in = net.tensors[l.input].shape.pixels(), out = net.tensors[l.output].shape.pixels();
  subject.InRange("first_pixel", l.first_pixel, 0, l.op == Op::kPick ? in - 1 : 0);
  if (l.first_pixel > in - out && l.op == Op::kPick) {
    subject.Fail(fmt::format("first_pixel is {}: {} pixels from there are not in {}", l.first_pixel,
                             out, in));
  }
  subject.Finite("scale", l.scale);
  if (l.scale != 1 && l.op != Op::kMatMul) subject.Fail("scale must be 1");
  subject.Finite("epsilon", l.epsilon);
  if (l.op == Op::kLayerNorm ? !(l.epsilon > 0) : l.epsilon != 0) {
    subject.Fail(fmt::format("epsilon is {}, must be {}", l.epsilon,
                             l.op == Op::kLayerNorm ? "positive" : "0"));
  }
}

// The output's height and width follow from the input; its channels too, where the operator keeps
// them.
Shape ExpectedOutput(const Layer& l, const Shape& in, const Shape& out) {
  switch (l.op) {
    case Op::kConv:
    case Op::kDepthwiseConv:
    case Op::kMaxPool:
    case Op::kAveragePool:
      return {
          ConvOutputLength(in.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top,
                           l.pad_bottom),
          ConvOutputLength(in.width, l.kernel_w, l.stride_w, l.dilation_w, l.pad_left, l.pad_right),
          l.op == Op::kConv ? out.channels : in.channels};
    case Op::kFullyConnected:
      return {1, 1, out.channels};
    case Op::kAdd:
    case Op::kMultiply:
    case Op::kShuffle:
    case Op::kActivate:
    case Op::kSoftmax:
    case Op::kLayerNorm:
      return in;
    case Op::kMatMul:
      return {in.height, in.width, out.channels};
    case Op::kTranspose:
      return {in.channels, 1, in.pixels()};
    case Op::kStack:
    case Op::kPick:
      return {out.height, 1, in.channels};
    case Op::kConcat:
    case Op::kSlice:
      return {in.height, in.width, out.channels};
    case Op::kGlobalAveragePool:
      return {1, 1, in.channels};
  }
  return {};
}

void CheckConcat(const Subject& subject, const Network& net, const Layer& l) {
  const Shape& out = net.tensors[l.output].shape;
  int64_t channels = 0;
  for (const int t : l.operands) {
    const Shape& s = net.tensors[t].shape;
    channels += s.channels;
    if (s.height != out.height || s.width != out.width) {
      subject.Fail(fmt::format("operand {} is {}, the output {}", t, Text(s), Text(out)));
    }
  }
  if (channels != out.channels) {
    subject.Fail(
        fmt::format("operands have {} channels together, the output {}", channels, out.channels));
  }
}

void CheckStack(const Subject& subject, const Network& net, const Layer& l) {
  const Shape& out = net.tensors[l.output].shape;
  int64_t pixels = 0;
  for (const int t : l.operands) {
    const Shape& s = net.tensors[t].shape;
    pixels += s.pixels();
    if (s.channels != out.channels) {
      subject.Fail(fmt::format("operand {} is {}, the output {}", t, Text(s), Text(out)));
    }
  }
  if (pixels != out.pixels()) {
    subject.Fail(
        fmt::format("operands have {} pixels together, the output {}", pixels, out.pixels()));
  }
}

void CheckMatMul(const Subject& subject, const Network& net, const Layer& l) {
  const Shape &a = net.tensors[l.input].shape, &b = net.tensors[l.residual].shape;
  const Shape& out = net.tensors[l.output].shape;
  if (a.channels != b.channels || b.pixels() != out.channels) {
    subject.Fail(fmt::format("multiplies {} by {}, its output is {}", Text(a), Text(b), Text(out)));
  }
}

void CheckShapes(const Subject& subject, const Network& net, const Layer& l) {
  const Shape& in = net.tensors[l.input].shape;
  const Shape& out = net.tensors[l.output].shape;
  if (l.op == Op::kFullyConnected && in.pixels() != 1) {
    subject.Fail(fmt::format("input is {}, a fully connected layer takes 1x1xC", Text(in)));
  }
  const Shape expected = ExpectedOutput(l, in, out);
  if (!(out == expected)) {
    subject.Fail(fmt::format("output is {}, expected {} for an input of {}", Text(out),
                             Text(expected), Text(in)));
  }
  if (l.op == Op::kMatMul) {
    CheckMatMul(subject, net, l);
  } else if (l.residual >= 0) {
    const Shape& residual = net.tensors[l.residual].shape;
    const bool pixel = l.op == Op::kMultiply && residual == Shape{1, 1, out.channels};
    if (!pixel && !(residual == out)) {
      subject.Fail(
          fmt::format("residual is {}, must be {} as the output", Text(residual), Text(out)));
    }
  }
  if (l.op == Op::kMaxPool || l.op == Op::kAveragePool) CheckPool(subject, net, l);
  if (l.op == Op::kConcat) CheckConcat(subject, net, l);
  if (l.op == Op::kStack) CheckStack(subject, net, l);
}

void CheckWeights(const Subject& subject, const Network& net, const Layer& l, bool with_weights) {
  const int64_t count = WeightCount(net, l);
  subject.InRange("number of weights", count, l.has_parameters() ? 1 : 0, kMaxElements);
  if (l.synthetic) {
    if (!l.has_parameters()) subject.Fail("synthetic weights on an operator without weights");
    subject.InRange("generator gain", l.generator.gain, 1, kMaxGain);
    subject.Values("weights", l.weights, 0);
    subject.Values("bias", l.bias, 0);
  } else if (with_weights) {
    subject.Values("weights", l.weights, count);
    subject.Values("bias", l.bias, l.has_parameters() ? net.tensors[l.output].shape.channels : 0);
  }
}

void CheckCorrection(const Subject& subject, const Network& net, const Layer& l) {
  if (l.bias_correction.empty()) return;
  if (!l.has_weights()) subject.Fail("bias correction on an operator without weights");
  subject.Values("bias_correction", l.bias_correction, net.tensors[l.output].shape.channels);
}

// The weights are those of the codes, whoever takes which.
void CheckQuantized(const Subject& subject, const Network& net, const Layer& l, bool with_weights) {
  if (!l.quantized) return;
  if (!l.has_weights()) subject.Fail("quantised weights on an operator without weights");
  if (l.synthetic) subject.Fail("weights are both quantised and synthetic");
  subject.InRange("block of the quantised weights", l.quantized->block, 1, kMaxQuantizedBlock);
  if (!with_weights) return;
  try {
    // As bits: -0 is a code of its own.
    const std::vector<float> values = QuantizedWeightValues(net, l);
    if (std::memcmp(values.data(), l.weights.data(), values.size() * sizeof(float)) != 0) {
      subject.Fail("weights are not the values of the quantised weights");
    }
  } catch (const std::invalid_argument& e) {
    subject.Fail(fmt::format("quantised weights: {}", e.what()));
  }
}

void CheckOperands(const Subject& subject, const Layer& l, int64_t tensors) {
  const bool many = l.op == Op::kConcat || l.op == Op::kStack;
  subject.InRange("number of operands", static_cast<int64_t>(l.operands.size()), many ? 1 : 0,
                  many ? kMaxChannels : 0);
  for (const int t : l.operands) subject.InRange("operands", t, 0, tensors - 1);
  if (many && l.operands.front() != l.input) {
    subject.Fail(fmt::format("the first operand is {}, the input {}", l.operands[0], l.input));
  }
}

void CheckLayers(const Network& net, bool with_weights) {
  const auto tensors = static_cast<int64_t>(net.tensors.size());
  std::vector<bool> written(net.tensors.size());
  written[net.input] = true;
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (net.tensors[t].constant) written[t] = true;
  }
  std::set<std::string> names;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const Layer& l = net.layers[i];
    const Subject subject(fmt::format("layer {} \"{}\"", i, l.name.substr(0, kMaxNameBytes)));
    subject.Text("name", l.name, true);
    if (!names.insert(l.name).second) subject.Fail("name is not unique");
    subject.Text("source", l.source, false);
    subject.InRange("op", static_cast<int>(l.op), 0, static_cast<int>(kLastOp));
    subject.InRange("input", l.input, 0, tensors - 1);
    const bool combines = l.op == Op::kAdd || l.op == Op::kMultiply || l.op == Op::kMatMul;
    subject.InRange("residual", l.residual, combines ? 0 : -1,
                    combines || l.has_weights() ? tensors - 1 : -1);
    subject.InRange("output", l.output, 0, tensors - 1);
    const auto read = [&](const char* field, int tensor) {
      if (tensor == net.output) subject.Fail(fmt::format("{} reads the network's output", field));
      if (!written[tensor]) {
        subject.Fail(fmt::format("{} reads tensor {} before it is written", field, tensor));
      }
    };
    read("input", l.input);
    if (l.residual >= 0) read("residual", l.residual);
    CheckOperands(subject, l, tensors);
    for (const int t : l.operands) read("operands", t);
    if (written[l.output]) {
      subject.Fail(fmt::format("output writes tensor {} a second time", l.output));
    }
    written[l.output] = true;
    CheckGeometry(subject, l);
    CheckActivation(subject, l.activation);
    CheckActivates(subject, l);
    CheckChannels(subject, net, l);
    CheckTokens(subject, net, l);
    CheckShapes(subject, net, l);
    CheckWeights(subject, net, l, with_weights);
    CheckQuantized(subject, net, l, with_weights);
    if (with_weights) CheckCorrection(subject, net, l);
    if (l.zeros) {
      if (!l.has_products()) subject.Fail("shares of zeros on an operator without weights");
      subject.Share("share of zero weights", l.zeros->weights);
      subject.Share("share of zero blocks", l.zeros->blocks);
    }
  }
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    if (!written[t]) {
      Subject(fmt::format("tensor {} \"{}\"", t, net.tensors[t].name)).Fail("no layer writes it");
    }
  }
}

void CheckPreprocess(const Network& net) {
  const Subject subject("preprocess");
  const int channels = net.tensors[net.input].shape.channels;
  subject.Values("mean", net.preprocess.mean, channels);
  subject.Values("stddev", net.preprocess.stddev, channels);
  subject.InRange("resize", net.preprocess.resize, 0, kMaxSide);
  for (const float s : net.preprocess.stddev) {
    if (!(s > 0)) subject.Fail(fmt::format("stddev is {}, must be positive", s));
  }
}

}  // namespace

void Validate(const Network& net, bool with_weights) {
  const Subject subject("network");
  subject.Text("name", net.name, true);
  subject.Text("producer", net.producer, false);
  subject.Text("calibration", net.calibration, false);
  subject.InRange("number of posttraining steps", static_cast<int64_t>(net.posttraining.size()), 0,
                  int64_t{kMaxSteps});
  for (const std::string& step : net.posttraining)
    subject.Text("posttraining", step, true, kMaxStepBytes);
  subject.InRange("number of layers", static_cast<int64_t>(net.layers.size()), 1, kMaxLayers);
  subject.InRange("number of tensors", static_cast<int64_t>(net.tensors.size()), 2, kMaxLayers + 1);
  const auto tensors = static_cast<int64_t>(net.tensors.size());
  subject.InRange("input", net.input, 0, tensors - 1);
  subject.InRange("output", net.output, 0, tensors - 1);
  if (net.tensors[net.input].constant) subject.Fail("the input is a constant");
  CheckTensors(net, with_weights);
  CheckLayers(net, with_weights);
  CheckPreprocess(net);
}

}  // namespace nibble::trace
