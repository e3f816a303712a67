// Convolutions in any accumulator: one output at a time, one exact term at a time.
#pragma once

#include "models/accel/convolver.h"
#include "models/accel/unpacked_tile.h"

namespace nibble::accel {

class RegisterConvolver : public Convolver {
 public:
  explicit RegisterConvolver(const numerics::AccumulatorSpec& spec,
                             numerics::Multiplier multiplier = numerics::Multiplier::kArray)
      : spec_(spec), multiplier_(multiplier) {}

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
  numerics::Multiplier multiplier_;
  UnpackedTile tile_;
  uint64_t overflows_ = 0;
};

}  // namespace nibble::accel
