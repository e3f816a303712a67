// The panel of all operands against numerics::Accumulator, which operand_pairs_test.cpp holds
// against arithmetic by hand.
#include "models/numerics/wide_panel.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "models/numerics/dot.h"
#include "models/numerics/formats.h"
#include "tests/numerics/any_operands.h"
#include "tests/numerics/every_kernel.h"
#include "tests/numerics/long_hand.h"

namespace nibble::numerics {
namespace {

constexpr int kTile = WeightPanel::kTile;

// Infinity minus infinity is a NaN of either sign; who uses the sums makes it canonical.
uint32_t CanonicalBits(float x) { return std::isnan(x) ? kCanonicalNan : FloatBits(x); }

// Accumulators of `pixels` adjacent pixels, [tile][pixel][kTile].
struct Sums {
  Sums(int columns, int pixels)
      : tile_stride(ptrdiff_t{pixels} * kTile),
        values(static_cast<size_t>((columns + kTile - 1) / kTile * tile_stride)) {}
  float at(int pixel, int n) const {
    return values[static_cast<size_t>(n / kTile * tile_stride + pixel * kTile + n % kTile)];
  }

  ptrdiff_t tile_stride;
  std::vector<float> values;
};

// Pixels of activations by columns of weights in `segments` runs; all runs see the same
// activations. Depthwise: one run, and as many channels as columns after the first `channel0`.
struct Problem {
  Problem(Random& random, const WideOperands& o, Draw draw)
      : operands(o),
        columns(random.Int(1, 20)),
        segments(o.depthwise ? 1 : random.Int(1, 2)),
        segment(random.Int(1, random.Int(0, 3) == 0 ? 200 : 40)),
        channel0(o.depthwise ? random.Int(0, 40) : 0),
        stride(random.Int(1, 2)),
        pixels(random.Int(1, 6)),
        a(random, o.activations, o.activation_block, pixels * stride,
          o.depthwise ? channel0 + columns + random.Int(0, 5) : segment, draw),
        w(random, o.weights, o.weight_block, columns * segments, segment, draw),
        panel(o, columns, segments, segment) {
    for (int n = 0; n < columns; ++n) {
      for (int s = 0; s < segments; ++s) {
        const int row = n * segments + s;
        const std::vector<uint8_t> scales = w.PackedScales(row);
        panel.SetPackedRow(n, s, w.PackedCodes(row).data(),
                           scales.empty() ? nullptr : scales.data());
      }
    }
  }

  // Expected sums by the definition: datapath D0, one block after the other.
  std::vector<uint32_t> Expected() const {
    std::vector<uint32_t> sums;
    const int block = std::min(a.block, w.block);
    Accumulator accumulator(AccumulatorSpec{}, block);
    for (int p = 0; p < pixels; ++p) {
      for (int n = 0; n < columns; ++n) {
        accumulator.Reset();
        for (int s = 0; s < segments; ++s) {
          const int row = n * segments + s;
          const int count = operands.depthwise ? 1 : block;
          for (int k = 0; k < segment; k += count) {
            const int c = operands.depthwise ? channel0 + n : k;
            accumulator.AddBlock({a.format, a.code(p * stride, c), a.scale(p * stride, c), w.format,
                                  w.code(row, k), w.scale(row, k), std::min(count, segment - k)});
          }
        }
        sums.push_back(FloatBits(accumulator.Result()));
      }
    }
    return sums;
  }

  std::vector<uint32_t> Got() const {
    const auto length = static_cast<size_t>(a.length);
    const auto terms =
        static_cast<size_t>((a.length + operands.term() - 1) / std::max(operands.term(), 1));
    const size_t rows = static_cast<size_t>(pixels) * static_cast<size_t>(stride);
    std::vector<double> elements(rows * length), scales(rows * terms), values(rows * length);
    for (size_t row = 0; row < rows; ++row) {
      const std::vector<uint8_t> codes = a.PackedCodes(static_cast<int>(row));
      const std::vector<uint8_t> bytes = a.PackedScales(static_cast<int>(row));
      const uint8_t* scale_bytes = bytes.empty() ? nullptr : bytes.data();
      if (operands.depthwise) {
        DecodeWideValues(operands, codes.data(), scale_bytes, a.length, &values[row * length]);
      } else {
        DecodeWide(operands, codes.data(), scale_bytes, a.length, &elements[row * length],
                   &scales[row * terms]);
      }
    }
    const ptrdiff_t step = ptrdiff_t{a.length} * stride;
    Sums sums(columns, pixels);
    if (operands.depthwise) {
      for (int k = 0; k < segment; ++k) {
        panel.AccumulateDepthwise(k, &values[static_cast<size_t>(channel0)], step, pixels,
                                  sums.values.data(), sums.tile_stride);
      }
    } else {
      const WideRun run = {elements.data(), step, scales.data(),
                           static_cast<ptrdiff_t>(terms) * stride, pixels};
      for (int s = 0; s < segments; ++s) {
        panel.Accumulate(s, run, sums.values.data(), sums.tile_stride);
      }
    }
    std::vector<uint32_t> bits;
    for (int p = 0; p < pixels; ++p) {
      for (int n = 0; n < columns; ++n) bits.push_back(CanonicalBits(sums.at(p, n)));
    }
    return bits;
  }

  WideOperands operands;
  int columns, segments, segment, channel0, stride, pixels;
  AnyRows a, w;
  WidePanel panel;
};

// What the sums of a test were, so that none of the cases is missed.
struct Kinds {
  int nan = 0, infinite = 0, zero = 0, number = 0;
  void Count(const std::vector<uint32_t>& sums) {
    for (const uint32_t bits : sums) {
      const float x = BitsFloat(bits);
      ++(std::isnan(x) ? nan : std::isinf(x) ? infinite : x == 0 ? zero : number);
    }
  }
};

void CheckAllPairs(bool depthwise) {
  const EveryKernel every_kernel;
  Random random(depthwise ? 82 : 81);
  Kinds kinds;
  int refused = 0;
  for (const Format activations : CodedFormats()) {
    for (const Format weights : CodedFormats()) {
      for (const Draw draw : kDraws) {
        WideOperands operands{activations, weights, random.Block(), random.Block(), depthwise};
        while (!TakesWidePanel(operands)) {
          CHECK_THROWS_AS(WidePanel(operands, 1, 1, 1), std::invalid_argument);
          operands.weight_block = 8;
          ++refused;
        }
        const Problem problem(random, operands, draw);
        const std::vector<uint32_t> expected = problem.Expected();
        kinds.Count(expected);
        for (const kernels::Kernels* kernels : every_kernel) {
          INFO(kernels->name << ": " << FormatName(activations)
                             << " B=" << operands.activation_block << " by " << FormatName(weights)
                             << " B=" << operands.weight_block << " K=" << problem.segments << "x"
                             << problem.segment << " N=" << problem.columns
                             << " M=" << problem.pixels << "x" << problem.stride << " draw "
                             << static_cast<int>(draw));
          const std::vector<uint32_t> got = problem.Got();
          size_t differences = 0;
          for (size_t i = 0; i < got.size(); ++i) differences += got[i] != expected[i] ? 1 : 0;
          CHECK(differences == 0);
        }
      }
    }
  }
  CHECK(kinds.nan > 1000);
  CHECK(kinds.infinite > 1000);
  CHECK(kinds.zero > 100);
  CHECK(kinds.number > 20000);
  CHECK((refused > 0) == !depthwise);
}

TEST_CASE("a wide panel accumulates what an accumulator does, all pairs of formats", "[wide]") {
  CheckAllPairs(false);
}

TEST_CASE("a depthwise wide panel accumulates single products, all pairs of formats", "[wide]") {
  CheckAllPairs(true);
}

TEST_CASE("a wide panel takes block sums below 2^53 units", "[wide]") {
  // Magnitudes of the largest elements in units of their smallest one.
  const auto largest = [](Format format) {
    const Element element = SpecOf(format).element;
    const long_hand::Number x = long_hand::ElementValue(element, LargestCode(element));
    const long_hand::Number least = long_hand::ElementValue(element, 1);
    return std::ldexp(static_cast<double>(static_cast<int64_t>(Magnitude(x.integer))),
                      x.exponent - least.exponent);
  };
  for (const Format activations : CodedFormats()) {
    for (const Format weights : CodedFormats()) {
      for (const int a_block : {8, 16, 32, 64, 128}) {
        for (const int w_block : {8, 16, 32, 64, 128}) {
          const WideOperands dense{activations, weights, a_block, w_block, false};
          const WideOperands depthwise{activations, weights, a_block, w_block, true};
          INFO(FormatName(activations)
               << " by " << FormatName(weights) << " " << a_block << " " << w_block);
          const bool products = long_hand::OneByOne(activations, weights);
          CHECK(dense.term() == (products ? 1 : std::min(a_block, w_block)));
          CHECK(depthwise.term() == 1);
          CHECK(TakesWidePanel(depthwise));
          const double sum = largest(activations) * largest(weights) * dense.term();
          CHECK(TakesWidePanel(dense) == (products || sum < 0x1p53));
        }
      }
    }
  }
}

TEST_CASE("a wide panel agrees with the definition of a block term", "[wide]") {
  // E2M1 activations, for which BlockTerm says what a term is.
  const EveryKernel every_kernel;
  Random random(83);
  for (const Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (const Format weights : {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16}) {
      for (const int block : {8, 16, 32, 64, 128}) {
        for (const bool depthwise : {false, true}) {
          const Draw draw = kDraws[random.Int(0, 3)];
          const Problem problem(random, {activations, weights, block, block, depthwise}, draw);
          std::vector<uint32_t> expected;
          for (int p = 0; p < problem.pixels; ++p) {
            const int pixel = p * problem.stride;
            for (int n = 0; n < problem.columns; ++n) {
              float acc = 0;
              for (int s = 0; s < problem.segments; ++s) {
                const int row = n * problem.segments + s;
                const int step = depthwise ? 1 : block;
                for (int k = 0; k < problem.segment; k += step) {
                  const int c = depthwise ? problem.channel0 + n : k;
                  acc += BlockTerm(problem.a.code(pixel, c), problem.a.scale(pixel, c),
                                   problem.w.code(row, k), problem.w.scale(row, k), weights,
                                   std::min(step, problem.segment - k));
                }
              }
              expected.push_back(CanonicalBits(acc));
            }
          }
          for (const kernels::Kernels* kernels : every_kernel) {
            INFO(kernels->name << ": " << FormatName(activations) << " by " << FormatName(weights)
                               << " B=" << block << (depthwise ? " depthwise" : ""));
            CHECK(problem.Got() == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("an FP16 block term rounds once, from the exact sum", "[wide]") {
  // The exact product of sum and scale is 55 bits of 2^-28: an even significand of 24 bits, then a
  // half, then a last bit that alone decides to round up. Rounded to binary64 first, it would be
  // lost and the half go to the even side.
  constexpr uint64_t kHalfAndBit = (uint64_t{1} << 30) + 1;
  const uint64_t low = kHalfAndBit * 0xEEEEEEEF & 0xFFFFFFFF;  // 15 * 0xEEEEEEEF = 1 modulo 2^32
  const uint64_t sum = (uint64_t{0x48000} << 32) + low;        // units of 2^-25
  const uint64_t product = sum * 15;
  REQUIRE(product >> 54 == 1);
  REQUIRE((product & 0xFFFFFFFF) == kHalfAndBit);

  // The sum as products of twice an E2M1 value and a binary16 value in units of 2^-24, largest
  // first.
  struct Product {
    uint16_t a, w;
    uint64_t units;
  };
  std::vector<Product> choices = {{7, 0x7BFF, uint64_t{12 * 65504} << 24}};
  for (int shift = 39; shift >= 0; --shift) {  // 0.5 * 2^(shift - 24)
    const float power = std::ldexp(1.0f, shift - 24);
    choices.push_back({1, EncodeFp16(power), uint64_t{1} << shift});
  }
  std::vector<uint16_t> a, w;
  uint64_t rest = sum;
  for (const Product& choice : choices) {
    for (; rest >= choice.units; rest -= choice.units) {
      a.push_back(choice.a);
      w.push_back(choice.w);
    }
  }
  REQUIRE(rest == 0);
  REQUIRE(a.size() <= 128);

  const auto count = static_cast<int>(a.size());
  const uint8_t scale = 0x3F;  // 15/8
  const float expected = std::ldexp(static_cast<float>((product >> 31) + 1), 31 - 25 - 3);
  CHECK(BlockTerm(a.data(), scale, w.data(), kNoScale, Format::kFp16, count) == expected);

  const WideOperands operands{Format::kNvfp4, Format::kFp16, 128, 128, false};
  WidePanel panel(operands, 1, 1, count);
  std::vector<uint8_t> bytes(PackedBytes(16, count));
  PackCodes(16, w.data(), count, bytes.data());
  panel.SetPackedRow(0, 0, bytes.data(), nullptr);
  PackCodes(4, a.data(), count, bytes.data());
  std::vector<double> elements(a.size());
  double scale_value = 0;
  DecodeWide(operands, bytes.data(), &scale, count, elements.data(), &scale_value);
  const EveryKernel every_kernel;
  for (const kernels::Kernels* kernels : every_kernel) {
    INFO(kernels->name);
    Sums acc(1, 1);
    panel.Accumulate(0, {elements.data(), 0, &scale_value, 0, 1}, acc.values.data(),
                     acc.tile_stride);
    CHECK(acc.at(0, 0) == expected);
  }
}

TEST_CASE("a depthwise product of more than 53 bits rounds once", "[wide]") {
  // 127 * 127 under two binary32 scales of 24 bits each: a product of 62 bits that consists of an
  // even significand of 24 bits, a half, and something in the last 8 bits, which binary64 drops.
  uint64_t product = 0;
  uint32_t a_scale = 0xFFFFFF, w_scale = 0;
  for (;; a_scale -= 2) {
    REQUIRE(a_scale > 0x800000);
    const uint64_t factor = uint64_t{127 * 127} * a_scale;
    uint64_t inverse = factor;  // modulo 2^64, by Newton's iteration
    for (int i = 0; i < 6; ++i) inverse *= 2 - factor * inverse;
    for (uint64_t rest = 1; rest < 256 && product == 0; rest += 2) {
      w_scale = static_cast<uint32_t>(((uint64_t{1} << 37) + rest) * inverse % (uint64_t{1} << 25));
      const uint64_t candidate = factor * w_scale;
      const bool fits = w_scale >> 23 == 1 && candidate >> 61 == 1 && (candidate >> 38) % 2 == 0 &&
                        candidate % (uint64_t{1} << 38) == (uint64_t{1} << 37) + rest;
      if (fits) product = candidate;
    }
    if (product != 0) break;
  }
  const float expected = std::ldexp(static_cast<float>((product >> 38) + 1), 38 - 46);

  const WideOperands operands{Format::kInt8Fp32, Format::kInt8Fp32, 16, 16, true};
  const uint8_t code = 127;
  uint8_t a_bytes[4], w_bytes[4];
  StoreWord(0x3F800000 | (a_scale & 0x7FFFFF), 4, a_bytes);
  StoreWord(0x3F800000 | (w_scale & 0x7FFFFF), 4, w_bytes);
  WidePanel panel(operands, 1, 1, 1);
  panel.SetPackedRow(0, 0, &code, w_bytes);
  std::vector<double> values(kTile);
  DecodeWideValues(operands, &code, a_bytes, 1, values.data());
  const EveryKernel every_kernel;
  for (const kernels::Kernels* kernels : every_kernel) {
    INFO(kernels->name);
    Sums acc(1, 1);
    panel.AccumulateDepthwise(0, values.data(), 1, 1, acc.values.data(), acc.tile_stride);
    CHECK(acc.at(0, 0) == expected);
  }
}

TEST_CASE("an element that is no finite number spoils its term and no other", "[wide]") {
  const WideOperands operands{Format::kFp8, Format::kFp8, 8, 8, false};
  const uint8_t codes[] = {0x38, 0x7F, 0x38, 0x38, 0x38, 0x38, 0x38, 0x38, 0xB8, 0x30};
  double elements[10], scales[2], values[10];
  DecodeWide(operands, codes, nullptr, 10, elements, scales);
  CHECK(elements[0] == 1.0);
  CHECK(elements[1] == 0.0);
  CHECK(elements[8] == -1.0);
  CHECK(elements[9] == 0.5);
  CHECK(std::isnan(scales[0]));
  CHECK(scales[1] == 1.0);
  DecodeWideValues(operands, codes, nullptr, 10, values);
  for (int i = 0; i < 10; ++i) CHECK(std::isnan(values[i]) == (i == 1));
}

TEST_CASE("a wide panel refuses an empty shape", "[wide]") {
  const WideOperands operands;
  CHECK_THROWS_AS(WidePanel(operands, 0, 1, 1), std::invalid_argument);
  CHECK_THROWS_AS(WidePanel(operands, 1, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(WidePanel(operands, 1, 1, 0), std::invalid_argument);
  const WideOperands words{Format::kFp32, Format::kFp16, 16, 16, false};
  CHECK_THROWS_AS(WidePanel(words, 1, 1, 1), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
