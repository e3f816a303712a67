// E2M1 operands (NVFP4, FP4): integer kernels.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "models/accel/panel_convolver.h"
#include "models/numerics/dot.h"

namespace nibble::accel {

class E2m1Convolver : public PanelConvolver {
 public:
  void ResetWeights(uint32_t channels) override;
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                  const uint8_t* scales) override;

 private:
  void Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
              const uint8_t* scales) override;
  void DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                    const uint8_t* scales);
  void SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
              ptrdiff_t group_stride) override;

  std::unique_ptr<numerics::WeightPanel> panel_;
  uint32_t blocks_ = 0;            // block scales of one input pixel
  uint32_t first_channel_ = 0;     // depthwise: first decoded channel ...
  uint32_t channels_ = 0;          // ... and their number
  std::vector<uint8_t> elements_;  // [decoded pixel][channel]
  std::vector<float> scales_;      // [decoded pixel][block]
  std::vector<float> values_;      // depthwise: [decoded pixel][channels_]
};

}  // namespace nibble::accel
