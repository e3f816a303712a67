#include "models/accel/convolver.h"

#include <algorithm>
#include <cstring>

#include "models/accel/weight_layout.h"

namespace nibble::accel {

using numerics::WeightPanel;

WeightPanel Convolver::MakePanel(uint32_t channels) const {
  const WeightLayout layout = WeightLayoutOf(geometry_);
  return WeightPanel(layout.format, layout.block, static_cast<int>(channels),
                     static_cast<int>(layout.segments), static_cast<int>(layout.segment));
}

WeightPanel Convolver::DecodeWeights(const uint8_t* codes, const uint8_t* scales,
                                     uint32_t channels) const {
  const WeightLayout layout = WeightLayoutOf(geometry_);
  WeightPanel panel = MakePanel(channels);
  for (uint32_t n = 0; n < channels; ++n) {
    for (uint32_t s = 0; s < layout.segments; ++s) {
      panel.SetPackedRow(static_cast<int>(n), static_cast<int>(s), codes, scales);
      codes += layout.run_bytes();
      scales += layout.scale_bytes();
    }
  }
  return panel;
}

void Convolver::DecodeActivations(const sim::Convolve& run, const uint8_t* codes,
                                  const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry_);
  const uint32_t channels = geometry_.in_channels;
  const sim::Geometry& g = geometry_;
  const int begin = run.out_row * g.stride_h - g.pad_top;
  const int end = begin + (run.out_rows - 1) * g.stride_h + (g.kernel_h - 1) * g.dilation_h + 1;
  first_row_ = std::clamp<int>(begin, run.in_row, run.in_row + run.in_rows);
  const int last_row = std::clamp<int>(end, first_row_, run.in_row + run.in_rows);
  const uint32_t pixels = static_cast<uint32_t>(last_row - first_row_) * g.in_width;
  const size_t skipped = size_t(first_row_ - run.in_row) * g.in_width;
  codes += skipped * layout.code_bytes_per_pixel();
  scales += skipped * layout.scale_bytes_per_pixel();
  blocks_ = static_cast<uint32_t>(numerics::BlockCount(static_cast<int>(channels), layout.block));
  twice_.resize(size_t{pixels} * channels);
  scales_.resize(size_t{pixels} * blocks_);
  for (uint32_t p = 0; p < pixels; ++p) {
    numerics::DecodePackedActivations(codes, scales, static_cast<int>(channels), layout.block,
                                      layout.format, &twice_[size_t{p} * channels],
                                      &scales_[size_t{p} * blocks_]);
    codes += layout.code_bytes_per_pixel();
    scales += layout.scale_bytes_per_pixel();
  }
}

void Convolver::Accumulate(const sim::Convolve& run, const WeightPanel& weights, int out_y,
                           int out_x) {
  const sim::Geometry& g = geometry_;
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    const int y = out_y * g.stride_h - g.pad_top + ky * g.dilation_h;
    if (y < 0 || y >= g.in_height) continue;  // padding adds nothing
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      const int x = out_x * g.stride_w - g.pad_left + kx * g.dilation_w;
      if (x < 0 || x >= g.in_width) continue;
      const size_t pixel = size_t(y - first_row_) * g.in_width + x;
      const int16_t* a = &twice_[pixel * g.in_channels];
      const float* a_scales = &scales_[pixel * blocks_];
      const int tap = ky * g.kernel_w + kx;
      if (g.depthwise) {
        weights.AccumulateDepthwise(tap, a, a_scales, run.channel, sums_.data());
      } else {
        weights.Accumulate(tap, a, a_scales, sums_.data());
      }
    }
  }
}

void Convolver::Run(const sim::Convolve& run, const uint8_t* act_codes, const uint8_t* act_scales,
                    const WeightPanel& weights, uint8_t* acc) {
  DecodeActivations(run, act_codes, act_scales);
  const uint32_t groups = (run.channels + kAccGroup - 1u) / kAccGroup;
  const size_t pixels = size_t{run.out_rows} * geometry_.out_width;
  sums_.resize(groups * kAccGroup);
  size_t pixel = 0;
  for (int row = 0; row < run.out_rows; ++row) {
    for (int column = 0; column < geometry_.out_width; ++column, ++pixel) {
      std::fill(sums_.begin(), sums_.end(), 0.0f);
      Accumulate(run, weights, run.out_row + row, column);
      for (uint32_t g = 0; g < groups; ++g) {
        std::memcpy(acc + (g * pixels + pixel) * kAccGroup * sizeof(float), &sums_[g * kAccGroup],
                    kAccGroup * sizeof(float));
      }
    }
  }
  if (break_next_) Break(acc);
  break_next_ = false;
}

// Flips the highest mantissa and the lowest exponent bit (little-endian byte 2) of sixteen channels
// of a row: one sum alone may well be clipped, or rounded to the code that it would have had.
void Convolver::Break(uint8_t* acc) const {
  for (uint32_t i = 0; i < kAccGroup * geometry_.out_width; ++i) acc[4 * i + 2] ^= 0xC0;
}

}  // namespace nibble::accel
