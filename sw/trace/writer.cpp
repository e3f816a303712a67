#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "models/numerics/formats.h"
#include "sw/trace/container.h"
#include "sw/trace/file.h"
#include "sw/trace/whole_file.h"
#include "trace_generated.h"

namespace nibble::trace {
namespace {

uint32_t Bits(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

bool AllFp16(const std::vector<float>& values) {
  for (const float x : values) {
    if (Bits(numerics::DecodeFp16(numerics::EncodeFp16(x))) != Bits(x)) return false;
  }
  return true;
}

// Appends values to the tensor section; those of a source in binary16 take two bytes each, without
// loss.
fbs::Values Append(std::vector<uint8_t>& section, const std::vector<float>& values) {
  section.resize(AlignUp(section.size()));
  const uint64_t offset = section.size();
  const auto put = [&](uint32_t bits, int bytes) {
    for (int i = 0; i < bytes; ++i) section.push_back(static_cast<uint8_t>(bits >> (8 * i)));
  };
  const bool half = AllFp16(values);
  section.reserve(offset + values.size() * (half ? 2 : 4));
  for (const float x : values) {
    half ? put(numerics::EncodeFp16(x), 2) : put(Bits(x), 4);
  }
  return {offset, values.size(), half ? fbs::DataType_Float16 : fbs::DataType_Float32};
}

fbs::Values AppendBytes(std::vector<uint8_t>& section, const std::vector<uint8_t>& bytes) {
  section.resize(AlignUp(section.size()));
  const uint64_t offset = section.size();
  section.insert(section.end(), bytes.begin(), bytes.end());
  return {offset, bytes.size(), fbs::DataType_Uint8};
}

flatbuffers::Offset<fbs::Layer> PackLayer(flatbuffers::FlatBufferBuilder& builder, const Layer& l,
                                          std::vector<uint8_t>& section) {
  const auto name = builder.CreateString(l.name), source = builder.CreateString(l.source);
  flatbuffers::Offset<fbs::Activation> activation;
  if (l.activation.kind != Activation::Kind::kNone) {
    activation = fbs::CreateActivation(builder, static_cast<fbs::ActivationKind>(l.activation.kind),
                                       l.activation.lo, l.activation.hi);
  }
  flatbuffers::Offset<fbs::Synthetic> synthetic;
  fbs::Values weights, bias;
  const bool stored = l.has_parameters() && !l.synthetic;
  flatbuffers::Offset<fbs::Quantized> quantized;
  if (l.quantized) {
    const fbs::Values codes = AppendBytes(section, l.quantized->codes);
    const fbs::Values scales = AppendBytes(section, l.quantized->scales);
    quantized =
        fbs::CreateQuantized(builder, l.quantized->block, l.quantized->s_dec, &codes, &scales);
  }
  if (stored) {
    if (!l.quantized) weights = Append(section, l.weights);
    bias = Append(section, l.bias);
  } else if (l.synthetic) {
    synthetic = fbs::CreateSynthetic(builder, l.generator.seed, l.generator.gain);
  }
  fbs::Values correction;
  if (!l.bias_correction.empty()) correction = Append(section, l.bias_correction);
  fbs::Zeros zeros;
  if (l.zeros) zeros = {l.zeros->weights, l.zeros->blocks};
  flatbuffers::Offset<flatbuffers::Vector<int32_t>> operands;
  if (!l.operands.empty()) operands = builder.CreateVector(l.operands);
  return fbs::CreateLayer(builder, name, source, static_cast<fbs::Op>(l.op), l.input, l.residual,
                          l.output, l.kernel_h, l.kernel_w, l.stride_h, l.stride_w, l.dilation_h,
                          l.dilation_w, l.pad_top, l.pad_left, l.pad_bottom, l.pad_right,
                          activation, synthetic, stored && !l.quantized ? &weights : nullptr,
                          stored ? &bias : nullptr, quantized, l.zeros ? &zeros : nullptr, l.groups,
                          l.count_padding, l.first_channel, operands, l.scale, l.epsilon,
                          l.first_pixel, l.bias_correction.empty() ? nullptr : &correction);
}

flatbuffers::Optional<float> Optional(const std::optional<float>& x) {
  return x ? flatbuffers::Optional<float>(*x) : flatbuffers::nullopt;
}

}  // namespace

std::vector<uint8_t> Serialize(const Network& net) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<uint8_t> section;
  std::vector<flatbuffers::Offset<fbs::Tensor>> tensors;
  for (const Tensor& t : net.tensors) {
    const auto name = builder.CreateString(t.name);
    flatbuffers::Offset<fbs::Synthetic> synthetic;
    if (t.generator) {
      synthetic = fbs::CreateSynthetic(builder, t.generator->seed, t.generator->gain);
    }
    const bool stored = t.constant && !t.generator;
    const fbs::Values values = stored ? Append(section, t.values) : fbs::Values();
    tensors.push_back(fbs::CreateTensor(builder, name, t.shape.height, t.shape.width,
                                        t.shape.channels, t.amax, Optional(t.zeros), synthetic,
                                        stored ? &values : nullptr));
  }
  std::vector<flatbuffers::Offset<fbs::Layer>> layers;
  for (const Layer& l : net.layers) layers.push_back(PackLayer(builder, l, section));
  std::vector<flatbuffers::Offset<flatbuffers::String>> posttraining;
  for (const std::string& step : net.posttraining) {
    posttraining.push_back(builder.CreateString(step));
  }
  builder.Finish(
      fbs::CreateNetworkDirect(builder, net.name.c_str(), net.producer.c_str(),
                               net.calibration.c_str(), &tensors, &layers, net.input, net.output,
                               &net.preprocess.mean, &net.preprocess.stddev, net.preprocess.resize,
                               posttraining.empty() ? nullptr : &posttraining),
      kFileIdentifier);
  return Seal(builder.GetBufferPointer(), builder.GetSize(), section);
}

void Write(const Network& net, const std::string& path) {
  Validate(net);
  const std::vector<uint8_t> bytes = Serialize(net);
  WriteWhole(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace nibble::trace
