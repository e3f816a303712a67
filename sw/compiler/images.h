// Image sets in NumPy .npy files or folders of image files, and their labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/npy/npy.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

// A .npy file: uint8 or float32, C order, shape [N][H][W][C]; or a folder, of which the .jpg, .jpeg
// and .png files are taken in the order of their names. Throws trace::FileError.
class ImageSet {
 public:
  explicit ImageSet(const std::string& path);
  int count() const { return count_; }
  // Throws trace::FileError, naming the file or folder, where the images do not have, or files
  // cannot be brought to, the shape of the network's input.
  void CheckShape(const trace::Network& net) const;
  // Image `i` as network input: files resized and cropped, uint8 through the network's preprocess
  // in FP32, float32 as it is. Throws as CheckShape, and std::out_of_range for a wrong `i`.
  std::vector<float> Input(int i, const trace::Network& net) const;

 private:
  std::string path_;
  int count_ = 0;
  trace::Shape shape_;              // of a .npy file
  std::vector<std::string> files_;  // of a folder
  npy::Array array_;
};

// Labels, one per image: "class" lines, or CSV "row,class[,...]" lines whose rows count from 0.
// Empty lines and lines that start with '#' are skipped, and so is a CSV header of names. Throws
// trace::FileError naming the line.
std::vector<int> ReadLabels(const std::string& path);

}  // namespace nibble::compiler
