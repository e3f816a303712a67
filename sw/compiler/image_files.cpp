#include "sw/compiler/image_files.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cctype>
#include <csetjmp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "sw/trace/file.h"

// After <cstdio>, whose types it takes.
#include <jpeglib.h>

namespace nibble::compiler {
namespace {

using trace::FileError;

std::vector<uint8_t> ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) throw FileError(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void CheckSize(uint64_t height, uint64_t width) {
  if (height < 1 || width < 1 || height > trace::kMaxSide || width > trace::kMaxSide ||
      height * width * 3 > static_cast<uint64_t>(trace::kMaxElements)) {
    throw FileError(fmt::format("image is {} x {}, too large or empty", height, width));
  }
}

// libjpeg reports errors by a function that must not return.
struct JpegErrors {
  jpeg_error_mgr manager;  // first, so that its address is the struct's
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void EscapeJpeg(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->escape, 1);  // NOLINT(cert-err52-cpp)
}

void KeepWarning(j_common_ptr info, int level) {
  if (level >= 0) return;  // no warning, but a trace message
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  if (info->err->num_warnings++ == 0) info->err->format_message(info, errors->message);
}

// Header, then all rows into `image`. False, with a message, for an error; no object with a
// destructor lives in here, for the jump skips those.
bool DecodeJpeg(const uint8_t* bytes, size_t size, jpeg_decompress_struct& info, JpegErrors& errors,
                bool& header_read, RgbImage& image) {
  if (setjmp(errors.escape) != 0) return false;
  if (!header_read) {
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, size);
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_RGB;
    header_read = true;
    return true;
  }
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = &image.values[size_t{info.output_scanline} * info.output_width * 3];
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

RgbImage ReadJpeg(const std::vector<uint8_t>& bytes) {
  JpegErrors errors{};
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = EscapeJpeg;
  errors.manager.emit_message = KeepWarning;
  RgbImage image;
  bool header_read = false, good = false;
  const auto decode = [&] {
    good = DecodeJpeg(bytes.data(), bytes.size(), info, errors, header_read, image);
  };
  decode();
  if (good) {
    try {
      CheckSize(info.image_height, info.image_width);
    } catch (const FileError&) {
      jpeg_destroy_decompress(&info);
      throw;
    }
    image.height = static_cast<int>(info.image_height);
    image.width = static_cast<int>(info.image_width);
    image.values.resize(size_t{info.image_height} * info.image_width * 3);
    decode();
  }
  jpeg_destroy_decompress(&info);
  if (!good || errors.manager.num_warnings > 0) {
    throw FileError(fmt::format("damaged JPEG: {}", errors.message));
  }
  return image;
}

RgbImage ReadPng(const std::vector<uint8_t>& bytes) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  RgbImage image;
  // Transparent places show black.
  const png_color black{0, 0, 0};
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) != 0) {
    try {
      CheckSize(png.height, png.width);
    } catch (const FileError&) {
      png_image_free(&png);
      throw;
    }
    png.format = PNG_FORMAT_RGB;
    image.height = static_cast<int>(png.height);
    image.width = static_cast<int>(png.width);
    image.values.resize(PNG_IMAGE_SIZE(png));
    png_image_finish_read(&png, &black, image.values.data(), 0, nullptr);
  }
  const std::string message = png.message;
  const bool failed = png.warning_or_error != 0;
  png_image_free(&png);
  if (failed) throw FileError(fmt::format("damaged PNG: {}", message));
  return image;
}

// Weights of the input places that make up one output place, along an axis.
struct Weights {
  int first = 0;
  std::vector<int> weights;  // of 2^22
};
constexpr int kPrecision = 22;

// To the nearest integer, half away from 0, of x >= 0.
int Nearest(double x) {
  const int down = static_cast<int>(x);
  return x - down < 0.5 ? down : down + 1;
}

// Triangle((in - center) / filter scale) at the middles of the places, normalised.
std::vector<Weights> TriangleWeights(int in, int out) {
  const double scale = static_cast<double>(in) / out, support = std::max(scale, 1.0);
  std::vector<Weights> all;
  for (int o = 0; o < out; ++o) {
    const double center = (o + 0.5) * scale;
    Weights w;
    w.first = center > support ? Nearest(center - support) : 0;
    const int end = std::min(Nearest(center + support), in);
    std::vector<double> exact;
    double sum = 0;
    for (int i = w.first; i < end; ++i) {
      const double distance = (i - center + 0.5) * (1.0 / support);
      exact.push_back(std::max(0.0, 1.0 - (distance < 0 ? -distance : distance)));
      sum += exact.back();
    }
    for (const double x : exact) {
      w.weights.push_back(Nearest(x / sum * (1 << kPrecision)));
    }
    all.push_back(std::move(w));
  }
  return all;
}

// Resamples `count` lines of pixels; places lie `step` bytes apart in a line, lines `line` bytes.
void Resample(const std::vector<Weights>& all, const uint8_t* from, size_t from_step,
              size_t from_line, uint8_t* to, size_t to_step, size_t to_line, int lines) {
  for (int l = 0; l < lines; ++l) {
    for (size_t o = 0; o < all.size(); ++o) {
      for (size_t c = 0; c < 3; ++c) {
        const uint8_t* p = from + from_line * static_cast<size_t>(l) +
                           from_step * static_cast<size_t>(all[o].first) + c;
        int64_t sum = 1 << (kPrecision - 1);
        for (const int w : all[o].weights) {
          sum += int64_t{*p} * w;
          p += from_step;
        }
        to[to_line * static_cast<size_t>(l) + to_step * o + c] =
            static_cast<uint8_t>(std::clamp<int64_t>(sum >> kPrecision, 0, 255));
      }
    }
  }
}

}  // namespace

RgbImage ReadImageFile(const std::string& path) {
  const std::vector<uint8_t> bytes = ReadBytes(path);
  try {
    if (bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0) return ReadPng(bytes);
    if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8) return ReadJpeg(bytes);
    throw FileError("is neither a JPEG nor a PNG");
  } catch (const FileError& e) {
    throw FileError(fmt::format("{}: {}", path, e.what()));
  }
}

RgbImage Resize(const RgbImage& image, int height, int width) {
  if (height < 1 || width < 1) throw std::invalid_argument("an image has no pixels");
  RgbImage rows{image.height, width, {}};
  rows.values.resize(static_cast<size_t>(image.height) * width * 3);
  const size_t in_line = static_cast<size_t>(image.width) * 3,
               line = static_cast<size_t>(width) * 3;
  Resample(TriangleWeights(image.width, width), image.values.data(), 3, in_line, rows.values.data(),
           3, line, image.height);
  RgbImage out{height, width, {}};
  out.values.resize(static_cast<size_t>(height) * width * 3);
  Resample(TriangleWeights(image.height, height), rows.values.data(), line, 3, out.values.data(),
           line, 3, width);
  return out;
}

RgbImage ResizeShorter(const RgbImage& image, int shorter) {
  const int64_t h = image.height, w = image.width;
  const int64_t longer = shorter * std::max(h, w) / std::min(h, w);
  const auto side = static_cast<int>(std::min<int64_t>(longer, trace::kMaxSide));
  return h < w ? Resize(image, shorter, side) : Resize(image, side, shorter);
}

RgbImage CenterCrop(const RgbImage& image, int height, int width) {
  if (image.height < height || image.width < width) {
    throw std::invalid_argument(fmt::format("image is {} x {}, smaller than {} x {}", image.height,
                                            image.width, height, width));
  }
  const auto begin = [](int rest) { return rest / 2 + (rest % 4 == 3 ? 1 : 0); };
  const int top = begin(image.height - height), left = begin(image.width - width);
  RgbImage out{height, width, {}};
  for (int y = 0; y < height; ++y) {
    const auto row = image.values.begin() +
                     static_cast<std::ptrdiff_t>((size_t{1} * (top + y) * image.width + left) * 3);
    out.values.insert(out.values.end(), row, row + static_cast<std::ptrdiff_t>(width) * 3);
  }
  return out;
}

std::vector<std::string> ImageFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::string extension = entry.path().extension().string();
    for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (extension == ".jpg" || extension == ".jpeg" || extension == ".png") {
      files.push_back(entry.path().string());
    }
  }
  if (error) throw FileError(folder + ": cannot be read");
  if (files.empty()) throw FileError(folder + ": holds no .jpg, .jpeg or .png file");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace nibble::compiler
