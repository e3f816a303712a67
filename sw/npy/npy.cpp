#include "sw/npy/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "models/numerics/formats.h"
#include "sw/trace/file.h"

namespace nibble::npy {
namespace {

using trace::FileError;

struct TypeSpec {
  Type type;
  const char* name;
  const char* descr;  // as the header calls it
  size_t bytes;
};
constexpr TypeSpec kTypes[] = {{Type::kUint8, "uint8", "|u1", 1},
                               {Type::kFloat16, "float16", "<f2", 2},
                               {Type::kFloat32, "float32", "<f4", 4}};

const TypeSpec& SpecOf(Type type) { return kTypes[static_cast<size_t>(type)]; }

Type ParseDescr(const std::string& descr) {
  for (const TypeSpec& spec : kTypes) {
    if (descr == spec.descr) return spec.type;
  }
  if (descr == "u1") return Type::kUint8;
  throw FileError(fmt::format(
      "element type '{}' must be '|u1' (uint8), '<f2' (float16) or '<f4' (float32)", descr));
}

// The dictionary in the header of a .npy file, for example
// {'descr': '|u1', 'fortran_order': False, 'shape': (200, 224, 224, 3), }
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(const std::string& text) : text_(text) {}

  NpyHeader Parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    Expect('{');
    while (!Accept('}')) {
      const std::string key = String();
      Expect(':');
      if (key == "descr" && !descr) {
        header.descr = String();
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.fortran_order = Bool();
        order = true;
      } else if (key == "shape" && !shape) {
        header.shape = Tuple();
        shape = true;
      } else {
        Fail(fmt::format("key '{}' is unknown or twice there", key));
      }
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    SkipSpace();
    if (at_ != text_.size()) Fail("text after the dictionary");
    if (!descr || !order || !shape) Fail("descr, fortran_order or shape is missing");
    return header;
  }

 private:
  [[noreturn]] void Fail(const std::string& message) const {
    throw FileError(fmt::format(".npy header, character {}: {}", at_, message));
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Accept(c)) Fail(fmt::format("expected '{}'", c));
  }
  std::string String() {
    SkipSpace();
    const char quote = Accept('"') ? '"' : '\'';
    if (quote == '\'') Expect('\'');
    const size_t end = text_.find(quote, at_);
    if (end == std::string::npos) Fail("a string does not end");
    std::string s = text_.substr(at_, end - at_);
    at_ = end + 1;
    return s;
  }
  bool Bool() {
    SkipSpace();
    for (const char* word : {"True", "False"}) {
      if (text_.compare(at_, std::strlen(word), word) != 0) continue;
      at_ += std::strlen(word);
      return word[0] == 'T';
    }
    Fail("expected True or False");
  }
  std::vector<int64_t> Tuple() {
    std::vector<int64_t> values;
    Expect('(');
    while (!Accept(')')) {
      SkipSpace();
      int64_t value = 0;
      const char* begin = text_.data() + at_;
      const auto result = std::from_chars(begin, text_.data() + text_.size(), value);
      if (result.ec != std::errc()) Fail("expected a number");
      at_ += static_cast<size_t>(result.ptr - begin);
      values.push_back(value);
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
    return values;
  }

  const std::string& text_;
  size_t at_ = 0;
};

std::string ReadText(std::ifstream& in, size_t count, const char* what) {
  std::string text(count, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(count))) {
    throw FileError(fmt::format("the file ends within {}", what));
  }
  return text;
}

// Leaves the stream at the first element.
NpyHeader ReadHeader(std::ifstream& in) {
  const std::string start = ReadText(in, 8, "the .npy magic");
  if (start.compare(0, 6, "\x93NUMPY") != 0) throw FileError("is not a .npy file");
  const int major = static_cast<uint8_t>(start[6]), minor = static_cast<uint8_t>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    throw FileError(
        fmt::format(".npy version {}.{} is unknown, expected 1.0, 2.0 or 3.0", major, minor));
  }
  const std::string length = ReadText(in, major == 1 ? 2 : 4, "the .npy header length");
  size_t bytes = 0;
  for (size_t i = 0; i < length.size(); ++i) {
    bytes |= size_t{static_cast<uint8_t>(length[i])} << (8 * i);
  }
  constexpr size_t kMaxHeader = 65536;  // what versions 2 and 3 lift, for records of many fields
  if (bytes > kMaxHeader)
    throw FileError(fmt::format(".npy header of {} bytes is too long", bytes));
  return NpyHeaderParser(ReadText(in, bytes, "the .npy header")).Parse();
}

// Far above what fits a machine, and far below where a count of bytes could overflow.
constexpr int64_t kMaxElements = int64_t{1} << 48;

int64_t Elements(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0) {
      throw FileError(
          fmt::format("dimension {} of the shape is {}, must not be negative", d, shape[d]));
    }
    if (shape[d] != 0 && elements > kMaxElements / shape[d]) {
      throw FileError(fmt::format("shape has more than {} elements", kMaxElements));
    }
    elements *= shape[d];
  }
  return elements;
}

Array ReadStream(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw FileError("no such file");
  std::ifstream in(path, std::ios::binary);
  NpyHeader header = ReadHeader(in);
  Array array;
  array.type = ParseDescr(header.descr);
  if (header.fortran_order) throw FileError("fortran_order must be False");
  array.shape = std::move(header.shape);
  const uint64_t bytes = static_cast<uint64_t>(Elements(array.shape)) * SpecOf(array.type).bytes;
  const uint64_t present =
      std::filesystem::file_size(path, error) - static_cast<uint64_t>(in.tellg());
  if (error || present != bytes) {  // checked before anything of that size is allocated
    throw FileError(fmt::format("holds {} bytes of elements, expected {}", present, bytes));
  }
  array.bytes.resize(bytes);
  if (!in.read(reinterpret_cast<char*>(array.bytes.data()), static_cast<std::streamsize>(bytes))) {
    throw FileError("cannot be read");
  }
  return array;
}

}  // namespace

const char* TypeName(Type type) { return SpecOf(type).name; }

size_t Array::elements() const { return bytes.size() / SpecOf(type).bytes; }

float Array::Value(size_t i) const {
  const size_t width = SpecOf(type).bytes;
  uint32_t word = 0;
  for (size_t b = 0; b < width; ++b) word |= uint32_t{bytes[i * width + b]} << (8 * b);
  switch (type) {
    case Type::kUint8:
      return static_cast<float>(word);
    case Type::kFloat16:
      return numerics::DecodeFp16(static_cast<uint16_t>(word));
    case Type::kFloat32:
      break;
  }
  return numerics::BitsFloat(word);
}

std::vector<float> Array::Values() const {
  std::vector<float> values(elements());
  for (size_t i = 0; i < values.size(); ++i) values[i] = Value(i);
  return values;
}

Array FromFloats(std::vector<int64_t> shape, const std::vector<float>& values) {
  Array array{Type::kFloat32, std::move(shape), {}};
  array.bytes.reserve(values.size() * sizeof(float));
  for (float value : values) {
    const uint32_t word = numerics::FloatBits(value);
    for (int shift = 0; shift < 32; shift += 8) {
      array.bytes.push_back(static_cast<uint8_t>(word >> shift));
    }
  }
  return array;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

Array Read(const std::string& path) {
  try {
    return ReadStream(path);
  } catch (const FileError& e) {
    throw FileError(fmt::format("{}: {}", path, e.what()));
  }
}

std::string Serialize(const Array& array) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   SpecOf(array.type).descr, fmt::join(array.shape, ", "),
                                   array.shape.size() == 1 ? "," : "");
  // Magic, version and header length take 10 bytes; the data starts at a multiple of 64.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
           static_cast<char>(header.size() >> 8)};
  file += header;
  file.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return file;
}

}  // namespace nibble::npy
