// Convolutions in any accumulator: one output at a time, one exact term at a time.
#pragma once

#include <vector>

#include "models/accel/convolver.h"
#include "models/accel/weight_layout.h"
#include "models/numerics/accumulate.h"

namespace nibble::accel {

class RegisterConvolver : public Convolver {
 public:
  explicit RegisterConvolver(const numerics::AccumulatorSpec& spec) : spec_(spec) {}

  void ResetWeights(uint32_t channels) override;
  void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                  const uint8_t* scales) override;
  uint64_t overflows() const override { return overflows_; }

 private:
  void Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
              const uint8_t* scales) override;
  void Sum(const sim::Convolve& run, float* sums) override;
  // Adds the blocks of output channel run.channel + n at output pixel (y, x).
  void AddBlocks(const sim::Convolve& run, uint32_t n, int y, int x,
                 numerics::Accumulator& to) const;
  // `count` elements from channel `c` of the pixel, and from element `k` of run `segment` of output
  // channel `n`.
  numerics::OperandBlock Operands(size_t pixel, int c, uint32_t n, int segment, int k,
                                  int count) const;

  numerics::AccumulatorSpec spec_;
  WeightLayout weights_;
  numerics::ActivationLayout input_;
  size_t w_blocks_ = 0, a_blocks_ = 0;  // block scales of a run, of a pixel
  std::vector<uint16_t> codes_;         // [channel][segment][element]
  std::vector<int64_t> scales_;         // [channel][segment][block]: bits
  std::vector<uint16_t> a_codes_;       // [decoded pixel][channel]
  std::vector<int64_t> a_scales_;       // [decoded pixel][block]: bits
  uint64_t overflows_ = 0;
};

}  // namespace nibble::accel
