#include "sw/lowering/constants.h"

#include <cstring>

#include "models/accel/weight_layout.h"
#include "models/numerics/activation_store.h"
#include "sw/golden/weights.h"

namespace nibble::lowering {

namespace {

void AppendFloat(std::vector<uint8_t>& bytes, float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(word >> shift));
}

// `weights` are those of a layer that has some.
void PlaceParams(const Target& target, const trace::Layer& layer, bool with_image,
                 const numerics::QuantizedWeights* weights, MemoryMap& map, sim::Program& program,
                 LayerConstants& constants) {
  const trace::Network& net = target.net;
  const bool pairs = HasParamPairs(target, layer);
  const auto channels = static_cast<size_t>(net.tensors[layer.output].shape.channels);
  constants.params = map.Reserve(ParamBytes(target, layer));
  if (!with_image) return;
  const std::vector<float> bias = trace::CorrectedBias(net, layer);
  const std::vector<float> factor =
      weights == nullptr ? trace::LayerWeights(net, layer) : weights->channel_scale;
  sim::Segment segment{constants.params, {}};
  for (size_t c = 0; c < channels; ++c) {
    AppendFloat(segment.bytes, bias[c]);
    if (pairs) AppendFloat(segment.bytes, factor[c]);
  }
  if (!pairs) constants.weight_scale = factor.front();
  program.image.push_back(std::move(segment));
}

void CountWeights(const Target& target, const trace::Layer& layer, sim::Program& program) {
  const accel::WeightLayout layout = accel::WeightLayoutOf(GeometryOf(target, layer));
  const auto channels = static_cast<uint64_t>(target.net.tensors[layer.output].shape.channels);
  program.weight_elements += channels * layout.segments * layout.segment;
  program.weight_bits +=
      8 * channels * (layout.code_bytes_per_channel() + layout.scale_bytes_per_channel());
  if (target.DatapathOf(layer).weight_outer() == numerics::OuterScale::kTensor) {
    program.weight_bits += 32;
  }
  if (HasChannelScales(target, layer)) program.weight_bits += 32 * channels;
}

}  // namespace

std::vector<uint8_t> PackRun(const numerics::QuantizedWeights& w, size_t row, size_t segment) {
  const int bits = numerics::ElementBits(w.format);
  std::vector<uint8_t> bytes(numerics::PackedBytes(bits, w.segment));
  const size_t run = row * static_cast<size_t>(w.segments) + segment;
  numerics::PackCodes(bits, &w.codes[run * static_cast<size_t>(w.segment)], w.segment,
                      bytes.data());
  return bytes;
}

std::vector<uint8_t> PackScales(const numerics::QuantizedWeights& w, size_t row, size_t segment) {
  if (w.scales.empty()) return {};
  const auto blocks = static_cast<size_t>(numerics::BlockCount(w.segment, w.block));
  const size_t first = (row * static_cast<size_t>(w.segments) + segment) * blocks;
  const int size = numerics::BlockScaleBits(w.format) / 8;
  std::vector<uint8_t> bytes(blocks * static_cast<size_t>(size));
  for (size_t b = 0; b < blocks; ++b) {
    numerics::StoreWord(w.scales[first + b], size, &bytes[b * static_cast<size_t>(size)]);
  }
  return bytes;
}

void PlaceWeights(const Target& target, const trace::Layer& layer,
                  const numerics::QuantizedWeights* weights, MemoryMap& map, sim::Program& program,
                  LayerConstants& constants) {
  const accel::WeightLayout layout = accel::WeightLayoutOf(GeometryOf(target, layer));
  const auto channels = static_cast<uint64_t>(target.net.tensors[layer.output].shape.channels);
  constants.weight_codes = map.Reserve(channels * layout.code_bytes_per_channel());
  constants.weight_scales = map.Reserve(channels * layout.scale_bytes_per_channel());
  if (weights == nullptr) return;
  sim::Segment codes{constants.weight_codes, {}}, scales{constants.weight_scales, {}};
  for (size_t row = 0; row < channels; ++row) {
    for (size_t s = 0; s < layout.segments; ++s) {
      const std::vector<uint8_t> run = PackRun(*weights, row, s);
      codes.bytes.insert(codes.bytes.end(), run.begin(), run.end());
      const std::vector<uint8_t> run_scales = PackScales(*weights, row, s);
      scales.bytes.insert(scales.bytes.end(), run_scales.begin(), run_scales.end());
    }
  }
  program.image.push_back(std::move(codes));
  if (!scales.bytes.empty()) program.image.push_back(std::move(scales));
}

std::vector<LayerConstants> PlaceConstants(const Target& target, bool with_image, MemoryMap& map,
                                           sim::Program& program, const WeightPlacer& place) {
  const trace::Network& net = target.net;
  std::vector<LayerConstants> constants(net.layers.size());
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& layer = net.layers[i];
    if (layer.op == trace::Op::kLayerNorm) {
      PlaceParams(target, layer, with_image, nullptr, map, program, constants[i]);
    }
    if (!layer.has_weights()) continue;
    numerics::QuantizedWeights weights;
    if (with_image) weights = golden::QuantizeLayer(net, layer, target.datapaths.layers[i]);
    const numerics::QuantizedWeights* image = with_image ? &weights : nullptr;
    place(layer, image, constants[i]);
    PlaceParams(target, layer, with_image, image, map, program, constants[i]);
    CountWeights(target, layer, program);
  }
  return constants;
}

}  // namespace nibble::lowering
