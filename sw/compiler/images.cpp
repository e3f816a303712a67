#include "sw/compiler/images.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "sw/trace/file.h"
#include "sw/trace/print.h"

namespace nibble::compiler {
namespace {

using trace::FileError;

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

// A whole field as a number of at least 0.
std::optional<int> ParseNumber(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t\r");
  if (begin == std::string::npos) return std::nullopt;
  int value = 0;
  const char* last = text.data() + end + 1;
  const auto result = std::from_chars(text.data() + begin, last, value);
  if (result.ec != std::errc() || result.ptr != last || value < 0) return std::nullopt;
  return value;
}

}  // namespace

ImageSet::ImageSet(const std::string& path) {
  try {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) throw FileError("no such file");
    std::ifstream in(path, std::ios::binary);
    const NpyHeader header = ReadHeader(in);
    const bool is_byte = header.descr == "|u1" || header.descr == "u1";
    if (!is_byte && header.descr != "<f4") {
      throw FileError(
          fmt::format("element type '{}' must be '|u1' (uint8) or '<f4' (float32)", header.descr));
    }
    if (header.fortran_order) throw FileError("fortran_order must be False");
    if (header.shape.size() != 4) {
      throw FileError(
          fmt::format("shape has {} dimensions, expected [N][H][W][C]", header.shape.size()));
    }
    const int64_t limits[] = {INT32_MAX, trace::kMaxSide, trace::kMaxSide, trace::kMaxChannels};
    for (size_t d = 0; d < 4; ++d) {
      if (header.shape[d] < 1 || header.shape[d] > limits[d]) {
        throw FileError(fmt::format("dimension {} of the shape is {}, must be 1..{}", d,
                                    header.shape[d], limits[d]));
      }
    }
    count_ = static_cast<int>(header.shape[0]);
    shape_ = {static_cast<int>(header.shape[1]), static_cast<int>(header.shape[2]),
              static_cast<int>(header.shape[3])};
    if (int64_t{shape_.height} * shape_.width > trace::kMaxElements / shape_.channels) {
      throw FileError(fmt::format("an image has more than {} elements", trace::kMaxElements));
    }
    const uint64_t elements = static_cast<uint64_t>(count_) * shape_.elements();
    const uint64_t bytes = elements * (is_byte ? 1 : sizeof(float));
    const uint64_t present =
        std::filesystem::file_size(path, error) - static_cast<uint64_t>(in.tellg());
    if (error || present != bytes) {  // checked before anything of that size is allocated
      throw FileError(fmt::format("holds {} bytes of elements, expected {}", present, bytes));
    }
    char* to = nullptr;
    if (is_byte) {
      bytes_.resize(elements);
      to = reinterpret_cast<char*>(bytes_.data());
    } else {
      floats_.resize(elements);
      to = reinterpret_cast<char*>(floats_.data());
    }
    if (!in.read(to, static_cast<std::streamsize>(bytes))) throw FileError("cannot be read");
    for (size_t i = 0; i < floats_.size(); ++i) {
      if (!std::isfinite(floats_[i])) throw FileError(fmt::format("element {} is not finite", i));
    }
  } catch (const FileError& e) {
    throw FileError(fmt::format("{}: {}", path, e.what()));
  }
}

std::vector<float> ImageSet::Input(int i, const trace::Network& net) const {
  const trace::Shape& expected = net.tensors[net.input].shape;
  if (!(shape_ == expected)) {
    throw FileError(fmt::format("images are {}, network \"{}\" takes {}", trace::ShapeText(shape_),
                                net.name, trace::ShapeText(expected)));
  }
  if (i < 0 || i >= count_) {
    throw std::out_of_range(fmt::format("image {} of {}", i, count_));
  }
  const auto elements = static_cast<size_t>(shape_.elements());
  const size_t first = static_cast<size_t>(i) * elements;
  std::vector<float> x(elements);
  for (size_t k = 0; k < elements; ++k) {
    if (!floats_.empty()) {
      x[k] = floats_[first + k];
      continue;
    }
    const size_t c = k % static_cast<size_t>(shape_.channels);
    x[k] = (static_cast<float>(bytes_[first + k]) / 255.0f - net.preprocess.mean[c]) /
           net.preprocess.stddev[c];
  }
  return x;
}

std::vector<int> ReadLabels(const std::string& path) {
  std::ifstream in(path);
  if (!in || std::filesystem::is_directory(path)) throw FileError(path + ": cannot be read");
  std::vector<int> labels;
  std::string line;
  bool first = true;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#' || line == "\r") continue;
    const auto fail = [&](const std::string& message) {
      throw FileError(fmt::format("{}:{}: {}", path, number, message));
    };
    std::vector<std::string> fields;
    for (size_t begin = 0, comma = 0; comma != std::string::npos; begin = comma + 1) {
      comma = line.find(',', begin);
      fields.push_back(line.substr(begin, comma - begin));
    }
    const bool header =
        first && fields.size() > 1 && !ParseNumber(fields[0]) && !ParseNumber(fields[1]);
    first = false;
    if (header) continue;
    const std::optional<int> label = ParseNumber(fields.size() == 1 ? fields[0] : fields[1]);
    if (!label) fail("class is not a number of at least 0");
    if (fields.size() > 1 && ParseNumber(fields[0]) != static_cast<int>(labels.size())) {
      fail(fmt::format("row is \"{}\", expected {}", fields[0], labels.size()));
    }
    labels.push_back(*label);
  }
  if (labels.empty()) throw FileError(path + ": holds no labels");
  return labels;
}

}  // namespace nibble::compiler
