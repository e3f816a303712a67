#include "sw/compiler/onnx_tensor.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "models/numerics/formats.h"
#include "sw/trace/file.h"

namespace nibble::compiler {
namespace {

[[noreturn]] void Fail(const onnx::TensorProto& t, const std::string& message) {
  throw trace::FileError(fmt::format("tensor \"{}\": {}", t.name(), message));
}

uint64_t ParseSize(const onnx::TensorProto& t, const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) {
    Fail(t, fmt::format("external data: {} \"{}\" is not a number", key, text));
  }
  return value;
}

size_t ElementCount(const onnx::TensorProto& t) {
  int64_t count = 1;
  for (const int64_t d : t.dims()) {
    if (d < 0 || d > trace::kMaxElements || (count *= d) > trace::kMaxElements) {
      Fail(t, fmt::format("dimensions give more than {} elements, or a negative one is among them",
                          trace::kMaxElements));
    }
  }
  return static_cast<size_t>(count);
}

// `count` little-endian words of type T.
template <typename T>
std::vector<T> FromRaw(const onnx::TensorProto& t, size_t count) {
  const std::string& raw = t.raw_data();
  if (raw.size() != count * sizeof(T)) {
    Fail(t, fmt::format("has {} bytes, expected {}", raw.size(), count * sizeof(T)));
  }
  std::vector<T> out(count);
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = 0;
    for (size_t b = 0; b < sizeof(T); ++b) {
      word |= uint64_t{static_cast<uint8_t>(raw[i * sizeof(T) + b])} << (8 * b);
    }
    std::memcpy(&out[i], &word, sizeof(T));  // the platforms that this runs on are little-endian
  }
  return out;
}

// The elements, from raw_data or from the typed field of the protobuf.
template <typename T, typename Field>
std::vector<T> Elements(const onnx::TensorProto& t, const Field& field, size_t count) {
  if (t.has_raw_data()) return FromRaw<T>(t, count);
  if (static_cast<size_t>(field.size()) != count) {
    Fail(t, fmt::format("has {} elements, expected {}", field.size(), count));
  }
  std::vector<T> out;
  out.reserve(count);
  for (const auto x : field) out.push_back(static_cast<T>(x));
  return out;
}

}  // namespace

void InlineExternalData(onnx::TensorProto& t, const std::string& directory) {
  if (t.data_location() != onnx::TensorProto::EXTERNAL) return;
  std::string location;
  uint64_t offset = 0, length = 0;
  bool has_length = false;
  for (const auto& entry : t.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = ParseSize(t, "offset", entry.value());
    if (entry.key() == "length") {
      length = ParseSize(t, "length", entry.value());
      has_length = true;
    }
  }
  namespace fs = std::filesystem;
  const fs::path relative(location);
  bool inside = !location.empty() && relative.is_relative();
  for (const fs::path& part : relative) inside = inside && part != "..";
  if (!inside) {
    Fail(t, fmt::format("external data: location \"{}\" must be a path below the model's directory",
                        location));
  }
  const fs::path path = fs::path(directory) / relative;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    Fail(t, fmt::format("external data: no file {}", path.string()));
  }
  const uint64_t size = fs::file_size(path, error);
  if (error || offset > size || (has_length && length > size - offset)) {
    Fail(t, fmt::format("external data: offset {} and length {} do not lie in {} of {} bytes",
                        offset, length, path.string(), size));
  }
  std::string bytes(has_length ? length : size - offset, '\0');
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!in) Fail(t, fmt::format("external data: {} cannot be read", path.string()));
  t.set_raw_data(std::move(bytes));
  t.clear_external_data();
  t.clear_data_location();
}

Constant DecodeTensor(const onnx::TensorProto& t) {
  Constant out;
  out.dims.assign(t.dims().begin(), t.dims().end());
  const size_t count = ElementCount(t);
  switch (t.data_type()) {
    case onnx::TensorProto::FLOAT:
      out.floats = Elements<float>(t, t.float_data(), count);
      return out;
    case onnx::TensorProto::FLOAT16:
      for (const uint16_t x : Elements<uint16_t>(t, t.int32_data(), count)) {
        out.floats.push_back(numerics::DecodeFp16(x));
      }
      return out;
    case onnx::TensorProto::DOUBLE:
      for (const double x : Elements<double>(t, t.double_data(), count)) {
        out.floats.push_back(static_cast<float>(x));
      }
      return out;
    case onnx::TensorProto::INT64:
      out.ints = Elements<int64_t>(t, t.int64_data(), count);
      break;
    case onnx::TensorProto::INT32:
      for (const int32_t x : Elements<int32_t>(t, t.int32_data(), count)) out.ints.push_back(x);
      break;
    case onnx::TensorProto::BOOL:
      for (const uint8_t x : Elements<uint8_t>(t, t.int32_data(), count)) out.ints.push_back(x);
      break;
    default:
      Fail(t, fmt::format("type {} is not supported (float, float16, double, int32, int64, bool)",
                          onnx::TensorProto::DataType_Name(
                              static_cast<onnx::TensorProto::DataType>(t.data_type()))));
  }
  out.is_float = false;
  return out;
}

}  // namespace nibble::compiler
