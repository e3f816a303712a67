#include "sw/trace/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace nibble::trace {
namespace {

std::string LayerLine(const Network& net, size_t index, size_t name_width) {
  const Layer& l = net.layers[index];
  std::string window, residual, codes;
  if (l.has_window()) {
    window = fmt::format("{}x{} stride {}x{} pad {},{},{},{}", l.kernel_h, l.kernel_w, l.stride_h,
                         l.stride_w, l.pad_top, l.pad_left, l.pad_bottom, l.pad_right);
    if (l.dilation_h != 1 || l.dilation_w != 1) {
      window += fmt::format(" dilation {}x{}", l.dilation_h, l.dilation_w);
    }
  }
  if (l.groups != 1) window += fmt::format("{}groups {}", window.empty() ? "" : " ", l.groups);
  if (l.count_padding) window += " counts padding";
  if (l.op == Op::kMatMul) window = fmt::format("scale {}", l.scale);
  if (l.op == Op::kLayerNorm) window = fmt::format("epsilon {}", l.epsilon);
  if (l.op == Op::kPick) window = fmt::format("pixels from {}", l.first_pixel);
  if (l.op == Op::kSlice) window = fmt::format("channels from {}", l.first_channel);
  if (l.residual >= 0) {
    const bool product = l.op == Op::kMultiply || l.op == Op::kMatMul;
    residual = (product ? "  * " : "  + ") + net.tensors[l.residual].name;
  }
  for (size_t i = 1; i < l.operands.size(); ++i) {
    residual += ", " + net.tensors[l.operands[i]].name;
  }
  if (l.quantized) codes = fmt::format("  NVFP4 codes, block {}", l.quantized->block);
  return fmt::format("{:>5}  {:<{}}  {:<10}  {:>13} -> {:<13} {:<26}  {:<9} {:>12} {:>10}{}{}\n",
                     index, l.name, name_width, OpName(l.op), ShapeText(net.tensors[l.input].shape),
                     ShapeText(net.tensors[l.output].shape), window, ActivationText(l.activation),
                     AnalyticMacs(net, l), ParameterCount(net, l), residual, codes);
}

std::string TensorText(const Tensor& t) {
  return fmt::format("{}  {}  amax {}", t.name, ShapeText(t.shape), t.amax);
}

}  // namespace

std::string ShapeText(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string ActivationText(const Activation& a) {
  switch (a.kind) {
    case Activation::Kind::kNone:
      return "none";
    case Activation::Kind::kRelu:
      return "relu";
    case Activation::Kind::kClip:
      return fmt::format("clip {}..{}", a.lo, a.hi);
    case Activation::Kind::kHardSigmoid:
      return fmt::format("hardsigmoid {}, {}", a.lo, a.hi);
    case Activation::Kind::kHardSwish:
      return "hardswish";
    case Activation::Kind::kSigmoid:
      return "sigmoid";
    case Activation::Kind::kSilu:
      return "silu";
    case Activation::Kind::kGelu:
      return "gelu";
  }
  return "?";
}

std::string Print(const Network& net, const std::string& hash) {
  std::string out = fmt::format("network      {}\n", net.name);
  if (!hash.empty()) out += fmt::format("hash         {}\n", hash);
  out += fmt::format("producer     {}\n", net.producer);
  out += fmt::format("calibration  {}\n", net.calibration.empty() ? "none" : net.calibration);
  for (const std::string& step : net.posttraining) out += fmt::format("{:<11}  {}\n", "then", step);
  out += fmt::format("input        {}\n", TensorText(net.tensors[net.input]));
  out += fmt::format("output       {}\n", TensorText(net.tensors[net.output]));
  for (const Tensor& t : net.tensors) {
    if (t.constant) out += fmt::format("constant     {}\n", TensorText(t));
  }
  out += fmt::format("preprocess   (u8 / 255 - mean) / stddev, mean {}, stddev {}{}\n\n",
                     fmt::join(net.preprocess.mean, " "), fmt::join(net.preprocess.stddev, " "),
                     net.preprocess.resize == 0
                         ? ""
                         : fmt::format(", files resized to {}", net.preprocess.resize));

  size_t name_width = 4;
  for (const Layer& l : net.layers) name_width = std::max(name_width, l.name.size());
  out += fmt::format("{:>5}  {:<{}}  {:<10}  {:>13} -> {:<13} {:<26}  {:<9} {:>12} {:>10}\n",
                     "layer", "name", name_width, "op", "input", "output", "window", "activation",
                     "MACs", "parameters");
  int64_t macs = 0, parameters = 0;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    out += LayerLine(net, i, name_width);
    macs += AnalyticMacs(net, net.layers[i]);
    parameters += ParameterCount(net, net.layers[i]);
  }
  for (const Tensor& t : net.tensors) {
    if (t.constant) parameters += t.shape.elements();
  }
  out += fmt::format("\n{} layers, {} tensors, {} MACs, {} parameters\n", net.layers.size(),
                     net.tensors.size(), macs, parameters);
  return out;
}

}  // namespace nibble::trace
