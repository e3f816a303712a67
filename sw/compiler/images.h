// Image sets in NumPy .npy files, and their labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/npy/npy.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// A .npy file: uint8 or float32, C order, shape [N][H][W][C]. Throws trace::FileError.
class ImageSet {
 public:
  explicit ImageSet(const std::string& path);
  int count() const { return count_; }
  trace::Shape shape() const { return shape_; }
  // Image `i` as network input: uint8 through the network's preprocess in FP32, float32 as it is.
  // Throws trace::FileError where the images have not the network's shape, std::out_of_range for a
  // wrong `i`.
  std::vector<float> Input(int i, const trace::Network& net) const;

 private:
  int count_ = 0;
  trace::Shape shape_;
  npy::Array array_;
};

// Labels, one per image: "class" lines, or CSV "row,class[,...]" lines whose rows count from 0.
// Empty lines and lines that start with '#' are skipped, and so is a CSV header of names. Throws
// trace::FileError naming the line.
std::vector<int> ReadLabels(const std::string& path);

}  // namespace nibble::compiler
