#include "sw/compiler/weight_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "models/numerics/quantize.h"
#include "sw/npy/npy.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

namespace fs = std::filesystem;
using trace::FileError;

constexpr char kCodes[] = ".codes.npy", kScales[] = ".scales.npy", kTensorScale[] = ".s_dec.npy";

std::string FileName(const std::string& layer) {
  std::string name = layer;
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

// The layers with weights by the names of their files.
std::map<std::string, size_t> LayersByFile(const trace::Network& net) {
  std::map<std::string, size_t> layers;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    if (!net.layers[i].has_weights()) continue;
    const auto [at, is_new] = layers.emplace(FileName(net.layers[i].name), i);
    if (!is_new) {
      throw FileError(fmt::format("layers \"{}\" and \"{}\" have the same file name {}",
                                  net.layers[at->second].name, net.layers[i].name, at->first));
    }
  }
  return layers;
}

std::vector<int64_t> ShapeWithLast(const trace::Network& net, const trace::Layer& l, int64_t last) {
  const int out = net.tensors[l.output].shape.channels;
  if (l.op == trace::Op::kConv) return {out, l.kernel_h, l.kernel_w, last};
  return {out, last};
}

void CheckArray(const std::string& path, const npy::Array& array, npy::Type type,
                const std::vector<int64_t>& shape, const std::string& hint = "") {
  if (array.type == type && array.shape == shape) return;
  throw FileError(fmt::format("{}: is {} {}, expected {} {}{}", path, npy::ShapeText(array.shape),
                              npy::TypeName(array.type), npy::ShapeText(shape), npy::TypeName(type),
                              hint));
}

float ReadTensorScale(const std::string& path) {
  const npy::Array array = npy::Read(path);
  if (array.type != npy::Type::kFloat32 || array.elements() != 1) {
    throw FileError(fmt::format("{}: is {} {}, expected one float32", path,
                                npy::ShapeText(array.shape), npy::TypeName(array.type)));
  }
  return array.Value(0);
}

void ImportLayer(const std::string& path, int block, const trace::Network& net, trace::Layer& l) {
  const int segment = trace::ReductionSegment(net, l);
  npy::Array codes = npy::Read(path + kCodes), scales = npy::Read(path + kScales);
  CheckArray(path + kCodes, codes, npy::Type::kUint8, ShapeWithLast(net, l, (segment + 1) / 2));
  CheckArray(path + kScales, scales, npy::Type::kUint8,
             ShapeWithLast(net, l, numerics::BlockCount(segment, block)),
             fmt::format(" for blocks of {}", block));
  std::vector<float> bias = trace::LayerBias(net, l);
  l.quantized = {block, ReadTensorScale(path + kTensorScale), std::move(codes.bytes),
                 std::move(scales.bytes)};
  l.synthetic = false;
  l.generator = {};
  l.bias = std::move(bias);
  try {
    l.weights = trace::QuantizedWeightValues(net, l);
  } catch (const std::invalid_argument& e) {
    throw FileError(fmt::format("{}: {}", path, e.what()));
  }
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Names of layers that have a file with `suffix`, in order.
std::vector<std::string> NamesWith(const std::string& directory, const std::string& suffix) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string file = entry.path().filename().string();
    if (EndsWith(file, suffix)) names.push_back(file.substr(0, file.size() - suffix.size()));
  }
  if (error) throw FileError(fmt::format("{}: {}", directory, error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

int ExportWeights(
    const trace::Network& net,
    const std::function<void(const std::string& name, const std::string& bytes)>& write) {
  const std::map<std::string, size_t> layers = LayersByFile(net);
  for (const auto& [name, index] : layers) {
    const trace::Layer& l = net.layers[index];
    const std::vector<int64_t> shape = ShapeWithLast(net, l, trace::ReductionSegment(net, l));
    write(name + ".npy", npy::Serialize(npy::FromFloats(shape, LayerWeights(net, l))));
  }
  return static_cast<int>(layers.size());
}

int ImportWeights(const std::string& directory, int block, trace::Network& net) {
  const std::map<std::string, size_t> layers = LayersByFile(net);
  const std::vector<std::string> names = NamesWith(directory, kCodes);
  if (names.empty()) throw FileError(fmt::format("{}: has no NAME{}", directory, kCodes));
  for (const char* suffix : {kCodes, kScales, kTensorScale}) {
    for (const std::string& name : NamesWith(directory, suffix)) {
      const std::string path = (fs::path(directory) / name).string();
      if (layers.count(name) == 0) {
        throw FileError(
            fmt::format("{}{}: the network has no layer of this name with weights", path, suffix));
      }
      if (!std::binary_search(names.begin(), names.end(), name)) {
        throw FileError(fmt::format("{}{}: without {}{}", path, suffix, name, kCodes));
      }
    }
  }
  for (const std::string& name : names) {
    ImportLayer((fs::path(directory) / name).string(), block, net, net.layers[layers.at(name)]);
  }
  return static_cast<int>(names.size());
}

}  // namespace nibble::compiler
