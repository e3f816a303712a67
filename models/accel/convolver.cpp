#include "models/accel/convolver.h"

#include <cstring>

#include "models/accel/e2m1_convolver.h"
#include "models/accel/register_convolver.h"
#include "models/accel/unpacked_tile.h"
#include "models/accel/weight_layout.h"
#include "models/accel/wide_convolver.h"

namespace nibble::accel {

Convolvers::Convolvers(const numerics::AccumulatorSpec& accumulator,
                       numerics::Multiplier multiplier)
    : plain_(accumulator.kind == numerics::Accumulation::kFp32 && accumulator.round_term),
      e2m1_(std::make_unique<E2m1Convolver>()),
      wide_(std::make_unique<WideConvolver>()),
      registers_(std::make_unique<RegisterConvolver>(accumulator, multiplier)),
      current_(registers_.get()) {}

void Convolvers::Configure(const sim::Geometry& g) {
  const numerics::WideOperands operands = OperandsOf(g);
  current_ = registers_.get();
  if (g.groups > 1) {  // blocks of weights and activations may begin apart: term by term
    current_->Configure(g);
    return;
  }
  if (plain_ && numerics::TakesWeightPanel(operands.activations, operands.weights) &&
      operands.activation_block == operands.weight_block) {
    current_ = e2m1_.get();
  } else if (plain_ && numerics::TakesWidePanel(operands)) {
    current_ = wide_.get();
  }
  current_->Configure(g);
}

void Convolvers::BreakNext() {
  for (Convolver* convolver : {e2m1_.get(), wide_.get(), registers_.get()}) convolver->BreakNext();
}

void Convolver::LoadWeights(const uint8_t* codes, const uint8_t* scales, uint32_t channels) {
  ResetWeights(channels);
  ForEachRun(WeightLayoutOf(geometry_), channels, codes, scales,
             [this](uint32_t n, uint32_t segment, const uint8_t* run, const uint8_t* run_scales) {
               SetWeights(n, segment, run, run_scales);
             });
}

void Convolver::Run(const sim::Convolve& run, const uint8_t* act_codes, const uint8_t* act_scales,
                    uint8_t* acc) {
  const sim::Geometry& g = geometry_;
  // Of the tile, only the rows that these output rows need.
  const TileRows rows = RowsOf(g, run);
  first_row_ = rows.first;
  const size_t skipped = static_cast<size_t>(first_row_ - run.in_row) * g.in_width;
  const numerics::ActivationLayout layout = InputLayoutOf(g);
  Decode(run, static_cast<uint32_t>(rows.last - rows.first),
         act_codes + skipped * layout.code_bytes_per_pixel(),
         act_scales + layout.scale_rows(skipped) * layout.scale_row_bytes());

  const size_t pixels = size_t{run.out_rows} * g.out_width;
  sums_.assign(AccumulatorBytes(pixels, run.channels) / sizeof(float), 0.0f);
  Sum(run, sums_.data());
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
