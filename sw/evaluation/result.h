// What is kept of each image that a network classifies under a design point, and what many images
// add up to.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace nibble::evaluation {

// SQNR in dB is kept to two decimals within these bounds, so that images have a mean where one has
// no error at all (kExactDb) or nothing but error, NaN included (kLostDb).
inline constexpr double kExactDb = 200, kLostDb = -100;

// 10 log10(sum reference^2 / sum (reference - x)^2) within the bounds. Vectors of equal length.
double BoundedSqnr(const std::vector<float>& reference, const std::vector<float>& x);

struct ImageResult {
  // The five classes with the largest outputs, best first; -1 where there are fewer classes.
  std::array<int, 5> top{}, fp32_top{};
  double sqnr_db = 0;                 // of the network's output against FP32's
  std::vector<double> layer_sqnr_db;  // of what each layer stores; empty where not asked for
};

// From the outputs alone.
ImageResult CompareOutputs(const std::vector<float>& output, const std::vector<float>& fp32);

// A line of text without its end, and back. ParseResult throws std::invalid_argument.
std::string FormatResult(const ImageResult& result);
ImageResult ParseResult(const std::string& line);

// `hits` of `of` images.
struct Proportion {
  int hits = 0, of = 0;
  double percent() const { return of == 0 ? 0 : 100.0 * hits / of; }
  // Wilson's interval of 95 %, in percent (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927): holds for
  // few images and for shares near 0 and 1, too.
  double low() const;
  double high() const;
};

struct Summary {
  int images = 0;
  // The label is the first, or among the first five; with labels.
  std::optional<Proportion> top1, top5, fp32_top1, fp32_top5;
  Proportion agreement, agreement5;   // FP32's first class is the first, or among the first five
  double sqnr_db = 0;                 // mean over the images
  double sqnr_half_width_db = 0;      // of its 95 % interval, from the images' standard deviation
  std::vector<double> layer_sqnr_db;  // means, by layer
  int worst_layer = -1;               // that with the least, the first of equals; -1: not asked for
};

// Image i of `results` has labels[i]; `labels` may be empty.
Summary Summarise(const std::vector<ImageResult>& results, const std::vector<int>& labels);

}  // namespace nibble::evaluation
