#include "sw/retraining/stored_values.h"

#include <algorithm>
#include <cmath>

#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/packing.h"
#include "sw/golden/weights.h"

namespace nibble::retraining {
namespace {

// The least magnitude that rounds to nearest beyond the largest element: half a step above it.
float OverflowLimit(numerics::Element element) {
  const float largest = numerics::ElementMax(element);
  const auto below = static_cast<uint16_t>(numerics::EncodeElement(element, largest) - 1);
  return largest + (largest - numerics::DecodeElement(element, below)) / 2;
}

// live[i] = |x[i]| < limit; returns how many are not.
size_t MarkLive(const float* x, int count, float limit, uint8_t* live) {
  size_t saturated = 0;
  for (int i = 0; i < count; ++i) {
    live[i] = std::fabs(x[i]) < limit;
    saturated += 1U - live[i];
  }
  return saturated;
}

}  // namespace

StoredTensor::StoredTensor(const trace::Network& net, const golden::Datapaths& datapaths,
                           int tensor, const golden::ChannelRange& channels)
    : net_(&net),
      layout_(datapaths.tensors[static_cast<size_t>(tensor)]),
      source_(datapaths.base.tensor_scale) {
  const golden::View& view = datapaths.views[static_cast<size_t>(tensor)];
  root_ = view.root;
  rounding_ =
      numerics::StreamOf(datapaths.base.activation_rounding, static_cast<uint64_t>(view.root));
  first_ = static_cast<uint64_t>(view.channel) + static_cast<uint64_t>(channels.channel);
  pitch_ = static_cast<uint64_t>(net.tensors[static_cast<size_t>(view.root)].shape.channels);
  layout_.channels = channels.channels;
}

bool StoredTensor::has_range() const {
  return source_ == numerics::ScaleSource::kStatic && numerics::HasTensorScale(layout_.format);
}

bool StoredTensor::range_sets_step() const {
  return has_range() && !numerics::HasBlockScale(layout_.format);
}

numerics::TensorScale StoredTensor::Scale(const float* x) const {
  if (!numerics::HasTensorScale(layout_.format)) return {};
  switch (source_) {
    case numerics::ScaleSource::kStatic:
      return numerics::OuterScaleFromAmax(layout_.format,
                                          net_->tensors[static_cast<size_t>(root_)].amax);
    case numerics::ScaleSource::kDynamic:
      return numerics::OuterScaleFromAmax(
          layout_.format,
          numerics::AmaxIgnoringNan(x, static_cast<size_t>(layout_.pixels) * layout_.channels));
    case numerics::ScaleSource::kNone:
      break;
  }
  return {};
}

size_t StoredTensor::Quantise(const float* x, float* y, uint8_t* live) const {
  const auto channels = static_cast<size_t>(layout_.channels);
  const size_t elements = static_cast<size_t>(layout_.pixels) * channels;
  if (exact()) {
    if (y != x) std::copy(x, x + elements, y);
    std::fill(live, live + elements, uint8_t{1});
    return 0;
  }
  const numerics::TensorScale scale = Scale(x);
  const numerics::FormatSpec& spec = numerics::SpecOf(layout_.format);
  const float overflow = OverflowLimit(spec.element);
  const auto scale_bytes = static_cast<size_t>(numerics::BlockScaleBits(layout_.format) / 8);
  // Under a block scale of 0 nothing saturates: the values vanish, and may come back.
  const auto limit = [&](const uint8_t* word) {
    float value = scale.decode;
    if (scale_bytes > 0) {
      value *= numerics::BlockScaleValue(spec.block_scale,
                                         numerics::LoadWord(word, static_cast<int>(scale_bytes)));
    }
    return value == 0.0f ? INFINITY : overflow * value;
  };
  size_t saturated = 0;
  if (layout_.strips()) {
    const numerics::StoredActivations stored = numerics::StoreTensor(layout_, scale, x, rounding_);
    for (size_t i = 0; i < elements; ++i) {
      const auto pixel = static_cast<int>(i / channels), c = static_cast<int>(i % channels);
      const uint64_t at = layout_.scale_index(pixel, c) * scale_bytes;
      saturated += MarkLive(x + i, 1, limit(&stored.scales[at]), live + i);
    }
    const std::vector<float> values = numerics::LoadTensor(stored);
    std::copy(values.begin(), values.end(), y);
    return saturated;
  }
  std::vector<uint8_t> codes(layout_.code_bytes_per_pixel()), scales(layout_.scale_row_bytes());
  for (size_t p = 0; p < static_cast<size_t>(layout_.pixels); ++p) {
    const size_t at = p * channels;
    numerics::StorePixel(layout_, scale, x + at, codes.data(), scales.data(), rounding_,
                         first_ + p * pitch_);
    const int block = scale_bytes > 0 ? layout_.block : layout_.channels;
    for (int c = 0; c < layout_.channels; c += block) {
      saturated += MarkLive(x + at + c, std::min(block, layout_.channels - c),
                            limit(scales.data() + static_cast<size_t>(c / block) * scale_bytes),
                            live + at + c);
    }
    numerics::LoadPixel(layout_, scale.decode, codes.data(), scales.data(), y + at);
  }
  return saturated;
}

StoredWeights StoreWeights(const trace::Network& net, const trace::Layer& layer,
                           const numerics::Datapath& datapath) {
  StoredWeights stored;
  if (datapath.weights == numerics::Format::kFp32) {
    stored.values = trace::LayerWeights(net, layer);
    return stored;
  }
  const numerics::QuantizedWeights quantised = golden::QuantizeLayer(net, layer, datapath);
  stored.values = golden::ValuesOf(quantised);
  stored.live.resize(stored.values.size());
  const numerics::FormatSpec& spec = numerics::SpecOf(quantised.format);
  const float overflow = OverflowLimit(spec.element);
  const bool blocks = !quantised.scales.empty();
  const int length = blocks ? quantised.block : quantised.segment;
  size_t saturated = 0, at = 0, scale = 0;
  for (int row = 0; row < quantised.rows; ++row) {
    const float outer = quantised.channel_scale[static_cast<size_t>(row)];
    for (int run = 0; run < quantised.segments; ++run) {
      for (int k = 0; k < quantised.segment; k += length) {
        float value = outer;
        if (blocks) value *= numerics::BlockScaleValue(spec.block_scale, quantised.scales[scale++]);
        const int count = std::min(length, quantised.segment - k);
        saturated += MarkLive(layer.weights.data() + at, count,
                              value == 0.0f ? INFINITY : overflow * value, &stored.live[at]);
        at += static_cast<size_t>(count);
      }
    }
  }
  if (saturated == 0) stored.live.clear();
  return stored;
}

}  // namespace nibble::retraining
