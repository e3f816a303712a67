#include "sw/lowering/compulsory.h"

#include <algorithm>

#include "models/accel/weight_layout.h"
#include "sw/golden/golden.h"

namespace nibble::lowering {
namespace {

uint64_t StoredBytes(const numerics::ActivationLayout& layout) {
  return layout.code_bytes() + layout.scale_bytes();
}

// Places of an axis of `in` elements that lie under some kernel tap of some output.
uint64_t ReadPlaces(int in, int out, int kernel, int stride, int dilation, int pad) {
  std::vector<bool> read(static_cast<size_t>(in));
  for (int o = 0; o < out; ++o) {
    for (int k = 0; k < kernel; ++k) {
      const int place = o * stride - pad + k * dilation;
      if (0 <= place && place < in) read[static_cast<size_t>(place)] = true;
    }
  }
  return static_cast<uint64_t>(std::count(read.begin(), read.end(), true));
}

// Pixels of the input that the layer needs: a stride longer than the kernel skips some.
uint64_t ReadPixels(const trace::Network& net, const trace::Layer& l) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  if (l.op == trace::Op::kPick) return static_cast<uint64_t>(out.pixels());
  const bool windows = l.op == trace::Op::kConv || l.op == trace::Op::kDepthwiseConv ||
                       l.op == trace::Op::kMaxPool || l.op == trace::Op::kAveragePool;
  if (l.residual == l.input || !windows) {
    return static_cast<uint64_t>(in.pixels());
  }
  return ReadPlaces(in.height, out.height, l.kernel_h, l.stride_h, l.dilation_h, l.pad_top) *
         ReadPlaces(in.width, out.width, l.kernel_w, l.stride_w, l.dilation_w, l.pad_left);
}

// Bytes of these pixels at least: a strip's scales serve no more than a block of them.
uint64_t ReadBytes(const trace::Network& net, const trace::Layer& l,
                   const numerics::ActivationLayout& in) {
  const uint64_t pixels = ReadPixels(net, l);
  const uint64_t codes = pixels * in.code_bytes_per_pixel();
  if (!in.strips()) return codes + pixels * in.scale_row_bytes();
  const uint64_t strips =
      (pixels + static_cast<uint64_t>(in.block) - 1) / static_cast<uint64_t>(in.block);
  return codes + strips * in.scale_row_bytes();
}

// What a concatenation or slice reads and writes where addressing alone does not do it.
uint64_t CopiedBytes(const Target& target, const trace::Layer& layer,
                     const std::vector<sim::TensorPlacement>& tensors) {
  const auto bytes = [&](int tensor, int channels) {
    numerics::ActivationLayout layout = tensors[tensor].layout;
    layout.channels = channels;
    return StoredBytes(layout);
  };
  uint64_t total = 0;
  for (const golden::ChannelRange& range :
       golden::WrittenChannels(target.net, target.datapaths, layer)) {
    if (tensors[layer.output].in_dram) total += bytes(layer.output, range.channels);
    if (layer.op == trace::Op::kSlice) total += bytes(layer.input, range.channels);
    int channel = 0;
    for (const int t : layer.operands) {
      const int count = target.net.tensors[t].shape.channels;
      if (channel >= range.channel && channel < range.channel + range.channels) {
        total += bytes(t, count);
      }
      channel += count;
    }
  }
  return total;
}

}  // namespace

uint64_t CompulsoryBytes(const Target& target, const trace::Layer& layer,
                         const LayerConstants& constants,
                         const std::vector<sim::TensorPlacement>& tensors) {
  if (layer.op == trace::Op::kConcat || layer.op == trace::Op::kSlice) {
    return CopiedBytes(target, layer, tensors);
  }
  const sim::TensorPlacement& in = tensors[layer.input];
  const sim::TensorPlacement& out = tensors[layer.output];
  const bool kept = in.in_act && layer.has_products();
  uint64_t bytes = ParamBytes(target, layer);
  for (size_t t = 1; t < layer.operands.size(); ++t) {
    bytes += StoredBytes(tensors[layer.operands[t]].layout);
  }
  if (!kept) bytes += ReadBytes(target.net, layer, in.layout);
  if (out.in_dram) bytes += StoredBytes(out.layout);
  if (layer.residual >= 0 && (kept || layer.residual != layer.input)) {
    bytes += StoredBytes(tensors[layer.residual].layout);
  }
  if (layer.has_weights() && !constants.near_memory) {
    const accel::WeightLayout weights = accel::WeightLayoutOf(GeometryOf(target, layer));
    bytes += static_cast<uint64_t>(target.net.tensors[layer.output].shape.channels) *
             (weights.code_bytes_per_channel() + weights.scale_bytes_per_channel());
  }
  return bytes;
}

}  // namespace nibble::lowering
