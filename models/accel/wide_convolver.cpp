#include "models/accel/wide_convolver.h"

#include <cmath>

#include "models/accel/weight_layout.h"
#include "models/numerics/bits.h"

namespace nibble::accel {

void WideConvolver::ResetWeights(uint32_t channels) {
  const WeightLayout layout = WeightLayoutOf(geometry());
  operands_ = OperandsOf(geometry());
  panel_ = std::make_unique<numerics::WidePanel>(operands_, static_cast<int>(channels),
                                                 static_cast<int>(layout.segments),
                                                 static_cast<int>(layout.segment));
}

void WideConvolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                               const uint8_t* scales) {
  panel_->SetPackedRow(static_cast<int>(n), static_cast<int>(segment), codes, scales);
}

void WideConvolver::Decode(const sim::Convolve& /*run*/, uint32_t rows, const uint8_t* codes,
                           const uint8_t* scales) {
  const numerics::ActivationLayout layout = InputLayoutOf(geometry());
  const auto channels = static_cast<size_t>(layout.channels);
  const size_t pixels = size_t{rows} * geometry().in_width;
  terms_ = static_cast<size_t>(numerics::BlockCount(layout.channels, operands_.term()));
  elements_.resize(pixels * channels);
  scales_.resize(pixels * terms_);
  numerics::WideOperands one = operands_;
  if (layout.strips()) one.activation_block = 1;  // each channel of a pixel has a scale
  const size_t scale_bytes = numerics::BlockScaleBits(layout.format) / 8;
  for (size_t p = 0; p < pixels; ++p) {
    if (geometry().depthwise) {
      numerics::DecodeWideValues(one, codes,
                                 scales + layout.scale_index(static_cast<int>(p), 0) * scale_bytes,
                                 layout.channels, &elements_[p * channels]);
      codes += layout.code_bytes_per_pixel();
    } else {
      numerics::DecodeWide(operands_, codes, scales, layout.channels, &elements_[p * channels],
                           &scales_[p * terms_]);
      codes += layout.code_bytes_per_pixel();
      scales += layout.scale_row_bytes();
    }
  }
}

void WideConvolver::SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
                           ptrdiff_t group_stride) {
  const size_t channels = geometry().in_channels;
  const auto stride = static_cast<ptrdiff_t>(channels) * pixels.stride;
  if (geometry().depthwise) {
    panel_->AccumulateDepthwise(tap, &elements_[pixels.in * channels + run.channel], stride,
                                pixels.count, sums, group_stride);
    return;
  }
  panel_->Accumulate(tap,
                     {&elements_[pixels.in * channels], stride, &scales_[pixels.in * terms_],
                      static_cast<ptrdiff_t>(terms_) * pixels.stride, pixels.count},
                     sums, group_stride);
}

// Sums of terms beyond binary32 may be infinity minus infinity, whose sign processors do not agree
// on.
void WideConvolver::Sum(const sim::Convolve& run, float* sums) {
  PanelConvolver::Sum(run, sums);
  const uint64_t pixels = uint64_t{run.out_rows} * geometry().out_width;
  const size_t count = AccumulatorBytes(pixels, run.channels) / sizeof(float);
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(sums[i])) sums[i] = numerics::BitsFloat(numerics::kCanonicalNan);
  }
}

}  // namespace nibble::accel
