// Operands of any format, in binary64 (models/numerics/wide_panel.h).
#pragma once

#include <memory>
#include <vector>

#include "models/accel/panel_convolver.h"
#include "models/numerics/wide_panel.h"

namespace nibble::accel {

class WideConvolver : public PanelConvolver {
 public:
  void ResetWeights(uint32_t channels) override;
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                  const uint8_t* scales) override;

 private:
  void Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
              const uint8_t* scales) override;
  void Sum(const sim::Convolve& run, float* sums) override;
  void SumTap(const sim::Convolve& run, int tap, const PixelRun& pixels, float* sums,
              ptrdiff_t group_stride) override;

  numerics::WideOperands operands_{};
  std::unique_ptr<numerics::WidePanel> panel_;
  size_t terms_ = 0;              // of one input pixel
  std::vector<double> elements_;  // [decoded pixel][channel]; depthwise: times their scales
  std::vector<double> scales_;    // [decoded pixel][term]; not depthwise
};

}  // namespace nibble::accel
