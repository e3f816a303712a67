#include "sw/compiler/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "sw/compiler/image_files.h"
#include "sw/trace/file.h"
#include "sw/trace/print.h"

namespace nibble::compiler {
namespace {

using trace::FileError;

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

int ResizedSide(const trace::Network& net) {
  const int resize = net.preprocess.resize;
  return resize > 0 ? resize : net.tensors[net.input].shape.height * 256 / 224;
}

}  // namespace

ImageSet::ImageSet(const std::string& path) : path_(path) {
  if (std::filesystem::is_directory(path)) {
    files_ = ImageFiles(path);
    count_ = static_cast<int>(std::min<size_t>(files_.size(), INT32_MAX));
    return;
  }
  array_ = npy::Read(path);
  const auto fail = [&](const std::string& message) {
    throw FileError(fmt::format("{}: {}", path, message));
  };
  if (array_.type == npy::Type::kFloat16) fail("images must be uint8 or float32, not float16");
  const std::vector<int64_t>& shape = array_.shape;
  if (shape.size() != 4) {
    fail(fmt::format("shape has {} dimensions, expected [N][H][W][C]", shape.size()));
  }
  const int64_t limits[] = {INT32_MAX, trace::kMaxSide, trace::kMaxSide, trace::kMaxChannels};
  for (size_t d = 0; d < 4; ++d) {
    if (shape[d] < 1 || shape[d] > limits[d]) {
      fail(fmt::format("dimension {} of the shape is {}, must be 1..{}", d, shape[d], limits[d]));
    }
  }
  count_ = static_cast<int>(shape[0]);
  shape_ = {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3])};
  if (shape_.elements() > trace::kMaxElements) {
    fail(fmt::format("an image has more than {} elements", trace::kMaxElements));
  }
  if (array_.type == npy::Type::kUint8) return;
  for (size_t i = 0; i < array_.elements(); ++i) {
    if (!std::isfinite(array_.Value(i))) fail(fmt::format("element {} is not finite", i));
  }
}

void ImageSet::CheckShape(const trace::Network& net) const {
  const trace::Shape& expected = net.tensors[net.input].shape;
  if (!files_.empty()) {
    const int resized = ResizedSide(net);
    if (expected.channels == 3 && resized >= std::max(expected.height, expected.width)) return;
    throw FileError(
        fmt::format("{}: image files are RGB and resized to {}, network \"{}\" takes {}", path_,
                    resized, net.name, trace::ShapeText(expected)));
  }
  if (!(shape_ == expected)) {
    throw FileError(fmt::format("{}: images are {}, network \"{}\" takes {}", path_,
                                trace::ShapeText(shape_), net.name, trace::ShapeText(expected)));
  }
}

std::vector<float> ImageSet::Input(int i, const trace::Network& net) const {
  CheckShape(net);
  if (i < 0 || i >= count_) {
    throw std::out_of_range(fmt::format("image {} of {}", i, count_));
  }
  const trace::Shape& shape = net.tensors[net.input].shape;
  const auto normalised = [&](float u8, size_t element) {
    const size_t c = element % static_cast<size_t>(shape.channels);
    return (u8 / 255.0f - net.preprocess.mean[c]) / net.preprocess.stddev[c];
  };
  std::vector<float> x(static_cast<size_t>(shape.elements()));
  if (!files_.empty()) {
    const RgbImage file = ReadImageFile(files_[static_cast<size_t>(i)]);
    const RgbImage image =
        CenterCrop(ResizeShorter(file, ResizedSide(net)), shape.height, shape.width);
    for (size_t k = 0; k < x.size(); ++k) x[k] = normalised(image.values[k], k);
    return x;
  }
  const size_t first = static_cast<size_t>(i) * x.size();
  for (size_t k = 0; k < x.size(); ++k) {
    const float value = array_.Value(first + k);
    x[k] = array_.type == npy::Type::kFloat32 ? value : normalised(value, k);
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
