#include "models/accel/operand_toggles.h"

#include <algorithm>

namespace nibble::accel {

namespace {

using numerics::Toggles;
using Registers = numerics::OperandRegisters<uint16_t>;

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

void Add(const Toggles& toggles, uint64_t times, Toggles& to) {
  to.sign += times * toggles.sign;
  to.exponent += times * toggles.exponent;
  to.mantissa += times * toggles.mantissa;
}

Toggles Minus(Toggles a, const Toggles& b) {
  a.sign -= b.sign;
  a.exponent -= b.exponent;
  a.mantissa -= b.mantissa;
  return a;
}

// `times` times the same loads, all by `pass`, of which `first` does each register's first. The
// passes differ in what the registers hold before, which makes a difference to the first loads
// alone.
template <typename First, typename Pass>
void Repeat(std::vector<Registers>& held, First first, Pass pass, uint64_t times, Toggles& to) {
  std::vector<Registers> before = held;
  const Toggles once = pass(held);
  Add(once, 1, to);
  if (times == 1) return;
  std::vector<Registers> after = held;
  Toggles again = Minus(once, first(before));
  again += first(after);
  Add(again, times - 1, to);
}

class ToggleCounter {
 public:
  ToggleCounter(const OperandArray& array, const sim::Geometry& g, const sim::Convolve& run,
                const UnpackedTile& tile)
      : array_(array),
        g_(g),
        run_(run),
        tile_(tile),
        weight_stationary_(array.dataflow == Dataflow::kWeightStationary),
        taps_(g.kernel_h * g.kernel_w),
        pixels_(int{run.out_rows} * g.out_width),
        padding_(static_cast<size_t>(tile.input().channels), 0) {}

  OperandToggles Count() {
    CountWeights();
    if (g_.depthwise) {
      CountDepthwiseActivations();
    } else {
      CountActivations();
    }
    return toggles_;
  }

 private:
  int rows() const { return static_cast<int>(array_.rows); }
  int cols() const { return static_cast<int>(array_.cols); }
  int lanes() const { return static_cast<int>(array_.lanes); }

  void CountWeights() {
    const int lanes = g_.depthwise ? 1 : this->lanes();
    std::vector<Registers> held(array_.rows, Registers(tile_.weights().format, lanes));
    const uint64_t loads =
        weight_stationary_ ? 1 : DivideUp(static_cast<uint64_t>(pixels_), array_.cols);
    const auto length = static_cast<int>(tile_.weights().segment);
    for (uint32_t begin = 0; begin < run_.channels; begin += array_.rows) {
      const uint32_t end = std::min<uint32_t>(run_.channels, begin + array_.rows);
      const auto load = [&](std::vector<Registers>& registers, uint32_t segments, int count) {
        Toggles sum;
        for (uint32_t n = begin; n < end; ++n) {
          for (uint32_t s = 0; s < segments; ++s) {
            sum += registers[n - begin].Load(tile_.Weights(n, s), count);
          }
        }
        return sum;
      };
      Repeat(
          held, [&](auto& r) { return load(r, 1, std::min(lanes, length)); },
          [&](auto& r) { return load(r, tile_.weights().segments, length); }, loads,
          toggles_.weights);
    }
  }

  // Codes of all channels under a tap of output pixel `p` of the tile.
  const uint16_t* Under(int p, int tap) const {
    const ptrdiff_t pixel = tile_.PixelUnder(run_.out_row + p / g_.out_width, p % g_.out_width,
                                             tap / g_.kernel_w, tap % g_.kernel_w);
    return pixel == UnpackedTile::kPadding ? padding_.data()
                                           : tile_.Activations(static_cast<size_t>(pixel));
  }

  void CountActivations() {
    std::vector<Registers> held(array_.cols, Registers(tile_.input().format, lanes()));
    const int channels = tile_.input().channels;
    using Held = std::vector<Registers>;
    const auto first = [&](Held& r) {
      Toggles sum;
      for (int p = 0; p < std::min(cols(), pixels_); ++p) {
        sum += r[p].Load(Under(p, 0), std::min(lanes(), channels));
      }
      return sum;
    };
    const auto pixel_by_pixel = [&](Held& r) {
      Toggles sum;
      for (int p = 0; p < pixels_; ++p) {
        for (int tap = 0; tap < taps_; ++tap) sum += r[p % cols()].Load(Under(p, tap), channels);
      }
      return sum;
    };
    const auto step_by_step = [&](Held& r) {
      Toggles sum;
      for (int tap = 0; tap < taps_; ++tap) {
        for (int c = 0; c < channels; c += lanes()) {
          for (int p = 0; p < pixels_; ++p) {
            sum += r[p % cols()].Load(Under(p, tap) + c, std::min(lanes(), channels - c));
          }
        }
      }
      return sum;
    };
    const uint64_t channel_groups = DivideUp(run_.channels, array_.rows);
    if (weight_stationary_) {
      Repeat(held, first, step_by_step, channel_groups, toggles_.activations);
    } else {
      Repeat(held, first, pixel_by_pixel, channel_groups, toggles_.activations);
    }
    const Toggles one = toggles_.activations;
    Add(one, array_.activation_sets - 1, toggles_.activations);
  }

  // A lane of `held[column]` is a row here.
  void CountDepthwiseActivations() {
    std::vector<Registers> held(array_.cols, Registers(tile_.input().format, rows()));
    for (int first = 0; first < run_.channels; first += rows()) {
      const int count = std::min(rows(), run_.channels - first);
      const auto load = [&](int p, int tap) {
        toggles_.activations += held[p % cols()].Load(Under(p, tap) + run_.channel + first, count);
      };
      if (weight_stationary_) {
        for (int tap = 0; tap < taps_; ++tap) {
          for (int p = 0; p < pixels_; ++p) load(p, tap);
        }
      } else {
        for (int p = 0; p < pixels_; ++p) {
          for (int tap = 0; tap < taps_; ++tap) load(p, tap);
        }
      }
    }
  }

  const OperandArray& array_;
  const sim::Geometry& g_;
  const sim::Convolve& run_;
  const UnpackedTile& tile_;
  bool weight_stationary_;
  int taps_, pixels_;
  std::vector<uint16_t> padding_;  // a pixel of zeros
  OperandToggles toggles_;
};

}  // namespace

OperandLoads LoadsOf(const OperandArray& array, const sim::Geometry& g, uint64_t pixels,
                     uint32_t channels) {
  const uint64_t broadcasts = DivideUp(channels, array.rows) * array.activation_sets;
  return {g.depthwise ? 1 : broadcasts,
          array.dataflow == Dataflow::kWeightStationary ? 1 : DivideUp(pixels, array.cols)};
}

OperandToggles CountToggles(const OperandArray& array, const sim::Geometry& geometry,
                            const sim::Convolve& run, const UnpackedTile& tile) {
  return ToggleCounter(array, geometry, run, tile).Count();
}

}  // namespace nibble::accel
