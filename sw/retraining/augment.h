// Images as training sees them: cut out, flipped, in an order of their own in each epoch. Every
// choice is a function of the seed and of the place in the training alone, so that a training that
// goes on makes the same ones.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/trace/network.h"

namespace nibble::retraining {

struct Augmentation {
  double crop = 1;    // least side of the cut, as a share of the image's
  bool flip = false;  // left and right, with probability 1/2
  double colour = 0;  // each channel times 1 - colour to 1 + colour, plus -colour to colour
};

// A cut of a side between `crop` and 1, anywhere, brought back to the size of the image by bilinear
// interpolation, flipped, in other colours. `random` numbers the outcome.
std::vector<float> Augment(const std::vector<float>& image, const trace::Shape& shape,
                           const Augmentation& augmentation, uint64_t random);

// With probability `share` a sum of both images, whose parts are anything from 0 to 1 (Zhang et al.
// 2018, arXiv 1710.09412); the FP32 network says what is to be seen there. Otherwise `image` as it
// is.
bool Mix(std::vector<float>& image, const std::vector<float>& other, double share, uint64_t random);

// The images of step `step`, of `count`: epochs follow each other without a gap, each of them a
// permutation.
std::vector<int> StepImages(int count, int batch, int64_t step, uint64_t seed);

}  // namespace nibble::retraining
