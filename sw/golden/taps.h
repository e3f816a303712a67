// The taps of a convolution window, in the order that defines every sum.
#pragma once

#include "sw/trace/network.h"

namespace nibble::golden {

// Calls visit(tap, pixel) for each kernel tap of output pixel (y, x) that lies inside the image,
// kernel row and then kernel column ascending: `tap` = kernel row * kernel_w + kernel column,
// `pixel` = input row * width + input column.
template <typename Visit>
void ForEachTap(const trace::Layer& l, const trace::Shape& in, int y, int x, Visit visit) {
  for (int ky = 0; ky < l.kernel_h; ++ky) {
    const int row = y * l.stride_h - l.pad_top + ky * l.dilation_h;
    if (row < 0 || row >= in.height) continue;
    for (int kx = 0; kx < l.kernel_w; ++kx) {
      const int column = x * l.stride_w - l.pad_left + kx * l.dilation_w;
      if (column < 0 || column >= in.width) continue;
      visit(ky * l.kernel_w + kx, row * in.width + column);
    }
  }
}

}  // namespace nibble::golden
