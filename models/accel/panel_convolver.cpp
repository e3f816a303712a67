#include "models/accel/panel_convolver.h"

#include <algorithm>

#include "models/accel/weight_layout.h"

namespace nibble::accel {

void PanelConvolver::ResetWeights(uint32_t channels) {
  const WeightLayout layout = WeightLayoutOf(geometry());
  panel_ = std::make_unique<numerics::WeightPanel>(
      layout.format, layout.block, static_cast<int>(channels), static_cast<int>(layout.segments),
      static_cast<int>(layout.segment));
}

void PanelConvolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                                const uint8_t* scales) {
  panel_->SetPackedRow(static_cast<int>(n), static_cast<int>(segment), codes, scales);
}

void PanelConvolver::Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
                            const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry());
  const uint32_t channels = geometry().in_channels;
  const uint32_t pixels = rows * geometry().in_width;
  if (geometry().depthwise) {
    DecodeValues(run, pixels, codes, scales);
    return;
  }
  blocks_ = static_cast<uint32_t>(numerics::BlockCount(static_cast<int>(channels), layout.block));
  elements_.resize(size_t{pixels} * channels);
  scales_.resize(size_t{pixels} * blocks_);
  for (uint32_t p = 0; p < pixels; ++p) {
    numerics::DecodePackedActivations(codes, scales, static_cast<int>(channels), layout.block,
                                      layout.format, &elements_[size_t{p} * channels],
                                      &scales_[size_t{p} * blocks_]);
    codes += layout.code_bytes_per_pixel();
    scales += layout.scale_bytes_per_pixel();
  }
}

// Depthwise: only the channels of the run, from the block on in which they begin.
void PanelConvolver::DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                                  const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry());
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
      SumTap(run, ky * g.kernel_w + kx, {in, g.stride_w, out, end - begin}, sums, group_stride);
    }
  }
}

void PanelConvolver::SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
                            ptrdiff_t group_stride) {
  sums += pixels.out * kAccGroup;
  if (geometry().depthwise) {
    const float* a = &values_[pixels.in * channels_ + (run.channel - first_channel_)];
    panel_->AccumulateDepthwise(tap, a, ptrdiff_t{pixels.stride} * channels_, pixels.count, sums,
                                group_stride);
    return;
  }
  const uint32_t channels = geometry().in_channels;
  panel_->Accumulate(
      tap,
      {&elements_[pixels.in * channels], ptrdiff_t{pixels.stride} * channels,
       &scales_[pixels.in * blocks_], ptrdiff_t{pixels.stride} * blocks_, pixels.count},
      numerics::WeightPanel::Start::kAccumulate, sums, group_stride);
}

void PanelConvolver::Sum(const sim::Convolve& run, float* sums) {
  const sim::Geometry& g = geometry();
  const size_t pixels = size_t{run.out_rows} * g.out_width;
  const auto group_stride = static_cast<ptrdiff_t>(pixels * kAccGroup);
  const bool pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 &&
                         g.pad_top == 0 && g.pad_left == 0 && g.out_width == g.in_width &&
                         first_row() == run.out_row && run.out_row + run.out_rows <= g.in_height;
  if (pointwise) {  // the rows of the tile follow each other as the pixels of a row do
    SumTap(run, 0, {0, 1, 0, static_cast<int>(pixels)}, sums, group_stride);
    return;
  }
  for (int row = 0; row < run.out_rows; ++row) SumRow(run, row, sums, group_stride);
}

}  // namespace nibble::accel
