// The panel of E2M1 operands against the definition of a block term, and that against closed forms.
// All other operands: wide_panel_test.cpp.
#include "models/numerics/dot.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/numerics/formats.h"
#include "models/numerics/packing.h"
#include "models/numerics/quantize.h"
#include "tests/numerics/every_kernel.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

constexpr Format kFormats[] = {Format::kNvfp4, Format::kFp4};

std::vector<uint8_t> ScaleBytes(Random& random, int count, bool special) {
  std::vector<uint8_t> scales(static_cast<size_t>(count));
  for (uint8_t& scale : scales) {
    scale = static_cast<uint8_t>(random.Int(0, 255));  // bit 7 is ignored
    if (!special && IsNanE4M3(scale)) scale = 0;
  }
  return scales;
}

// Random operands of a reduction: activations of some pixels, and weights of several columns and
// runs.
struct Operands {
  Operands(Random& random, Format a_format, Format w_format, int w_block, int w_columns,
           int w_segments, int w_segment, int channels, int pixels, bool special)
      : activations(a_format),
        weights(w_format),
        block(w_block),
        columns(w_columns),
        segments(w_segments),
        segment(w_segment),
        blocks(BlockCount(w_segment, w_block)),
        a_count(channels),
        a_blocks(BlockCount(channels, w_block)),
        a(static_cast<size_t>(channels * pixels)),
        a_scales(ScaleBytes(random, a_blocks * pixels, special)),
        w(static_cast<size_t>(w_columns * w_segments * w_segment)),
        w_scales(ScaleBytes(random, w_columns * w_segments * blocks, special)),
        elements(a.size()),
        scale_values(a_scales.size()),
        values(a.size()),
        from_codes(w_format, w_block, w_columns, w_segments, w_segment),
        from_bytes(w_format, w_block, w_columns, w_segments, w_segment) {
    for (uint16_t& code : a) code = static_cast<uint16_t>(random.Int(0, 1) * random.Int(0, 15));
    for (uint16_t& code : w) code = static_cast<uint16_t>(random.Int(0, 15));
    std::vector<uint8_t> packed(PackedBytes(4, std::max(channels, segment)));
    for (int p = 0; p < pixels; ++p) {
      const auto at = static_cast<size_t>(p * a_count),
                 scale_at = static_cast<size_t>(p * a_blocks);
      PackCodes(4, &a[at], a_count, packed.data());
      DecodePackedActivations(packed.data(), &a_scales[scale_at], a_count, block, a_format,
                              &elements[at], &scale_values[scale_at]);
      DecodePackedValues(packed.data(), &a_scales[scale_at], a_count, block, a_format, &values[at]);
    }
    for (int n = 0; n < columns; ++n) {
      for (int s = 0; s < segments; ++s) {
        for (int k = 0; k < segment; ++k) from_codes.SetCode(n, s, k, *Weight(n, s, k));
        for (int b = 0; HasBlockScale(w_format) && b < blocks; ++b) {
          from_codes.SetScale(n, s, b, static_cast<uint8_t>(WeightScale(n, s, b)));
        }
        PackCodes(4, Weight(n, s, 0), segment, packed.data());
        from_bytes.SetPackedRow(n, s, packed.data(),
                                &w_scales[static_cast<size_t>((n * segments + s) * blocks)]);
      }
    }
  }

  // Every `stride`-th pixel.
  ActivationRun Run(int stride, int pixels) const {
    return {elements.data(), ptrdiff_t{a_count} * stride, scale_values.data(),
            ptrdiff_t{a_blocks} * stride, pixels};
  }
  const uint16_t* Activation(int pixel, int k) const {
    return &a[static_cast<size_t>(pixel * a_count + k)];
  }
  int64_t ActivationScale(int pixel, int b) const {
    return HasBlockScale(activations) ? a_scales[static_cast<size_t>(pixel * a_blocks + b)]
                                      : kNoScale;
  }
  const uint16_t* Weight(int n, int s, int k) const {
    return &w[static_cast<size_t>((n * segments + s) * segment + k)];
  }
  int64_t WeightScale(int n, int s, int b) const {
    return HasBlockScale(weights) ? w_scales[static_cast<size_t>((n * segments + s) * blocks + b)]
                                  : kNoScale;
  }

  Format activations, weights;
  int block, columns, segments, segment, blocks, a_count, a_blocks;
  std::vector<uint16_t> a;
  std::vector<uint8_t> a_scales;
  std::vector<uint16_t> w;
  std::vector<uint8_t> w_scales;
  std::vector<uint8_t> elements;
  std::vector<float> scale_values, values;
  WeightPanel from_codes, from_bytes;
};

// The sum over all runs, each with the same activations, as datapath D0 defines it.
float Expected(const Operands& o, int pixel, int n) {
  float acc = 0.0f;
  for (int s = 0; s < o.segments; ++s) {
    for (int b = 0; b < o.blocks; ++b) {
      const int begin = b * o.block;
      acc +=
          BlockTerm(o.Activation(pixel, begin), o.ActivationScale(pixel, b), o.Weight(n, s, begin),
                    o.WeightScale(n, s, b), o.weights, std::min(o.block, o.segment - begin));
    }
  }
  return acc;
}

// Accumulators of `pixels` adjacent pixels, [tile][pixel][kTile].
struct Sums {
  Sums(int columns, int pixels)
      : tile_stride(ptrdiff_t{pixels} * WeightPanel::kTile),
        values(static_cast<size_t>((columns + WeightPanel::kTile - 1) / WeightPanel::kTile *
                                   tile_stride)) {}
  float& at(int pixel, int n) {
    return values[static_cast<size_t>(n / WeightPanel::kTile * tile_stride +
                                      pixel * WeightPanel::kTile + n % WeightPanel::kTile)];
  }

  ptrdiff_t tile_stride;
  std::vector<float> values;
};

TEST_CASE("a panel accumulates what the definition of a block term gives") {
  const EveryKernel every_kernel;
  Random random(11);
  for (const kernels::Kernels* kernels : every_kernel) {
    for (Format activations : kFormats) {
      for (Format weights : kFormats) {
        for (int block : {1, 3, 8, 16, 18, 32, 64, 128}) {
          for (int trial = 0; trial < 4; ++trial) {
            const int segment = random.Int(1, 300);  // odd lengths and partial tail blocks
            const int pixels = random.Int(1, 18), stride = random.Int(1, 2);
            const bool special = trial == 3;
            const Operands o(random, activations, weights, block, random.Int(1, 40),
                             random.Int(1, 3), segment, segment, pixels * stride, special);
            INFO(kernels->name << ": " << FormatName(activations) << " x " << FormatName(weights)
                               << " B=" << block << " K=" << o.segments << "x" << segment
                               << " N=" << o.columns << " M=" << pixels << "x" << stride);
            Sums codes(o.columns, pixels), bytes(o.columns, pixels);
            for (int s = 0; s < o.segments; ++s) {
              const ActivationRun a = o.Run(stride, pixels);
              // The first run may start from whatever the accumulators hold.
              const auto start =
                  s == 0 ? WeightPanel::Start::kFromZero : WeightPanel::Start::kAccumulate;
              if (s == 0) std::fill(codes.values.begin(), codes.values.end(), NAN);
              o.from_codes.Accumulate(s, a, start, codes.values.data(), codes.tile_stride);
              o.from_bytes.Accumulate(s, a, WeightPanel::Start::kAccumulate, bytes.values.data(),
                                      bytes.tile_stride);
            }
            int differences = 0;
            for (int p = 0; p < pixels; ++p) {
              for (int n = 0; n < o.columns; ++n) {
                const uint32_t expected = FloatBits(Expected(o, p * stride, n));
                differences += FloatBits(codes.at(p, n)) != expected;
                differences += FloatBits(bytes.at(p, n)) != expected;
              }
            }
            CHECK(differences == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("a depthwise panel accumulates single products in order") {
  const EveryKernel every_kernel;
  Random random(12);
  for (const kernels::Kernels* kernels : every_kernel) {
    for (Format activations : kFormats) {
      for (Format weights : kFormats) {
        for (int block : {3, 8, 16, 32, 64, 128}) {
          for (int trial = 0; trial < 4; ++trial) {
            const int columns = random.Int(1, 40), channel0 = random.Int(0, 150);
            const int taps = random.Int(1, 49);
            const int pixels = random.Int(1, 9), stride = random.Int(1, 2);
            const Operands o(random, activations, weights, block, columns, 1, taps,
                             channel0 + columns + random.Int(0, 20), pixels * stride, trial == 3);
            INFO(kernels->name << ": " << FormatName(activations) << " x " << FormatName(weights)
                               << " B=" << block << " taps " << taps << " channels " << channel0
                               << "+" << columns << " M=" << pixels << "x" << stride);
            Sums codes(columns, pixels), bytes(columns, pixels);
            for (int k = 0; k < taps; ++k) {
              const float* a = &o.values[static_cast<size_t>(channel0)];
              const ptrdiff_t step = ptrdiff_t{o.a_count} * stride;
              o.from_codes.AccumulateDepthwise(k, a, step, pixels, codes.values.data(),
                                               codes.tile_stride);
              o.from_bytes.AccumulateDepthwise(k, a, step, pixels, bytes.values.data(),
                                               bytes.tile_stride);
            }
            int differences = 0;
            for (int p = 0; p < pixels; ++p) {
              for (int n = 0; n < columns; ++n) {
                const int c = channel0 + n;
                float expected = 0.0f;
                for (int k = 0; k < taps; ++k) {
                  expected += BlockTerm(o.Activation(p * stride, c),
                                        o.ActivationScale(p * stride, c / block), o.Weight(n, 0, k),
                                        o.WeightScale(n, 0, k / block), weights, 1);
                }
                differences += FloatBits(codes.at(p, n)) != FloatBits(expected);
                differences += FloatBits(bytes.at(p, n)) != FloatBits(expected);
              }
            }
            CHECK(differences == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("the largest block sums are exact") {
  const EveryKernel every_kernel;
  for (int block : {8, 16, 32, 64, 128}) {
    const std::vector<uint16_t> a(static_cast<size_t>(block), 7), w = a;
    const double largest = 36.0 * block * 448.0 * 448.0;
    CHECK(BlockTerm(a.data(), 0x7E, w.data(), 0x7E, Format::kNvfp4, block) == largest);
    WeightPanel panel(Format::kNvfp4, block, 1, 1, block);
    for (int k = 0; k < block; ++k) panel.SetCode(0, 0, k, 15);
    panel.SetScale(0, 0, 0, 0x7E);
    const std::vector<uint8_t> elements(static_cast<size_t>(block), 24);
    const float scale = 448.0f;
    for (const kernels::Kernels* kernels : every_kernel) {
      INFO(kernels->name << " B=" << block);
      Sums acc(1, 1);
      panel.Accumulate(0, {elements.data(), 0, &scale, 0, 1}, WeightPanel::Start::kAccumulate,
                       acc.values.data(), acc.tile_stride);
      CHECK(acc.at(0, 0) == -largest);
    }
  }
}

TEST_CASE("zero blocks at the end of a run add nothing") {
  Random random(13);
  for (Format weights : kFormats) {
    const int block = random.Block();
    const int segment = block * random.Int(1, 4);
    const Operands o(random, Format::kNvfp4, weights, block, 7, 1, segment, segment, 1, false);
    Sums acc(7, 1), padded(7, 1);
    o.from_codes.Accumulate(0, o.Run(1, 1), WeightPanel::Start::kAccumulate, acc.values.data(),
                            acc.tile_stride);

    WeightPanel panel(weights, block, 7, 1, segment + block + 3);
    for (int n = 0; n < 7; ++n) {
      for (int k = 0; k < segment; ++k) panel.SetCode(n, 0, k, *o.Weight(n, 0, k));
      for (int b = 0; HasBlockScale(weights) && b < o.blocks; ++b) {
        panel.SetScale(n, 0, b, static_cast<uint8_t>(o.WeightScale(n, 0, b)));
      }
    }
    std::vector<uint8_t> elements = o.elements;
    elements.resize(static_cast<size_t>(segment + block + 3));
    std::vector<float> scales = o.scale_values;
    scales.resize(scales.size() + 2);
    panel.Accumulate(0, {elements.data(), 0, scales.data(), 0, 1}, WeightPanel::Start::kAccumulate,
                     padded.values.data(), padded.tile_stride);
    CHECK(Bits(padded.values) == Bits(acc.values));
  }
}

TEST_CASE("packed activations decode to what their codes and scales mean") {
  const EveryKernel every_kernel;
  Random random(14);
  for (const kernels::Kernels* kernels : every_kernel) {
    for (Format format : kFormats) {
      for (int count : {1, 2, 15, 16, 17, 33, 96, 129, 255}) {
        const int block = random.Block();
        INFO(kernels->name << " count " << count << " B=" << block);
        std::vector<uint8_t> codes(static_cast<size_t>(count));
        for (uint8_t& code : codes) code = static_cast<uint8_t>(random.Int(0, 15));
        std::vector<uint8_t> packed(PackedBytes(4, count));
        PackCodes(4, codes.data(), count, packed.data());
        const std::vector<uint8_t> scales = ScaleBytes(random, BlockCount(count, block), true);
        std::vector<uint8_t> elements(codes.size());
        std::vector<float> scale_values(scales.size()), values(codes.size());
        DecodePackedActivations(packed.data(), scales.data(), count, block, format, elements.data(),
                                scale_values.data());
        DecodePackedValues(packed.data(), scales.data(), count, block, format, values.data());
        int differences = 0;
        for (int i = 0; i < count; ++i) {
          const auto at = static_cast<size_t>(i), b = static_cast<size_t>(i / block);
          const auto magnitude = static_cast<uint8_t>(scales[b] & 0x7F);
          const float scale = HasBlockScale(format) ? DecodeE4M3(magnitude) : 1.0f;
          const float value = DecodeE2M1(codes[at]);
          differences += elements[at] != static_cast<int>(2 * value) + 12;
          differences += FloatBits(scale_values[b]) != FloatBits(scale);
          const float product = value * scale + 0.0f;  // no negative zero
          differences += FloatBits(values[at] + 0.0f) != FloatBits(product);
        }
        CHECK(differences == 0);
      }
    }
  }
}

TEST_CASE("a panel refuses what it cannot hold") {
  for (const FormatSpec& spec : AllFormats()) {
    const bool taken = spec.format == Format::kNvfp4 || spec.format == Format::kFp4 ||
                       spec.format == Format::kFp4Tensor;
    INFO(spec.name);
    CHECK(TakesWeightPanel(spec.format, spec.format) == taken);
    CHECK(TakesWeightPanel(Format::kNvfp4, spec.format) == taken);
    if (taken) {
      CHECK_NOTHROW(WeightPanel(spec.format, 16, 1, 1, 1));
    } else {
      CHECK_THROWS_AS(WeightPanel(spec.format, 16, 1, 1, 1), std::invalid_argument);
    }
  }
  CHECK_THROWS_AS(WeightPanel(Format::kNvfp4, 256, 1, 1, 1), std::invalid_argument);
  CHECK_THROWS_AS(WeightPanel(Format::kNvfp4, 16, 0, 1, 1), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
