// Convolutions in accumulator D0: many output channels and pixels at once.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "models/accel/convolver.h"
#include "models/numerics/dot.h"

namespace nibble::accel {

class PanelConvolver : public Convolver {
 public:
  void ResetWeights(uint32_t channels) override;
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                  const uint8_t* scales) override;

 private:
  // Adjacent output pixels of a tap: decoded pixel `in` and every `stride`-th after it are input of
  // `count` pixels from `out` on.
  struct PixelRun {
    size_t in;
    int stride;
    size_t out;
    int count;
  };
  void Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
              const uint8_t* scales) override;
  void DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                    const uint8_t* scales);
  void Sum(const sim::Convolve& run, float* sums) override;
  // All taps of one output row; `row` counts from the first of the tile.
  void SumRow(const sim::Convolve& run, int row, float* sums, ptrdiff_t group_stride);
  void SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
              ptrdiff_t group_stride);

  std::unique_ptr<numerics::WeightPanel> panel_;
  uint32_t blocks_ = 0;            // block scales of one input pixel
  uint32_t first_channel_ = 0;     // depthwise: first decoded channel ...
  uint32_t channels_ = 0;          // ... and their number
  std::vector<uint8_t> elements_;  // [decoded pixel][channel]
  std::vector<float> scales_;      // [decoded pixel][block]
  std::vector<float> values_;      // depthwise: [decoded pixel][channels_]
};

}  // namespace nibble::accel
