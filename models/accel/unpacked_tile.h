// The operands of a convolution tile, unpacked from the bytes in memory: codes one by one, block
// scales as their bits.
#pragma once

#include <cstddef>
#include <vector>

#include "models/accel/weight_layout.h"
#include "models/numerics/accumulate.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

// Input rows [first, last) that a tile needs, of those that lie in its activation tile.
struct TileRows {
  int first, last;
};
TileRows RowsOf(const sim::Geometry& geometry, const sim::Convolve& run);

class UnpackedTile {
 public:
  // As Convolver's functions of these names. Weights are zero until set.
  void ResetWeights(const sim::Geometry& geometry, uint32_t channels);
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes, const uint8_t* scales);
  // Rows [first, last), of which `codes` and `scales` hold the bytes.
  void SetActivations(const sim::Geometry& geometry, const TileRows& rows, const uint8_t* codes,
                      const uint8_t* scales);

  const WeightLayout& weights() const { return weights_; }
  const numerics::ActivationLayout& input() const { return input_; }
  int term() const;  // elements that share both scales
  size_t pixels() const { return static_cast<size_t>(last_row_ - first_row_) * geometry_.in_width; }

  // Pixel of SetActivations under tap (ky, kx) of output pixel (y, x), or kPadding.
  static constexpr ptrdiff_t kPadding = -1;
  ptrdiff_t PixelUnder(int y, int x, int ky, int kx) const;

  const uint16_t* Activations(size_t pixel) const { return &a_codes_[pixel * input_.channels]; }
  const uint16_t* Weights(uint32_t n, uint32_t segment) const {
    return &w_codes_[(size_t{n} * weights_.segments + segment) * weights_.segment];
  }
  // Bits of the block scale of an element, or kNoScale.
  int64_t ActivationScale(size_t pixel, int channel) const {
    return a_scales_.empty() ? numerics::kNoScale
                             : a_scales_[input_.scale_index(static_cast<int>(pixel), channel)];
  }
  // Neighbouring channels of a pixel, from a multiple on, that share a scale.
  int channels_of_scale() const { return input_.strips() ? 1 : input_.block; }
  int64_t WeightScale(uint32_t n, uint32_t segment, int k) const {
    const size_t run = size_t{n} * weights_.segments + segment;
    return w_scales_.empty() ? numerics::kNoScale : w_scales_[run * w_blocks_ + k / weights_.block];
  }

 private:
  sim::Geometry geometry_{};
  int first_row_ = 0, last_row_ = 0;
  WeightLayout weights_;
  numerics::ActivationLayout input_;
  size_t w_blocks_ = 0;            // block scales of a run
  std::vector<uint16_t> w_codes_;  // [channel][segment][element]
  std::vector<int64_t> w_scales_;  // [channel][segment][block]
  std::vector<uint16_t> a_codes_;  // [pixel][channel]
  std::vector<int64_t> a_scales_;  // in the order of ActivationLayout
};

}  // namespace nibble::accel
