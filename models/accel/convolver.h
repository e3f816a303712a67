// The arithmetic of a convolution tile, from packed bytes to accumulators: plain C++, shared by the
// tensor unit and the near-memory banks, which differ only in where the weights come from and how
// long it takes.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/dot.h"
#include "models/sim_core/command.h"

namespace nibble::accel {

class Convolver {
 public:
  void Configure(const sim::Geometry& geometry) { geometry_ = geometry; }
  const sim::Geometry& geometry() const { return geometry_; }

  // An empty panel for `channels` output channels of the configured geometry.
  numerics::WeightPanel MakePanel(uint32_t channels) const;
  // The same, filled from weights as they lie in memory (weight_layout.h).
  numerics::WeightPanel DecodeWeights(const uint8_t* codes, const uint8_t* scales,
                                      uint32_t channels) const;

  // Test hook: the first row of sums of the next tile comes out wrong.
  void BreakNext() { break_next_ = true; }

  // Convolves the activation tile that `run` describes; `acc` receives [group of 16][pixel][16]
  // binary32 as bytes.
  void Run(const sim::Convolve& run, const uint8_t* act_codes, const uint8_t* act_scales,
           const numerics::WeightPanel& weights, uint8_t* acc);

 private:
  // Decodes the rows of the tile that the output rows need.
  void DecodeActivations(const sim::Convolve& run, const uint8_t* codes, const uint8_t* scales);
  void DecodeValues(const sim::Convolve& run, uint32_t pixels, const uint8_t* codes,
                    const uint8_t* scales);
  // All taps of one output row; `row` counts from the first of the tile.
  void AccumulateRow(const sim::Convolve& run, const numerics::WeightPanel& weights, int row,
                     ptrdiff_t group_stride);
  // Adjacent output pixels of a tap: decoded pixel `in` and every `stride`-th after it are input of
  // `count` pixels from `out` on.
  struct PixelRun {
    size_t in;
    int stride;
    size_t out;
    int count;
  };
  void AccumulateTap(const sim::Convolve& run, const numerics::WeightPanel& weights, int tap,
                     const PixelRun& pixels, ptrdiff_t group_stride);

  void Break(uint8_t* acc) const;

  sim::Geometry geometry_{};
  bool break_next_ = false;
  uint32_t blocks_ = 0;         // block scales of one input pixel
  int first_row_ = 0;           // input row of the first decoded pixel
  uint32_t first_channel_ = 0;  // depthwise: first decoded channel ...
  uint32_t channels_ = 0;       // ... and their number
  std::vector<int8_t> twice_;   // [decoded pixel][channel]
  std::vector<float> scales_;   // [decoded pixel][block]
  std::vector<float> values_;   // depthwise: [decoded pixel][channel]
  std::vector<float> sums_;     // [group of 16][pixel][16]
};

}  // namespace nibble::accel
