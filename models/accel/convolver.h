// The arithmetic of a convolution tile, from packed bytes to accumulators: plain C++, shared by the
// tensor unit and the near-memory banks, which differ only in where the weights come from and how
// long it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/numerics/accumulator_spec.h"
#include "models/numerics/multiplier_lut.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

class Convolver {
 public:
  virtual ~Convolver() = default;

  void Configure(const sim::Geometry& geometry) { geometry_ = geometry; }
  const sim::Geometry& geometry() const { return geometry_; }

  // Makes room for the weights of `channels` output channels of the configured geometry.
  virtual void ResetWeights(uint32_t channels) = 0;
  // Run (kernel tap) `segment` of output channel `n` as it lies in memory (weight_layout.h).
  virtual void SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                          const uint8_t* scales) = 0;
  // Both, for weights that lie one after the other.
  void LoadWeights(const uint8_t* codes, const uint8_t* scales, uint32_t channels);

  // Convolves the activation tile that `run` describes with the weights set last; `acc` receives
  // [group of 16][pixel][16] binary32 as bytes.
  void Run(const sim::Convolve& run, const uint8_t* act_codes, const uint8_t* act_scales,
           uint8_t* acc);

  // Test hook: the first row of sums of the next tile comes out wrong.
  void BreakNext() { break_next_ = true; }
  // Additions so far whose result did not fit the accumulator.
  virtual uint64_t overflows() const { return 0; }

 protected:
  // Decodes input rows [first_row(), first_row() + rows), of which `codes` and `scales` hold the
  // bytes.
  virtual void Decode(const sim::Convolve& run, uint32_t rows, const uint8_t* codes,
                      const uint8_t* scales) = 0;
  // All sums of the tile, [group of 16][pixel][16]; `sums` is zero.
  virtual void Sum(const sim::Convolve& run, float* sums) = 0;

  int first_row() const { return first_row_; }  // input row of the first decoded pixel

 private:
  void Break(uint8_t* acc) const;

  sim::Geometry geometry_{};
  int first_row_ = 0;
  bool break_next_ = false;
  std::vector<float> sums_;
};

// One convolver of each kind, and the one that takes the operands of the current layer: in
// accumulator D0 E2M1 operands and most others have kernels of their own, the rest goes through
// numerics::Accumulator term by term.
class Convolvers {
 public:
  // `multiplier` makes the products that go term by term; the kernels' are the same bits.
  explicit Convolvers(const numerics::AccumulatorSpec& accumulator,
                      numerics::Multiplier multiplier = numerics::Multiplier::kArray);

  void Configure(const sim::Geometry& geometry);
  Convolver& current() { return *current_; }
  const Convolver& current() const { return *current_; }
  void BreakNext();  // test hook: of each kind

 private:
  bool plain_;  // D0
  std::unique_ptr<Convolver> e2m1_, wide_, registers_;
  Convolver* current_;
};

}  // namespace nibble::accel
