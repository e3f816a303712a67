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

void PlaceParams(const trace::Network& net, const trace::Layer& layer,
                 const platforms::DesignPoint& design, const numerics::QuantizedWeights* weights,
                 MemoryMap& map, sim::Program& program, LayerConstants& constants) {
  const bool pairs = HasChannelScales(layer, design.datapath);
  const auto channels = static_cast<size_t>(net.tensors[layer.output].shape.channels);
  constants.params = map.Reserve(ParamBytes(net, layer, design.datapath));
  if (weights == nullptr) return;
  const std::vector<float> bias = trace::LayerBias(net, layer);
  sim::Segment segment{constants.params, {}};
  for (size_t c = 0; c < channels; ++c) {
    AppendFloat(segment.bytes, bias[c]);
    if (pairs) AppendFloat(segment.bytes, weights->channel_scale[c]);
  }
  if (!pairs) constants.weight_scale = weights->channel_scale.front();
  program.image.push_back(std::move(segment));
}

void CountWeights(const trace::Network& net, const trace::Layer& layer,
                  const platforms::DesignPoint& design, sim::Program& program) {
  const accel::WeightLayout layout = accel::WeightLayoutOf(GeometryOf(net, layer, design.datapath));
  const auto channels = static_cast<uint64_t>(net.tensors[layer.output].shape.channels);
  program.weight_elements += channels * layout.segments * layout.segment;
  program.weight_bits +=
      8 * channels * (layout.code_bytes_per_channel() + layout.scale_bytes_per_channel());
  if (layout.format == numerics::Format::kNvfp4 &&
      design.datapath.tensor_scale != numerics::ScaleSource::kNone) {
    program.weight_bits += 32;  // the tensor scale
  }
  if (HasChannelScales(layer, design.datapath)) program.weight_bits += 32 * channels;
}

}  // namespace

std::vector<uint8_t> PackRun(const numerics::QuantizedWeights& w, size_t row, size_t segment) {
  const auto length = static_cast<size_t>(w.segment);
  const uint16_t* codes = &w.codes[(row * w.segments + segment) * length];
  const int bits = numerics::ElementBits(w.format);
  std::vector<uint8_t> bytes((length * bits + 7) / 8);
  for (size_t k = 0; k < length; ++k) {
    if (bits == 4) {
      bytes[k / 2] = static_cast<uint8_t>(bytes[k / 2] | (codes[k] & 15) << (k % 2 * 4));
    } else if (bits == 8) {
      bytes[k] = static_cast<uint8_t>(codes[k]);
    } else {
      bytes[2 * k] = static_cast<uint8_t>(codes[k]);
      bytes[2 * k + 1] = static_cast<uint8_t>(codes[k] >> 8);
    }
  }
  return bytes;
}

void PlaceWeights(const trace::Network& net, const trace::Layer& layer,
                  const platforms::DesignPoint& design, const numerics::QuantizedWeights* weights,
                  MemoryMap& map, sim::Program& program, LayerConstants& constants) {
  const accel::WeightLayout layout = accel::WeightLayoutOf(GeometryOf(net, layer, design.datapath));
  const auto channels = static_cast<uint64_t>(net.tensors[layer.output].shape.channels);
  constants.weight_codes = map.Reserve(channels * layout.code_bytes_per_channel());
  constants.weight_scales = map.Reserve(channels * layout.scale_bytes_per_channel());
  if (weights == nullptr) return;
  sim::Segment codes{constants.weight_codes, {}};
  for (size_t row = 0; row < channels; ++row) {
    for (size_t s = 0; s < layout.segments; ++s) {
      const std::vector<uint8_t> run = PackRun(*weights, row, s);
      codes.bytes.insert(codes.bytes.end(), run.begin(), run.end());
    }
  }
  program.image.push_back(std::move(codes));
  if (!weights->scales.empty()) program.image.push_back({constants.weight_scales, weights->scales});
}

std::vector<LayerConstants> PlaceConstants(const trace::Network& net,
                                           const platforms::DesignPoint& design, bool with_image,
                                           MemoryMap& map, sim::Program& program,
                                           const WeightPlacer& place) {
  std::vector<LayerConstants> constants(net.layers.size());
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const trace::Layer& layer = net.layers[i];
    if (!layer.has_weights()) continue;
    numerics::QuantizedWeights weights;
    if (with_image) weights = golden::QuantizeLayer(net, layer, design.datapath);
    const numerics::QuantizedWeights* image = with_image ? &weights : nullptr;
    place(layer, image, constants[i]);
    PlaceParams(net, layer, design, image, map, program, constants[i]);
    CountWeights(net, layer, design, program);
  }
  return constants;
}

}  // namespace nibble::lowering
