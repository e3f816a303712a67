// The images that a run takes, from a file, or one generated, and what calibration does with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sw/compiler/images.h"
#include "sw/compiler/ranges.h"
#include "sw/evaluation/dataset.h"
#include "sw/trace/network.h"

namespace nibble::cli {

struct InputOptions {
  std::string images, labels;  // files
  int count = 1;
  int64_t seed = 0;  // of the generated input, without images
};

class Inputs {
 public:
  // Throws trace::FileError for a bad file, images of another shape than the network's input, or
  // too few.
  Inputs(const InputOptions& options, const trace::Network& net);

  int count() const { return count_; }
  std::vector<float> Image(int i) const;  // as network input, NHWC
  int Label(int i) const;                 // -1: none

 private:
  const trace::Network& net_;
  std::optional<evaluation::Dataset> dataset_;  // with images
  int count_ = 1;
  uint64_t seed_ = 0;
};

// The bytes of a .npy file of float32 rows of equal length.
std::string NpyRows(const std::vector<std::vector<float>>& rows);

// An image file for `net`. Throws trace::FileError when it holds fewer than `count` images or
// images of another shape.
compiler::ImageSet ReadImages(const std::string& path, const trace::Network& net, int count);

// "32 images of NAME", the file's or folder's own name: provenance.
std::string CountOf(int count, const std::string& path);

// The option --range. Throws UsageError.
compiler::RangeChoice ParseRange(const std::string& text);

}  // namespace nibble::cli
