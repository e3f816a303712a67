#include "sw/compiler/network_builder.h"

#include <utility>

namespace nibble::compiler {

NetworkBuilder::NetworkBuilder(std::string name) { net_.name = std::move(name); }

int NetworkBuilder::AddInput(const std::string& name, const trace::Shape& shape) {
  net_.tensors.push_back({name, shape, 0});
  net_.input = static_cast<int>(net_.tensors.size()) - 1;
  return net_.input;
}

int NetworkBuilder::AddConstant(trace::Tensor tensor) {
  tensor.constant = true;
  net_.tensors.push_back(std::move(tensor));
  return static_cast<int>(net_.tensors.size()) - 1;
}

int NetworkBuilder::AddLayer(trace::Layer l, int channels, int pixels) {
  const trace::Shape in = ShapeOf(l.input);
  trace::Shape out = in;
  switch (l.op) {
    case trace::Op::kConv:
    case trace::Op::kDepthwiseConv:
    case trace::Op::kMaxPool:
    case trace::Op::kAveragePool:
      out.height = trace::ConvOutputLength(in.height, l.kernel_h, l.stride_h, l.dilation_h,
                                           l.pad_top, l.pad_bottom);
      out.width = trace::ConvOutputLength(in.width, l.kernel_w, l.stride_w, l.dilation_w,
                                          l.pad_left, l.pad_right);
      out.channels = l.has_weights() ? channels : in.channels;
      break;
    case trace::Op::kFullyConnected:
      out = {1, 1, channels};
      break;
    case trace::Op::kGlobalAveragePool:
      out = {1, 1, in.channels};
      break;
    case trace::Op::kConcat:
      out.channels = 0;
      for (const int t : l.operands) out.channels += ShapeOf(t).channels;
      break;
    case trace::Op::kSlice:
      out.channels = channels;
      break;
    case trace::Op::kMatMul:
      out.channels = ShapeOf(l.residual).pixels();
      break;
    case trace::Op::kTranspose:
      out = {in.channels, 1, in.pixels()};
      break;
    case trace::Op::kStack:
      out = {0, 1, in.channels};
      for (const int t : l.operands) out.height += ShapeOf(t).pixels();
      break;
    case trace::Op::kPick:
      out = {pixels, 1, in.channels};
      break;
    case trace::Op::kAdd:
    case trace::Op::kMultiply:
    case trace::Op::kShuffle:
    case trace::Op::kActivate:
    case trace::Op::kSoftmax:
    case trace::Op::kLayerNorm:
      break;
  }
  l.output = static_cast<int>(net_.tensors.size());
  net_.tensors.push_back({l.name, out, 0});
  net_.layers.push_back(std::move(l));
  return net_.output = net_.layers.back().output;
}

trace::Network NetworkBuilder::Finish(const std::string& producer) && {
  net_.producer = producer;
  const auto channels = static_cast<size_t>(ShapeOf(net_.input).channels);
  net_.preprocess.mean.assign(channels, 0.5f);
  net_.preprocess.stddev.assign(channels, 0.5f);
  trace::Validate(net_);
  return std::move(net_);
}

}  // namespace nibble::compiler
