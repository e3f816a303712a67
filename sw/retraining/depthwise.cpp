#include "sw/retraining/depthwise.h"

#include <algorithm>
#include <cstddef>

#include "sw/retraining/vector_clones.h"

namespace nibble::retraining {
namespace {

// The taps of output (oy, ox) that lie inside the image: visit(tap, row * width + column).
template <typename Visit>
inline void ForEachTap(const DepthwiseShape& s, int oy, int ox, Visit visit) {
  for (int ky = 0; ky < s.kernel_h; ++ky) {
    const int row = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
    if (row < 0 || row >= s.height) continue;
    for (int kx = 0; kx < s.kernel_w; ++kx) {
      const int column = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
      if (column < 0 || column >= s.width) continue;
      visit(ky * s.kernel_w + kx, static_cast<size_t>(row) * s.width + column);
    }
  }
}

}  // namespace

NIBBLE_VECTOR_CLONES void DepthwiseForward(const DepthwiseShape& s, const float* x,
                                           const float* taps, float* y) {
  const auto channels = static_cast<size_t>(s.channels);
  const size_t image = static_cast<size_t>(s.height) * s.width * channels;
  for (int n = 0; n < s.images; ++n, x += image) {
    for (int oy = 0; oy < s.out_height; ++oy) {
      for (int ox = 0; ox < s.out_width; ++ox, y += channels) {
        std::fill(y, y + channels, 0.0f);
        ForEachTap(s, oy, ox, [&](int tap, size_t pixel) {
          const float* __restrict a = x + pixel * channels;
          const float* __restrict w = taps + static_cast<size_t>(tap) * channels;
          float* __restrict to = y;
          for (size_t c = 0; c < channels; ++c) to[c] += a[c] * w[c];
        });
      }
    }
  }
}

NIBBLE_VECTOR_CLONES void DepthwiseBackward(const DepthwiseShape& s, const float* x,
                                            const float* taps, const float* g, float* of_x,
                                            float* of_taps) {
  const auto channels = static_cast<size_t>(s.channels);
  const size_t image = static_cast<size_t>(s.height) * s.width * channels;
  for (int n = 0; n < s.images; ++n, x += image, of_x += image) {
    for (int oy = 0; oy < s.out_height; ++oy) {
      for (int ox = 0; ox < s.out_width; ++ox, g += channels) {
        ForEachTap(s, oy, ox, [&](int tap, size_t pixel) {
          const float* __restrict a = x + pixel * channels;
          const float* __restrict w = taps + static_cast<size_t>(tap) * channels;
          const float* __restrict from = g;
          float* __restrict to_x = of_x + pixel * channels;
          float* __restrict to_w = of_taps + static_cast<size_t>(tap) * channels;
          for (size_t c = 0; c < channels; ++c) {
            to_x[c] += from[c] * w[c];
            to_w[c] += from[c] * a[c];
          }
        });
      }
    }
  }
}

}  // namespace nibble::retraining
