#include "sw/compiler/image_files.h"

#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "sw/compiler/images.h"
#include "sw/trace/file.h"
#include "tests/trace/small_network.h"

namespace nibble::compiler {
namespace {

using Catch::Matchers::Contains;

RgbImage Noise(int height, int width, uint32_t seed) {
  std::mt19937 random(seed);
  RgbImage image{height, width, {}};
  for (int i = 0; i < height * width * 3; ++i)
    image.values.push_back(static_cast<uint8_t>(random()));
  return image;
}

// A gradient, which JPEG keeps well.
RgbImage Gradient(int height, int width) {
  RgbImage image{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int v : {y * 255 / height, x * 255 / width, 100}) {
        image.values.push_back(static_cast<uint8_t>(v));
      }
    }
  }
  return image;
}

std::vector<uint8_t> Png(const std::vector<uint8_t>& values, int height, int width,
                         uint32_t format) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.height = static_cast<uint32_t>(height);
  png.width = static_cast<uint32_t>(width);
  png.format = format;
  png_alloc_size_t size = 0;
  REQUIRE(png_image_write_get_memory_size(png, size, 0, values.data(), 0, nullptr));
  std::vector<uint8_t> file(size);
  REQUIRE(png_image_write_to_memory(&png, file.data(), &size, 0, values.data(), 0, nullptr));
  file.resize(size);
  return file;
}

std::vector<uint8_t> Jpeg(const RgbImage& image, int components) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = components;
  info.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> row;
  for (int y = 0; y < image.height; ++y) {
    row.clear();
    for (int x = 0; x < image.width; ++x) {
      const auto pixel = image.values.begin() + (y * image.width + x) * 3;
      row.insert(row.end(), pixel, pixel + components);
    }
    JSAMPROW p = row.data();
    jpeg_write_scanlines(&info, &p, 1);
  }
  jpeg_finish_compress(&info);
  std::vector<uint8_t> file(buffer, buffer + size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return file;
}

RgbImage Read(const std::vector<uint8_t>& file) {
  const test::TemporaryDirectory directory;
  test::WriteFile(directory / "image", file);
  return ReadImageFile(directory / "image");
}

int LargestDifference(const RgbImage& a, const RgbImage& b) {
  REQUIRE(a.height == b.height);
  REQUIRE(a.width == b.width);
  int largest = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  }
  return largest;
}

TEST_CASE("PNG files come back as they were, grey as RGB, transparency on black") {
  const RgbImage image = Noise(7, 5, 1);
  REQUIRE(LargestDifference(Read(Png(image.values, 7, 5, PNG_FORMAT_RGB)), image) == 0);
  std::vector<uint8_t> grey, alpha;
  RgbImage as_rgb{7, 5, {}};
  for (int p = 0; p < 35; ++p) {
    grey.push_back(image.values[p * 3]);
    as_rgb.values.insert(as_rgb.values.end(), 3, image.values[p * 3]);
    alpha.insert(alpha.end(), {200, 100, 50, static_cast<uint8_t>(p % 2 == 0 ? 255 : 0)});
  }
  REQUIRE(LargestDifference(Read(Png(grey, 7, 5, PNG_FORMAT_GRAY)), as_rgb) == 0);
  const RgbImage on_black = Read(Png(alpha, 7, 5, PNG_FORMAT_RGBA));
  REQUIRE(on_black.values[0] == 200);
  REQUIRE(on_black.values[3] == 0);
}

TEST_CASE("JPEG files come back within their quality, grey as RGB") {
  const RgbImage image = Gradient(40, 33);
  REQUIRE(LargestDifference(Read(Jpeg(image, 3)), image) < 16);
  const RgbImage grey = Read(Jpeg(image, 1));
  for (size_t i = 0; i < grey.values.size(); ++i) {
    REQUIRE(grey.values[i] == grey.values[i / 3 * 3]);
    REQUIRE(std::abs(grey.values[i] - image.values[i / 3 * 3]) < 8);
  }
}

TEST_CASE("damaged and other files are refused, never more") {
  REQUIRE_THROWS_WITH(ReadImageFile("/no/such/file.png"), Contains("cannot be read"));
  REQUIRE_THROWS_WITH(Read({}), Contains("neither a JPEG nor a PNG"));
  REQUIRE_THROWS_WITH(Read({'G', 'I', 'F', '8', '9', 'a', 0, 0, 0}), Contains("neither"));
  std::mt19937 random(2);
  for (const bool png : {true, false}) {
    const RgbImage image = Gradient(20, 30);
    const std::vector<uint8_t> file =
        png ? Png(image.values, 20, 30, PNG_FORMAT_RGB) : Jpeg(image, 3);
    // The last 16 bytes of a PNG, after its pixels, do not matter.
    for (size_t length = 0; length + 16 < file.size(); length += 1 + length / 20) {
      REQUIRE_THROWS_AS(Read({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)}),
                        trace::FileError);
    }
    for (int i = 0; i < 300; ++i) {  // some damage does not show in a JPEG
      std::vector<uint8_t> damaged = file;
      damaged[random() % file.size()] = static_cast<uint8_t>(random());
      try {
        Read(damaged);
      } catch (const trace::FileError&) {
      }
    }
  }
}

// The definition in floating point: a triangle as wide as the larger of the two steps.
RgbImage NaiveResize(const RgbImage& image, int height, int width) {
  const auto weight = [](int in, int out, int i, int o) {
    const double scale = static_cast<double>(in) / out, wide = std::max(scale, 1.0);
    return std::max(0.0, 1 - std::fabs((i + 0.5) - (o + 0.5) * scale) / wide);
  };
  RgbImage result{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        double sum = 0, weights = 0;
        for (int i = 0; i < image.height; ++i) {
          for (int j = 0; j < image.width; ++j) {
            const double w = weight(image.height, height, i, y) * weight(image.width, width, j, x);
            weights += w;
            sum += w * image.values[(i * image.width + j) * 3 + c];
          }
        }
        result.values.push_back(static_cast<uint8_t>(sum / weights + 0.5));
      }
    }
  }
  return result;
}

TEST_CASE("resizing is a triangle filter, to one rounding an axis") {
  const RgbImage image = Noise(23, 17, 3);
  for (const auto& [height, width] :
       {std::pair{23, 17}, {8, 8}, {46, 51}, {1, 1}, {23, 5}, {40, 17}}) {
    const RgbImage resized = Resize(image, height, width);
    REQUIRE(LargestDifference(resized, NaiveResize(image, height, width)) <= 1);
  }
  REQUIRE(LargestDifference(Resize(image, 23, 17), image) == 0);
  RgbImage flat{9, 11, std::vector<uint8_t>(9 * 11 * 3, 77)};
  for (const uint8_t v : Resize(flat, 5, 30).values) REQUIRE(v == 77);
  REQUIRE(ResizeShorter(image, 34).height == 46);  // 34 * 23 / 17
}

TEST_CASE("crops are from the middle, an odd rest as torchvision divides it") {
  const RgbImage image = Gradient(10, 9);
  for (const auto& [size, top, left] : {std::tuple{4, 3, 2}, {9, 0, 0}, {7, 2, 1}, {3, 4, 3}}) {
    // (10 - size) / 2 and (9 - size) / 2, halves to even.
    const RgbImage crop = CenterCrop(image, size, size);
    REQUIRE(crop.height == size);
    REQUIRE(crop.width == size);
    for (int c = 0; c < 3; ++c) REQUIRE(crop.values[c] == image.values[(top * 9 + left) * 3 + c]);
  }
  REQUIRE_THROWS_AS(CenterCrop(image, 11, 5), std::invalid_argument);
}

TEST_CASE("a folder of images in the order of their names becomes network inputs") {
  const test::TemporaryDirectory directory;
  trace::Network net = test::SmallNetwork();  // 6 x 5 x 3
  net.preprocess.resize = 8;
  const RgbImage first = Noise(8, 10, 5), second = Noise(12, 8, 6);
  test::WriteFile(directory / "b.PNG", Png(second.values, 12, 8, PNG_FORMAT_RGB));
  test::WriteFile(directory / "a.png", Png(first.values, 8, 10, PNG_FORMAT_RGB));
  test::WriteFile(directory / "labels.txt", {'1'});
  const ImageSet set(directory.path().string());
  REQUIRE(set.count() == 2);
  const std::vector<float> x = set.Input(0, net);
  const RgbImage expected = CenterCrop(first, 6, 5);
  for (size_t i = 0; i < x.size(); ++i) {
    REQUIRE(x[i] == (static_cast<float>(expected.values[i]) / 255.0f - net.preprocess.mean[i % 3]) /
                        net.preprocess.stddev[i % 3]);
  }
  REQUIRE(set.Input(1, net).size() == 90);
  REQUIRE_THROWS_AS(set.Input(2, net), std::out_of_range);
  net.preprocess.resize = 5;
  REQUIRE_THROWS_WITH(set.Input(0, net), Contains("resized to 5") && Contains("6x5x3"));
  const test::TemporaryDirectory empty;
  REQUIRE_THROWS_WITH(ImageSet(empty.path().string()), Contains("holds no .jpg"));
}

}  // namespace
}  // namespace nibble::compiler
