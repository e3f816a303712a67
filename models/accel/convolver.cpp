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
  if (g.depthwise) {
    DecodeValues(run, pixels, codes, scales);
    return;
  }
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

// Depthwise: only the channels of the run, from the block on in which they begin.
void Convolver::DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                             const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry_);
  const uint32_t first_block = run.channel / static_cast<uint32_t>(layout.block);
  first_channel_ = first_block * static_cast<uint32_t>(layout.block);
  channels_ = run.channel + run.channels - first_channel_;
  values_.resize(size_t{pixels} * channels_);
  codes += first_channel_ / 2;
  scales += layout.scale_bytes_per_pixel() > 0 ? first_block : 0;
  for (uint32_t p = 0; p < pixels; ++p) {
    numerics::DecodePackedValues(codes, scales, static_cast<int>(channels_), layout.block,
                                 layout.format, &values_[size_t{p} * channels_]);
    codes += layout.code_bytes_per_pixel();
    scales += layout.scale_bytes_per_pixel();
  }
}

void Convolver::AccumulateRow(const sim::Convolve& run, const WeightPanel& weights, int row,
                              ptrdiff_t group_stride) {
  const sim::Geometry& g = geometry_;
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    const int y = (run.out_row + row) * g.stride_h - g.pad_top + ky * g.dilation_h;
    if (y < 0 || y >= g.in_height) continue;  // padding adds nothing
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      // Output columns whose tap lies inside the row: 0 <= x0 + column * stride < in_width.
      const int x0 = kx * g.dilation_w - g.pad_left;
      const int begin = x0 < 0 ? (-x0 + g.stride_w - 1) / g.stride_w : 0;
      const int end = std::min<int>(g.out_width, (g.in_width - 1 - x0 + g.stride_w) / g.stride_w);
      if (x0 >= g.in_width || begin >= end) continue;
      const size_t in = size_t(y - first_row_) * g.in_width + (x0 + begin * g.stride_w);
      const size_t out = size_t(row) * g.out_width + begin;
      AccumulateTap(run, weights, ky * g.kernel_w + kx, {in, g.stride_w, out, end - begin},
                    group_stride);
    }
  }
}

void Convolver::AccumulateTap(const sim::Convolve& run, const WeightPanel& weights, int tap,
                              const PixelRun& pixels, ptrdiff_t group_stride) {
  float* sums = &sums_[pixels.out * kAccGroup];
  if (geometry_.depthwise) {
    const float* a = &values_[pixels.in * channels_ + (run.channel - first_channel_)];
    weights.AccumulateDepthwise(tap, a, ptrdiff_t{pixels.stride} * channels_, pixels.count, sums,
                                group_stride);
    return;
  }
  const uint32_t channels = geometry_.in_channels;
  weights.Accumulate(
      tap,
      {&twice_[pixels.in * channels], ptrdiff_t{pixels.stride} * channels,
       &scales_[pixels.in * blocks_], ptrdiff_t{pixels.stride} * blocks_, pixels.count},
      sums, group_stride);
}

void Convolver::Run(const sim::Convolve& run, const uint8_t* act_codes, const uint8_t* act_scales,
                    const WeightPanel& weights, uint8_t* acc) {
  const sim::Geometry& g = geometry_;
  DecodeActivations(run, act_codes, act_scales);
  const size_t pixels = size_t{run.out_rows} * g.out_width;
  const auto group_stride = static_cast<ptrdiff_t>(pixels * kAccGroup);
  sums_.assign(AccumulatorBytes(pixels, run.channels) / sizeof(float), 0.0f);
  const bool pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 &&
                         g.pad_top == 0 && g.pad_left == 0 && g.out_width == g.in_width &&
                         first_row_ == run.out_row;
  if (pointwise) {  // the rows of the tile follow each other as the pixels of a row do
    AccumulateTap(run, weights, 0, {0, 1, 0, static_cast<int>(pixels)}, group_stride);
  } else {
    for (int row = 0; row < run.out_rows; ++row) AccumulateRow(run, weights, row, group_stride);
  }
  std::memcpy(acc, sums_.data(), sums_.size() * sizeof(float));
  if (break_next_) Break(acc);
  break_next_ = false;
}

// Flips the highest mantissa and the lowest exponent bit (little-endian byte 2) of sixteen channels
// of a row: one sum alone may well be clipped, or rounded to the code that it would have had.
void Convolver::Break(uint8_t* acc) const {
  for (uint32_t i = 0; i < kAccGroup * geometry_.out_width; ++i) acc[4 * i + 2] ^= 0xC0;
}

}  // namespace nibble::accel
