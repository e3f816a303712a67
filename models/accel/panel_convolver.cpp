#include "models/accel/panel_convolver.h"

#include <algorithm>

#include "models/accel/weight_layout.h"
#include "models/numerics/parallel.h"

namespace nibble::accel {

constexpr size_t kGrain = 48;  // pixels that are worth a thread: whole groups of every kernel's

void PanelConvolver::SumRow(const sim::Convolve& run, int row, float* sums,
                            ptrdiff_t group_stride) {
  const sim::Geometry& g = geometry();
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    const int y = (run.out_row + row) * g.stride_h - g.pad_top + ky * g.dilation_h;
    if (y < 0 || y >= g.in_height) continue;  // padding adds nothing
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      // Output columns whose tap lies inside the row: 0 <= x0 + column * stride < in_width.
      const int x0 = kx * g.dilation_w - g.pad_left;
      const int begin = x0 < 0 ? (-x0 + g.stride_w - 1) / g.stride_w : 0;
      const int end = std::min<int>(g.out_width, (g.in_width - 1 - x0 + g.stride_w) / g.stride_w);
      if (x0 >= g.in_width || begin >= end) continue;
      const size_t in = size_t(y - first_row()) * g.in_width + (x0 + begin * g.stride_w);
      const size_t out = size_t(row) * g.out_width + begin;
      SumTap(run, ky * g.kernel_w + kx, {in, g.stride_w, out, end - begin}, sums + out * kAccGroup,
             group_stride);
    }
  }
}

void PanelConvolver::Sum(const sim::Convolve& run, float* sums) {
  const sim::Geometry& g = geometry();
  const size_t pixels = size_t{run.out_rows} * g.out_width;
  const auto group_stride = static_cast<ptrdiff_t>(pixels * kAccGroup);
  const bool pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 &&
                         g.pad_top == 0 && g.pad_left == 0 && g.out_width == g.in_width &&
                         first_row() == run.out_row && run.out_row + run.out_rows <= g.in_height;
  if (pointwise) {  // the rows of the tile follow each other as the pixels of a row do
    numerics::ParallelFor(pixels, kGrain, [&](size_t begin, size_t end) {
      SumTap(run, 0, {begin, 1, begin, static_cast<int>(end - begin)}, sums + begin * kAccGroup,
             group_stride);
    });
    return;
  }
  numerics::ParallelFor(run.out_rows, 1, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      SumRow(run, static_cast<int>(row), sums, group_stride);
    }
  });
}

}  // namespace nibble::accel
