// Random operands of the accumulators' tests, and their values in binary64.
#pragma once

#include <cstdint>
#include <vector>

#include "models/numerics/accumulate.h"
#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {

inline constexpr Format kOperandFormats[] = {Format::kNvfp4, Format::kFp4, Format::kFp8,
                                             Format::kFp16};

inline bool Finite(Format format, uint16_t code) {
  if (format == Format::kFp8) return !IsNanE4M3(static_cast<uint8_t>(code));
  return format != Format::kFp16 || (code & 0x7C00) != 0x7C00;
}

// A run of whole blocks of random bits; NaN only if asked for.
struct Operands {
  Format activations, weights;
  int block, blocks;
  std::vector<uint16_t> a, w;
  std::vector<int64_t> a_scales, w_scales;

  Operands(Random& random, Format activation_format, Format weight_format, int block_size,
           int count, bool nan = false)
      : activations(activation_format), weights(weight_format), block(block_size), blocks(count) {
    const auto code = [&](Format format) {
      for (;;) {
        const auto bits = static_cast<uint16_t>(random.Word() & ((1u << ElementBits(format)) - 1));
        if (nan || Finite(format, bits)) return bits;
      }
    };
    for (int i = 0; i < block * blocks; ++i) {
      a.push_back(code(activations));
      w.push_back(code(weights));
    }
    // Scales near each other in some runs, so that rounding and cancellation happen, wide in
    // others.
    const int base = random.Int(0, 120);
    const int spread = random.Int(0, 1) != 0 ? 6 : 126 - base;
    const auto scale = [&](Format format) -> int64_t {
      if (!HasBlockScale(format)) return kNoScale;
      if (nan && random.Int(0, 9) == 0) return 0x7F;
      if (random.Int(0, 11) == 0) return 0;
      return base + random.Int(0, spread) + 128 * random.Int(0, 1);  // bit 7 is ignored
    };
    for (int b = 0; b < blocks; ++b) {
      a_scales.push_back(scale(activations));
      w_scales.push_back(scale(weights));
    }
  }

  OperandBlock Block(int b) const {
    const auto at = static_cast<size_t>(b), begin = at * static_cast<size_t>(block);
    return {activations, &a[begin], a_scales[at], weights, &w[begin], w_scales[at], block};
  }
};

inline Operands Nvfp4(Random& random) {
  return {random, Format::kNvfp4, Format::kNvfp4, random.Block(), random.Int(1, 24)};
}

inline float Run(const AccumulatorSpec& spec, const Operands& x, uint64_t* overflows = nullptr) {
  Accumulator accumulator(spec, x.block);
  for (int b = 0; b < x.blocks; ++b) accumulator.AddBlock(x.Block(b));
  if (overflows != nullptr) *overflows = accumulator.overflows();
  return accumulator.Result();
}

inline AccumulatorSpec Spec(Accumulation kind) {
  AccumulatorSpec spec;
  spec.kind = kind;
  return spec;
}

inline double ScaleValue(int64_t scale) {
  return scale == kNoScale ? 1.0 : double{DecodeE4M3(static_cast<uint8_t>(scale & 0x7F))};
}

// The exact value of elements first..last-1 of block b. Exact: NVFP4 terms are multiples of 2^-20
// below 2^30.
inline double Value(const Operands& x, int b, int first, int last) {
  double sum = 0;
  for (int i = first; i < last; ++i) {
    const auto at = static_cast<size_t>(b * x.block + i);
    sum += double{DecodeE2M1(static_cast<uint8_t>(x.a[at]))} *
           double{DecodeE2M1(static_cast<uint8_t>(x.w[at]))};
  }
  const auto block = static_cast<size_t>(b);
  return sum * ScaleValue(x.a_scales[block]) * ScaleValue(x.w_scales[block]);
}
inline double Value(const Operands& x, int b) { return Value(x, b, 0, x.block); }

}  // namespace nibble::numerics
