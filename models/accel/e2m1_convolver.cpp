#include "models/accel/e2m1_convolver.h"

#include <algorithm>

#include "models/accel/weight_layout.h"

namespace nibble::accel {

void E2m1Convolver::ResetWeights(uint32_t channels) {
  const WeightLayout layout = WeightLayoutOf(geometry());
  panel_ = std::make_unique<numerics::WeightPanel>(
      layout.format, layout.block, static_cast<int>(channels), static_cast<int>(layout.segments),
      static_cast<int>(layout.segment));
}

void E2m1Convolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                               const uint8_t* scales) {
  panel_->SetPackedRow(static_cast<int>(n), static_cast<int>(segment), codes, scales);
}

void E2m1Convolver::Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
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
    scales += layout.scale_row_bytes();
  }
}

// Depthwise: only the channels of the run, from the block on in which they begin; of strips, whose
// channels have a scale each, from the byte on.
void E2m1Convolver::DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                                 const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry());
  const auto block = static_cast<uint32_t>(layout.block);
  first_channel_ = layout.strips() ? run.channel / 2 * 2 : run.channel / block * block;
  const uint32_t first_scale = layout.strips() ? first_channel_ : first_channel_ / block;
  channels_ = run.channel + run.channels - first_channel_;
  values_.resize(size_t{pixels} * channels_);
  codes += first_channel_ / 2;
  scales += layout.scale_row_bytes() > 0 ? first_scale : 0;
  for (uint32_t p = 0; p < pixels; ++p) {
    const uint64_t scale =
        layout.scale_row_bytes() > 0 ? layout.scale_index(static_cast<int>(p), 0) : 0;
    numerics::DecodePackedValues(codes, scales + scale, static_cast<int>(channels_),
                                 layout.strips() ? 1 : layout.block, layout.format,
                                 &values_[size_t{p} * channels_]);
    codes += layout.code_bytes_per_pixel();
  }
}

void E2m1Convolver::SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
                           ptrdiff_t group_stride) {
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

}  // namespace nibble::accel
