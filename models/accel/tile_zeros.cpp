#include "models/accel/tile_zeros.h"

#include <algorithm>
#include <array>

#include "models/numerics/density.h"

namespace nibble::accel {

namespace {

using numerics::Format;

// How many codes of each reduction index are what; `dead` ones are zero or lie under a zero scale,
// and `spoilt` ones are NaN or infinite or lie under such a scale, which a dead one never is.
struct Columns {
  std::vector<uint32_t> zero, not_finite, dead, spoilt;
};

class ColumnCounter {
 public:
  // `scaled`: counts `dead` and `spoilt`, too, which otherwise are as `zero` and `not_finite`.
  ColumnCounter(Format format, size_t columns, bool scaled)
      : format_(format), fields_(numerics::CodeFieldsOf(format)), scaled_(scaled) {
    columns_.zero.assign(columns, 0);
    columns_.not_finite.assign(columns, 0);
    if (scaled) columns_.dead = columns_.spoilt = columns_.zero;
  }

  // Codes of `count` columns from `first` on, under one block scale.
  void Add(size_t first, const uint16_t* codes, size_t count, int64_t scale) {
    AddTo(columns_.zero, columns_.not_finite, first, codes, count);
    if (!scaled_) return;
    if (numerics::IsNotFiniteScale(format_, scale)) {
      for (size_t i = 0; i < count; ++i) ++columns_.spoilt[first + i];
    } else if (numerics::IsZeroScale(format_, scale)) {
      for (size_t i = 0; i < count; ++i) {
        const bool finite = (codes[i] & fields_.nonzero) < fields_.not_finite;
        ++(finite ? columns_.dead : columns_.spoilt)[first + i];
      }
    } else {
      AddTo(columns_.dead, columns_.spoilt, first, codes, count);
    }
  }

  Columns Take() {
    if (!scaled_) {
      columns_.dead = columns_.zero;
      columns_.spoilt = columns_.not_finite;
    }
    return std::move(columns_);
  }

 private:
  void AddTo(std::vector<uint32_t>& zero, std::vector<uint32_t>& not_finite, size_t first,
             const uint16_t* codes, size_t count) const {
    const auto nonzero = static_cast<uint16_t>(fields_.nonzero);
    uint32_t* zeros = &zero[first];
    for (size_t i = 0; i < count; ++i) zeros[i] += (codes[i] & nonzero) == 0 ? 1 : 0;
    if (fields_.always_finite()) return;
    const auto limit = static_cast<uint16_t>(fields_.not_finite);
    uint32_t* others = &not_finite[first];
    for (size_t i = 0; i < count; ++i) others[i] += (codes[i] & nonzero) >= limit ? 1 : 0;
  }

  Format format_;
  numerics::CodeFields fields_;
  bool scaled_;
  Columns columns_;
};

// What a term needs to know of one operand.
struct TermMask {
  std::array<uint64_t, 2> live{};  // elements that are no zero; none under a zero scale
  bool spoilt = false;             // NaN or infinite somewhere
};

TermMask TermMaskOf(Format format, const uint16_t* codes, int64_t scale, int count) {
  const numerics::OperandMask mask = numerics::MaskOf(format, codes, scale, count);
  TermMask term;
  term.spoilt = mask.nan_scale || (mask.not_finite[0] | mask.not_finite[1]) != 0;
  if (mask.zero_scale) return term;
  for (int word = 0; word < 2; ++word) {
    const int bits = std::clamp(count - 64 * word, 0, 64);
    const uint64_t all = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    term.live[word] = ~mask.zero[word] & all;
  }
  return term;
}

class ZeroCounter {
 public:
  ZeroCounter(const sim::Geometry& g, const sim::Convolve& run, const UnpackedTile& tile)
      : g_(g),
        run_(run),
        tile_(tile),
        taps_(g.kernel_h * g.kernel_w),
        columns_(g.depthwise ? run.channels : g.in_channels),
        outputs_(g.depthwise ? 1 : run.channels),
        term_(OperandsOf(g).term()),
        terms_((columns_ + static_cast<size_t>(term_) - 1) / static_cast<size_t>(term_)) {}

  TileZeros Count() {
    CountProducts();
    if (term_ > 1) CountTerms();
    return zeros_;
  }

 private:
  // visit(tap, pixel) for each tap of each output pixel.
  template <typename Visit>
  void ForEachTap(Visit visit) const {
    for (int y = run_.out_row; y < run_.out_row + run_.out_rows; ++y) {
      for (int x = 0; x < g_.out_width; ++x) {
        for (int tap = 0; tap < taps_; ++tap) {
          visit(tap, tile_.PixelUnder(y, x, tap / g_.kernel_w, tap % g_.kernel_w));
        }
      }
    }
  }

  // Columns are [tap][input channel], of depthwise layers [tap][channel of the tile].
  Columns ActivationColumns() {
    const Format format = tile_.input().format;
    const int block = tile_.channels_of_scale();
    const bool scaled = term_ == 1 && numerics::HasBlockScale(format);
    ColumnCounter counter(format, taps_ * columns_, scaled);
    const size_t first = g_.depthwise ? run_.channel : 0;
    pads_.assign(static_cast<size_t>(taps_), 0);
    ForEachTap([&](int tap, ptrdiff_t under) {
      if (under == UnpackedTile::kPadding) {
        ++pads_[tap];
        return;
      }
      const auto pixel = static_cast<size_t>(under);
      const uint16_t* codes = tile_.Activations(pixel) + first;
      for (size_t c = 0, count; c < columns_; c += count) {  // the runs under one scale
        count = scaled ? std::min(columns_ - c, block - (first + c) % block) : columns_;
        counter.Add(tap * columns_ + c, codes + c, count,
                    tile_.ActivationScale(pixel, static_cast<int>(first + c)));
      }
    });
    return counter.Take();
  }

  Columns WeightColumns() const {
    const Format format = tile_.weights().format;
    const auto block = static_cast<size_t>(tile_.weights().block);
    const bool scaled = term_ == 1 && numerics::HasBlockScale(format);
    ColumnCounter counter(format, taps_ * columns_, scaled);
    for (uint32_t n = 0; n < run_.channels; ++n) {
      for (int tap = 0; tap < taps_; ++tap) {
        if (g_.depthwise) {
          counter.Add(tap * columns_ + n, tile_.Weights(n, 0) + tap, 1,
                      tile_.WeightScale(n, 0, tap));
          continue;
        }
        const auto segment = static_cast<uint32_t>(tap);
        for (size_t c = 0, count; c < columns_; c += count) {
          count = scaled ? std::min(columns_ - c, block) : columns_;
          counter.Add(tap * columns_ + c, tile_.Weights(n, segment) + c, count,
                      tile_.WeightScale(n, segment, static_cast<int>(c)));
        }
      }
    }
    return counter.Take();
  }

  void CountProducts() {
    const Columns a = ActivationColumns(), w = WeightColumns();
    const uint64_t pixels = uint64_t{run_.out_rows} * g_.out_width;
    for (size_t i = 0; i < a.zero.size(); ++i) {
      const uint64_t pads = pads_[i / columns_], inside = pixels - pads;
      zeros_.activations += a.zero[i] + pads;
      zeros_.weights += w.zero[i];
      const auto pairs = [&](uint64_t a_zero, uint64_t a_bad, uint64_t w_zero, uint64_t w_bad) {
        return pads * outputs_ + a_zero * (outputs_ - w_bad) + w_zero * (inside - a_bad) -
               a_zero * w_zero;
      };
      zeros_.products += pairs(a.zero[i], a.not_finite[i], w.zero[i], w.not_finite[i]);
      if (term_ == 1) zeros_.whole_terms += pairs(a.dead[i], a.spoilt[i], w.dead[i], w.spoilt[i]);
    }
  }

  int TermLength(size_t t) const {
    return static_cast<int>(std::min(columns_ - t * term_, static_cast<size_t>(term_)));
  }

  // Masks of the weights by [tap][term]; spoilt ones, whose terms are never zero, left out.
  void MaskWeights() {
    live_.assign(taps_ * terms_, {});
    for (uint32_t n = 0; n < run_.channels; ++n) {
      for (size_t i = 0; i < live_.size(); ++i) {
        const auto segment = static_cast<uint32_t>(i / terms_);
        const int k = static_cast<int>(i % terms_) * term_;
        const TermMask mask = TermMaskOf(tile_.weights().format, tile_.Weights(n, segment) + k,
                                         tile_.WeightScale(n, segment, k), TermLength(i % terms_));
        if (mask.spoilt) continue;
        for (size_t word = 0; word < 2; ++word) live_[i][word].push_back(mask.live[word]);
      }
    }
  }

  // Weights of which no element meets a live activation.
  uint64_t Disjoint(const TermMask& a, const std::array<std::vector<uint64_t>, 2>& weights) const {
    const size_t count = weights[0].size();
    uint64_t disjoint = 0;
    if (term_ <= 64) {
      const uint64_t live = a.live[0];
      for (size_t n = 0; n < count; ++n) disjoint += (live & weights[0][n]) == 0 ? 1 : 0;
    } else {
      for (size_t n = 0; n < count; ++n) {
        const uint64_t meets = (a.live[0] & weights[0][n]) | (a.live[1] & weights[1][n]);
        disjoint += meets == 0 ? 1 : 0;
      }
    }
    return disjoint;
  }

  void CountTerms() {
    MaskWeights();
    const size_t pixels = tile_.pixels();
    std::vector<TermMask> masks(pixels * terms_);
    for (size_t i = 0; i < masks.size(); ++i) {
      const int c = static_cast<int>(i % terms_) * term_;
      masks[i] = TermMaskOf(tile_.input().format, tile_.Activations(i / terms_) + c,
                            tile_.ActivationScale(i / terms_, c), TermLength(i % terms_));
    }
    ForEachTap([&](int tap, ptrdiff_t under) {
      for (size_t t = 0; t < terms_; ++t) {
        uint64_t zero = outputs_;  // on padding
        if (under != UnpackedTile::kPadding) {
          const TermMask& a = masks[static_cast<size_t>(under) * terms_ + t];
          zero = a.spoilt ? 0 : Disjoint(a, live_[tap * terms_ + t]);
        }
        (TermLength(t) == term_ ? zeros_.whole_terms : zeros_.tail_terms) += zero;
      }
    });
  }

  const sim::Geometry& g_;
  const sim::Convolve& run_;
  const UnpackedTile& tile_;
  int taps_;
  size_t columns_;    // of a tap
  uint64_t outputs_;  // products of one activation at a tap
  int term_;
  size_t terms_;                // of a tap
  std::vector<uint64_t> pads_;  // output pixels by tap that meet padding there
  std::vector<std::array<std::vector<uint64_t>, 2>> live_;
  TileZeros zeros_;
};

}  // namespace

TileZeros CountTileZeros(const sim::Geometry& geometry, const sim::Convolve& run,
                         const UnpackedTile& tile) {
  return ZeroCounter(geometry, run, tile).Count();
}

}  // namespace nibble::accel
