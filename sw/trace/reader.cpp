#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "models/numerics/formats.h"
#include "sw/trace/container.h"
#include "sw/trace/file.h"
#include "trace_generated.h"

namespace nibble::trace {
namespace {

std::vector<uint8_t> ReadBytes(const std::string& path, uint64_t limit) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw FileError(
        path + (std::filesystem::exists(path, error) ? ": not a regular file" : ": no such file"));
  }
  std::ifstream in(path, std::ios::binary);
  const uint64_t size = std::filesystem::file_size(path, error);
  if (!in || error) throw FileError(path + ": cannot be read");
  std::vector<uint8_t> bytes(std::min(size, limit));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!in) throw FileError(path + ": cannot be read");
  return bytes;
}

// Bounded before it is copied: a table may share one long string among many layers.
std::string Text(const std::string& where, const flatbuffers::String* s,
                 size_t limit = kMaxNameBytes) {
  if (s->size() > limit) {
    throw FileError(
        fmt::format("{} has {} bytes, at most {} are allowed", where, s->size(), limit));
  }
  return s->str();
}

size_t Bounded(const char* what, size_t count, size_t limit) {
  if (count > limit) {
    throw FileError(
        fmt::format("network: number of {} is {}, at most {} are allowed", what, count, limit));
  }
  return count;
}

// The first byte of `values`, which lie in the tensor section, `width` bytes each.
const uint8_t* Locate(const std::string& where, const fbs::Values& values,
                      const Container& container, int64_t expected, uint64_t width) {
  if (values.elements() != static_cast<uint64_t>(expected)) {
    throw FileError(
        fmt::format("{}: has {} elements, expected {}", where, values.elements(), expected));
  }
  if (values.offset() % kAlignment != 0 || values.offset() > container.tensor_bytes ||
      values.elements() > (container.tensor_bytes - values.offset()) / width) {
    throw FileError(fmt::format(
        "{}: offset {}: {} elements of {} bytes do not lie in the tensor "
        "section of {} bytes, or not on a multiple of {}",
        where, values.offset(), values.elements(), width, container.tensor_bytes, kAlignment));
  }
  return container.tensors + values.offset();
}

std::vector<float> Widen(const std::string& where, const fbs::Values& values,
                         const Container& container, int64_t expected, bool with_weights) {
  const uint64_t width = values.type() == fbs::DataType_Float32   ? 4
                         : values.type() == fbs::DataType_Float16 ? 2
                                                                  : 0;
  if (width == 0) {
    throw FileError(fmt::format("{}: type is {}, must be 1 (float32) or 2 (float16)", where,
                                static_cast<int>(values.type())));
  }
  const uint8_t* p = Locate(where, values, container, expected, width);
  std::vector<float> out;
  if (!with_weights) return out;
  out.resize(values.elements());
  for (float& x : out) {
    uint32_t bits = 0;
    for (uint64_t i = 0; i < width; ++i) bits |= uint32_t{*p++} << (8 * i);
    if (width == 2) {
      x = numerics::DecodeFp16(static_cast<uint16_t>(bits));
    } else {
      std::memcpy(&x, &bits, sizeof x);
    }
  }
  return out;
}

std::vector<uint8_t> Bytes(const std::string& where, const fbs::Values* values,
                           const Container& container, int64_t expected, bool with_weights) {
  if (values == nullptr) throw FileError(where + " are missing");
  if (values->type() != fbs::DataType_Uint8) {
    throw FileError(
        fmt::format("{}: type is {}, must be 3 (uint8)", where, static_cast<int>(values->type())));
  }
  const uint8_t* p = Locate(where, *values, container, expected, 1);
  return with_weights ? std::vector<uint8_t>(p, p + expected) : std::vector<uint8_t>();
}

Layer UnpackLayer(const fbs::Layer& in, const std::string& where) {
  Layer l;
  l.name = Text(where + ": name", in.name());
  l.source = Text(where + ": source", in.source());
  l.op = static_cast<Op>(in.op());
  l.input = in.input();
  l.residual = in.residual();
  l.output = in.output();
  l.kernel_h = in.kernel_h();
  l.kernel_w = in.kernel_w();
  l.stride_h = in.stride_h();
  l.stride_w = in.stride_w();
  l.dilation_h = in.dilation_h();
  l.dilation_w = in.dilation_w();
  l.pad_top = in.pad_top();
  l.pad_left = in.pad_left();
  l.pad_bottom = in.pad_bottom();
  l.pad_right = in.pad_right();
  if (const fbs::Activation* a = in.activation()) {
    l.activation = {static_cast<Activation::Kind>(a->kind()), a->lo(), a->hi()};
  }
  if (const fbs::Synthetic* s = in.synthetic()) {
    l.synthetic = true;
    l.generator = {s->seed(), s->gain()};
  }
  if (const fbs::Quantized* q = in.quantized()) l.quantized = {q->block(), q->s_dec(), {}, {}};
  l.groups = in.groups();
  l.count_padding = in.count_padding();
  l.first_channel = in.first_channel();
  l.first_pixel = in.first_pixel();
  l.scale = in.scale();
  l.epsilon = in.epsilon();
  if (const auto* operands = in.operands()) {
    Bounded("operands of a layer", operands->size(), kMaxChannels);
    l.operands.assign(operands->begin(), operands->end());
  }
  if (const fbs::Zeros* z = in.zeros()) l.zeros = {z->weights(), z->blocks()};
  return l;
}

Network UnpackStructure(const fbs::Network& in) {
  Network net;
  net.name = Text("network: name", in.name());
  net.producer = Text("network: producer", in.producer());
  net.calibration = Text("network: calibration", in.calibration());
  if (const auto* steps = in.posttraining()) {
    Bounded("posttraining steps", steps->size(), kMaxSteps);
    for (const auto* step : *steps) {
      net.posttraining.push_back(Text("network: posttraining", step, kMaxStepBytes));
    }
  }
  net.input = in.input();
  net.output = in.output();
  net.tensors.reserve(Bounded("tensors", in.tensors()->size(), kMaxLayers + 1));
  for (const fbs::Tensor* t : *in.tensors()) {
    const std::string where = fmt::format("tensor {}: name", net.tensors.size());
    net.tensors.push_back(
        {Text(where, t->name()), {t->height(), t->width(), t->channels()}, t->amax()});
    Tensor& tensor = net.tensors.back();
    if (const auto zeros = t->zeros()) tensor.zeros = *zeros;
    if (const fbs::Synthetic* s = t->synthetic()) tensor.generator = {s->seed(), s->gain()};
    tensor.constant = t->synthetic() != nullptr || t->values() != nullptr;
  }
  net.layers.reserve(Bounded("layers", in.layers()->size(), kMaxLayers));
  for (const fbs::Layer* l : *in.layers()) {
    net.layers.push_back(UnpackLayer(*l, fmt::format("layer {}", net.layers.size())));
  }
  Bounded("preprocess means", in.mean()->size(), kMaxChannels);
  Bounded("preprocess stddevs", in.stddev()->size(), kMaxChannels);
  net.preprocess.mean.assign(in.mean()->begin(), in.mean()->end());
  net.preprocess.stddev.assign(in.stddev()->begin(), in.stddev()->end());
  net.preprocess.resize = in.resize();
  return net;
}

// Codes and scales of a layer, and with them its weights.
void FillQuantized(const fbs::Quantized& in, const Container& container, const std::string& where,
                   bool with_weights, const Network& net, Layer& l) {
  const int64_t runs = int64_t{net.tensors[l.output].shape.channels} * ReductionSegments(net, l);
  const int64_t segment = ReductionSegment(net, l), block = l.quantized->block;
  l.quantized->codes =
      Bytes(where + "codes", in.codes(), container, runs * ((segment + 1) / 2), with_weights);
  l.quantized->scales = Bytes(where + "scales", in.scales(), container,
                              runs * ((segment + block - 1) / block), with_weights);
  if (!with_weights) return;
  try {
    l.weights = QuantizedWeightValues(net, l);
  } catch (const std::invalid_argument& e) {
    throw FileError(fmt::format("{}quantised weights: {}", where, e.what()));
  }
}

void FillWeights(const fbs::Layer& in, const Container& container, const std::string& where,
                 bool with_weights, const Network& net, Layer& l) {
  const auto fill = [&](const char* field, const fbs::Values* values, bool expected, int64_t count,
                        std::vector<float>& out) {
    if ((values != nullptr) != expected) {
      throw FileError(where + field + (expected ? " are missing" : " must be absent"));
    }
    if (values != nullptr) out = Widen(where + field, *values, container, count, with_weights);
  };
  const bool expected = l.has_parameters() && !l.synthetic;
  fill("weights", in.weights(), expected && !l.quantized, WeightCount(net, l), l.weights);
  fill("bias", in.bias(), expected, net.tensors[l.output].shape.channels, l.bias);
  if (in.bias_correction() != nullptr) {
    fill("bias correction", in.bias_correction(), l.has_weights(),
         net.tensors[l.output].shape.channels, l.bias_correction);
  }
  if (l.quantized) FillQuantized(*in.quantized(), container, where, with_weights, net, l);
}

}  // namespace

Network Parse(const std::vector<uint8_t>& file, bool with_weights) {
  const Container container = Open(file);
  flatbuffers::Verifier verifier(container.table, container.table_bytes);
  if (!verifier.VerifyBuffer<fbs::Network>(kFileIdentifier)) {
    throw FileError("table: is not a valid FlatBuffer of trace.fbs");
  }
  const fbs::Network& table = *flatbuffers::GetRoot<fbs::Network>(container.table);
  Network net = UnpackStructure(table);
  Validate(net, false);  // the numbers of elements that follow are those of a sound structure
  for (size_t i = 0; i < net.tensors.size(); ++i) {
    Tensor& t = net.tensors[i];
    const fbs::Tensor& in = *table.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (in.values() == nullptr) continue;
    t.values = Widen(fmt::format("tensor {} \"{}\": values", i, t.name), *in.values(), container,
                     t.shape.elements(), with_weights);
  }
  for (size_t i = 0; i < net.layers.size(); ++i) {
    Layer& l = net.layers[i];
    const fbs::Layer& in = *table.layers()->Get(static_cast<flatbuffers::uoffset_t>(i));
    FillWeights(in, container, fmt::format("layer {} \"{}\": ", i, l.name), with_weights, net, l);
  }
  if (with_weights) Validate(net);
  return net;
}

Network Read(const std::string& path, bool with_weights) {
  const std::vector<uint8_t> file = ReadBytes(path, UINT64_MAX);
  try {
    return Parse(file, with_weights);
  } catch (const FileError& e) {
    throw FileError(path + ": " + e.what());
  }
}

std::string FileHash(const std::string& path) {
  const std::vector<uint8_t> header = ReadBytes(path, kHeaderBytes);
  try {
    return HashDigits(header);
  } catch (const FileError& e) {
    throw FileError(path + ": " + e.what());
  }
}

}  // namespace nibble::trace
