// JPEG and PNG files, resized and cropped as image classifiers are trained.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nibble::compiler {

struct RgbImage {
  int height = 0, width = 0;
  std::vector<uint8_t> values;  // [height][width][3]
};

// By what is in it, not by its name; grey values become RGB, transparency goes. Throws
// trace::FileError naming the file for any other content, damage, or more than trace::kMaxElements.
RgbImage ReadImageFile(const std::string& path);

// Triangle filter, widened where it shrinks, along rows and then columns, in the fixed-point
// arithmetic of Pillow's BILINEAR: the same bits as torchvision's Resize of a PIL image.
RgbImage Resize(const RgbImage& image, int height, int width);

// The shorter side becomes `shorter`, the other in proportion, rounded down.
RgbImage ResizeShorter(const RgbImage& image, int shorter);

// From the middle; an odd rest is divided as torchvision's CenterCrop does it, by rounding half to
// even. Throws std::invalid_argument where the image is smaller.
RgbImage CenterCrop(const RgbImage& image, int height, int width);

// Files of a folder that end in .jpg, .jpeg or .png in any case, sorted by name. Throws
// trace::FileError where there is none.
std::vector<std::string> ImageFiles(const std::string& folder);

}  // namespace nibble::compiler
