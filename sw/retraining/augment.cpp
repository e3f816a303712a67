#include "sw/retraining/augment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/numerics/rounding.h"

namespace nibble::retraining {
namespace {

// Uniform in [0, 1).
class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  double operator()() {
    return static_cast<double>(numerics::SplitMix64(seed_, next_++) >> 11) * 0x1p-53;
  }

 private:
  uint64_t seed_, next_ = 0;
};

// Where an output place lies between two input places.
struct Between {
  int first = 0, second = 0;
  float share = 0;  // of the second
};

std::vector<Between> Places(int length, double begin, double extent) {
  std::vector<Between> places;
  for (int i = 0; i < length; ++i) {
    const double at = std::clamp(begin + (i + 0.5) * extent / length - 0.5, 0.0, length - 1.0);
    const int first = std::min(static_cast<int>(at), std::max(length - 2, 0));
    places.push_back({first, std::min(first + 1, length - 1), static_cast<float>(at - first)});
  }
  return places;
}

std::vector<int> Permutation(int count, uint64_t seed) {
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed);
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(random() * static_cast<double>(i))]);
  }
  return order;
}

}  // namespace

std::vector<float> Augment(const std::vector<float>& image, const trace::Shape& shape,
                           const Augmentation& augmentation, uint64_t seed) {
  Random random(seed);
  const double side = augmentation.crop + (1 - augmentation.crop) * random();
  const double top = random() * (1 - side) * shape.height;
  const double left = random() * (1 - side) * shape.width;
  const bool flip = augmentation.flip && random() < 0.5;
  const std::vector<Between> rows = Places(shape.height, top, side * shape.height);
  std::vector<Between> columns = Places(shape.width, left, side * shape.width);
  if (flip) std::reverse(columns.begin(), columns.end());
  const auto channels = static_cast<size_t>(shape.channels);
  const size_t pitch = static_cast<size_t>(shape.width) * channels;
  std::vector<float> result(image.size());
  float* to = result.data();
  for (const Between& y : rows) {
    const float* upper = image.data() + static_cast<size_t>(y.first) * pitch;
    const float* lower = image.data() + static_cast<size_t>(y.second) * pitch;
    for (const Between& x : columns) {
      const size_t a = static_cast<size_t>(x.first) * channels;
      const size_t b = static_cast<size_t>(x.second) * channels;
      for (size_t c = 0; c < channels; ++c) {
        const float above = upper[a + c] + (upper[b + c] - upper[a + c]) * x.share;
        const float below = lower[a + c] + (lower[b + c] - lower[a + c]) * x.share;
        *to++ = above + (below - above) * y.share;
      }
    }
  }
  if (augmentation.colour == 0) return result;
  for (size_t c = 0; c < channels; ++c) {
    const auto factor = static_cast<float>(1 + augmentation.colour * (2 * random() - 1));
    const auto offset = static_cast<float>(augmentation.colour * (2 * random() - 1));
    for (size_t i = c; i < result.size(); i += channels) result[i] = result[i] * factor + offset;
  }
  return result;
}

bool Mix(std::vector<float>& image, const std::vector<float>& other, double share, uint64_t seed) {
  Random random(seed);
  if (random() >= share) return false;
  const auto part = static_cast<float>(random());
  for (size_t i = 0; i < image.size(); ++i) image[i] += (other[i] - image[i]) * part;
  return true;
}

std::vector<int> StepImages(int count, int batch, int64_t step, uint64_t seed) {
  std::vector<int> images;
  std::vector<int> order;
  int64_t epoch = -1;
  for (int64_t i = step * batch; i < (step + 1) * batch; ++i) {
    if (i / count != epoch) {
      epoch = i / count;
      order = Permutation(count, numerics::SplitMix64(seed, static_cast<uint64_t>(epoch)));
    }
    images.push_back(order[static_cast<size_t>(i % count)]);
  }
  return images;
}

}  // namespace nibble::retraining
