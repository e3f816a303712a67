// Convolutions in accumulator D0: many output channels and pixels at once. Which pixels meet at
// which kernel tap; the arithmetic is in the derived classes.
#pragma once

#include <cstddef>

#include "models/accel/convolver.h"

namespace nibble::accel {

class PanelConvolver : public Convolver {
 protected:
  // Adjacent output pixels of a tap: decoded pixel `in` and every `stride`-th after it are input of
  // `count` pixels from `out` on.
  struct PixelRun {
    size_t in;
    int stride;
    size_t out;
    int count;
  };
  // Adds the terms of one tap to the sums of `pixels`, [group of 16][pixel][16]; `sums` points at
  // the first of these pixels, `group_stride` leads from a group to the next.
  virtual void SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
                      ptrdiff_t group_stride) = 0;

  void Sum(const sim::Convolve& run, float* sums) override;

 private:
  // All taps of one output row; `row` counts from the first of the tile.
  void SumRow(const sim::Convolve& run, int row, float* sums, ptrdiff_t group_stride);
};

}  // namespace nibble::accel
