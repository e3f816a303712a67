// The weights of a layer in every format against a scalar transcription of the definitions (shared
// notes: numerics, sections 1 and 4): binary32 operations one by one, and codes found by search
// among the decoded ones.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "models/numerics/elements.h"
#include "models/numerics/quantize.h"
#include "tests/numerics/any_operands.h"
#include "tests/numerics/long_hand.h"

namespace nibble::numerics {
namespace {

double Value(Element element, uint32_t code) {
  const long_hand::Number x = long_hand::ElementValue(element, static_cast<uint16_t>(code));
  return std::ldexp(static_cast<double>(x.integer), x.exponent);
}

bool IsInteger(Element element) { return element == Element::kInt4 || element == Element::kInt8; }

// The largest value that the quantiser uses.
float Largest(Element element) {
  if (element == Element::kInt4) return 7;
  if (element == Element::kInt8) return 127;
  return static_cast<float>(Value(element, LargestCode(element)));
}

// The nearest code, ties to the even one, saturating; the sign of zero is kept, but for integers.
uint16_t Nearest(Element element, float y) {
  const double magnitude = std::fabs(double{y});
  if (IsInteger(element)) {
    const auto integer =
        static_cast<int>(std::min(std::nearbyint(magnitude), double{Largest(element)}));
    const int mask = (1 << ElementBits(element)) - 1;
    return static_cast<uint16_t>((std::signbit(y) ? -integer : integer) & mask);
  }
  uint32_t low = 0, high = LargestCode(element);  // codes order as their values do
  const auto sign = static_cast<uint32_t>(std::signbit(y) ? 1 << (ElementBits(element) - 1) : 0);
  if (magnitude >= Value(element, high)) return static_cast<uint16_t>(high | sign);
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    (Value(element, middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - Value(element, low), above = Value(element, high) - magnitude;
  const bool up = above < below || (above == below && low % 2 != 0);
  return static_cast<uint16_t>((up ? high : low) | sign);
}

// floor(log2 a), a above 0.
int FloorLog2(float a) {
  int exponent;
  std::frexp(a, &exponent);
  return exponent - 1;
}

float Amax(const std::vector<float>& x, size_t first, size_t count) {
  float amax = 0;
  for (size_t i = first; i < first + count; ++i) amax = std::max(amax, std::fabs(x[i]));
  return amax;
}

struct Expected {
  std::vector<uint16_t> codes;
  std::vector<uint32_t> scales;
};

// Scale of a tensor or channel: what the elements are encoded with, and what is stored.
TensorScale Outer(const FormatSpec& spec, float amax) {
  const float largest = Largest(spec.element);
  if (amax == 0) return {};
  if (spec.block_scale == BlockScale::kE4M3) {
    const float encode = std::min(448 * largest / amax, FLT_MAX);
    return {encode, 1 / encode};
  }
  const float scale = amax / largest;
  return {1, scale == 0 ? 1 : scale};
}

void EncodeBlock(const FormatSpec& spec, const float* x, int count, const TensorScale& outer,
                 Expected* to) {
  const float largest = Largest(spec.element);
  float amax = 0;
  for (int i = 0; i < count; ++i) amax = std::max(amax, std::fabs(x[i]));
  const auto divide = [&](float scale) {
    for (int i = 0; i < count; ++i) to->codes.push_back(Nearest(spec.element, x[i] / scale));
  };
  const auto multiply = [&](float factor) {
    for (int i = 0; i < count; ++i) {
      const float y = x[i] * factor;
      to->codes.push_back(Nearest(spec.element, std::min(std::max(y, -largest), largest)));
    }
  };
  switch (spec.block_scale) {
    case BlockScale::kNone:
      return divide(outer.decode);
    case BlockScale::kE4M3: {
      const float mult = outer.encode * (1 / largest);
      const uint16_t s = Nearest(Element::kE4M3, std::min(amax * mult, 448.0f));
      to->scales.push_back(s);
      const float decoded = static_cast<float>(Value(Element::kE4M3, s)) * outer.decode;
      return multiply(std::min(1 / decoded, FLT_MAX));
    }
    case BlockScale::kE8M0: {
      int exponent = -127;
      if (amax != 0 && spec.format == Format::kMxfp4Ceil) {
        const float ratio = amax / 6;
        exponent = FloorLog2(ratio);
        if (std::ldexp(1.0f, exponent) < ratio) ++exponent;
      } else if (amax != 0) {
        const int emax = spec.element == Element::kE2M1 || spec.element == Element::kE2M3 ? 2
                         : spec.element == Element::kE3M2                                 ? 4
                         : spec.element == Element::kE4M3                                 ? 8
                                                                                          : 15;
        exponent = FloorLog2(amax) - emax;
      }
      exponent = std::min(std::max(exponent, -127), 127);
      to->scales.push_back(static_cast<uint32_t>(exponent + 127));
      return multiply(std::ldexp(1.0f, -exponent));
    }
    case BlockScale::kFp16: {
      uint16_t s = Nearest(Element::kFp16, amax / largest);
      if (s == 0) s = 0x3C00;  // 1
      to->scales.push_back(s);
      return divide(static_cast<float>(Value(Element::kFp16, s)));
    }
    case BlockScale::kFp32: {
      const float s = amax / largest == 0 ? 1 : amax / largest;
      to->scales.push_back(FloatBits(s));
      return divide(s);
    }
  }
}

// Numbers of any magnitude: some blocks and rows of zeros, some far below the others.
std::vector<float> AnyWeights(Random& random, int rows, int row_length, int wide) {
  std::vector<float> x;
  for (int row = 0; row < rows; ++row) {
    const int exponent = random.Int(-wide, wide);
    const bool zero = random.Int(0, 4) == 0;
    int rest = 0, block_exponent = 0;
    for (int k = 0; k < row_length; ++k) {
      if (rest-- == 0) {
        rest = random.Int(1, 40);
        block_exponent = random.Int(0, 3) == 0 ? -random.Int(1, wide) : 0;
        if (random.Int(0, 6) == 0) block_exponent = -1000;
      }
      const float value = std::ldexp(random.Value(), exponent + block_exponent);
      x.push_back(zero ? std::copysign(0.0f, value) : value);
    }
  }
  return x;
}

TEST_CASE("weights of every format are quantised as the definitions say", "[weights]") {
  Random random(91);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kFp32) continue;
    for (int trial = 0; trial < 40; ++trial) {
      const int rows = random.Int(1, 4), segments = random.Int(1, 4), segment = random.Int(1, 70);
      const int block = random.Block();
      OuterScale outer_scale = spec.outer;
      if (spec.outer == OuterScale::kTensor) outer_scale = static_cast<OuterScale>(trial % 3);
      const std::vector<float> x =
          AnyWeights(random, rows, segments * segment, trial % 2 == 0 ? 3 : 55);
      INFO(spec.name << " " << rows << " x " << segments << " x " << segment << " B=" << block
                     << " outer scale " << static_cast<int>(outer_scale));
      Expected expected;
      std::vector<float> channel_scale;
      const size_t row_length = x.size() / static_cast<size_t>(rows);
      TensorScale outer;
      if (outer_scale == OuterScale::kTensor) outer = Outer(spec, Amax(x, 0, x.size()));
      for (size_t first = 0; first < x.size(); first += row_length) {
        if (outer_scale == OuterScale::kChannel) outer = Outer(spec, Amax(x, first, row_length));
        channel_scale.push_back(outer.decode);
        for (int run = 0; run < segments; ++run) {
          for (int k = 0; k < segment; k += block) {
            EncodeBlock(spec, &x[first + static_cast<size_t>(run * segment + k)],
                        std::min(block, segment - k), outer, &expected);
          }
        }
      }
      const QuantizedWeights got =
          QuantizeWeights(x.data(), rows, segments, segment, spec.format, block, outer_scale);
      CHECK(got.codes == expected.codes);
      CHECK(got.scales == expected.scales);
      CHECK(Bits(got.channel_scale) == Bits(channel_scale));
    }
  }
}

TEST_CASE("a row of zeros has codes 0 and, where a scale divides, scale 1", "[weights]") {
  const std::vector<float> x(3 * 40, 0.0f);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kFp32) continue;
    INFO(spec.name);
    const QuantizedWeights q = QuantizeWeights(x.data(), 3, 2, 20, spec.format, 16);
    CHECK(q.codes == std::vector<uint16_t>(x.size(), 0));
    CHECK(q.channel_scale == std::vector<float>(3, 1.0f));
    const uint32_t one = spec.block_scale == BlockScale::kFp16   ? 0x3C00
                         : spec.block_scale == BlockScale::kFp32 ? 0x3F800000
                                                                 : 0;
    const size_t blocks = spec.block_scale == BlockScale::kNone ? 0 : 3 * 2 * 2;
    CHECK(q.scales == std::vector<uint32_t>(blocks, one));
  }
}

TEST_CASE("the random numbers of weights follow their places, not their blocks", "[weights]") {
  // Elements under a scale per tensor, channel or none: cutting a row into other runs and blocks
  // changes no code.
  Random random(92);
  const Rounding rounding = {RoundingMode::kStochastic, 7, 16};
  const std::vector<float> x = random.Values(4 * 60);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kFp32 || spec.block_scale != BlockScale::kNone) continue;
    INFO(spec.name);
    const auto quantise = [&](int segments, int segment, int block) {
      return QuantizeWeights(x.data(), 4, segments, segment, spec.format, block, spec.outer,
                             rounding)
          .codes;
    };
    CHECK(quantise(1, 60, 16) == quantise(6, 10, 8));
    CHECK(quantise(1, 60, 128) == quantise(4, 15, 32));
    const std::vector<uint16_t> nearest =
        QuantizeWeights(x.data(), 4, 1, 60, spec.format, 16).codes;
    CHECK(quantise(1, 60, 16) != nearest);
  }
}

// Output channel `row` of `w`.
QuantizedWeights Channel(const QuantizedWeights& w, size_t row) {
  QuantizedWeights one = w;
  one.rows = 1;
  const auto part = [&](auto all) {
    const auto length = static_cast<std::ptrdiff_t>(all.size() / static_cast<size_t>(w.rows));
    const auto begin = all.begin() + length * static_cast<std::ptrdiff_t>(row);
    return decltype(all)(begin, begin + length);
  };
  one.codes = part(w.codes);
  one.scales = part(w.scales);
  one.channel_scale = part(w.channel_scale);
  return one;
}

bool Same(const QuantizedWeights& a, const QuantizedWeights& b) {
  return a.codes == b.codes && a.scales == b.scales &&
         Bits(a.channel_scale) == Bits(b.channel_scale);
}

TEST_CASE("under a scale per channel no channel knows of another", "[weights]") {
  Random random(93);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.outer != OuterScale::kTensor) continue;
    for (int trial = 0; trial < 20; ++trial) {
      const int rows = random.Int(2, 5), segments = random.Int(1, 3), segment = random.Int(1, 40);
      const std::vector<float> x = AnyWeights(random, rows, segments * segment, 6);
      const auto quantise = [&](const float* from, int count, OuterScale outer) {
        return QuantizeWeights(from, count, segments, segment, spec.format, 16, outer);
      };
      const QuantizedWeights all = quantise(x.data(), rows, OuterScale::kChannel);
      for (int row = 0; row < rows; ++row) {
        CAPTURE(spec.name, rows, segments, segment, row);
        // A channel alone is a tensor of its own.
        const float* from = &x[static_cast<size_t>(row * segments * segment)];
        CHECK(Same(Channel(all, static_cast<size_t>(row)), quantise(from, 1, OuterScale::kTensor)));
      }
      // A power of two on a channel is one on its scale, and changes nothing else.
      std::vector<float> scaled = x;
      for (int k = 0; k < segments * segment; ++k) scaled[static_cast<size_t>(k)] *= 0x1p-5f;
      QuantizedWeights expected = all;
      if (Amax(x, 0, static_cast<size_t>(segments * segment)) > 0) {
        expected.channel_scale[0] *= 0x1p-5f;
      }
      CHECK(Same(quantise(scaled.data(), rows, OuterScale::kChannel), expected));
    }
  }
}

TEST_CASE("a format without a binary32 scale has none for channels either", "[weights]") {
  const float x = 1;
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.outer != OuterScale::kNone || spec.format == Format::kFp32) continue;
    CHECK_THROWS_WITH(QuantizeWeights(&x, 1, 1, 1, spec.format, 16, OuterScale::kChannel),
                      Catch::Contains(spec.name));
  }
}

TEST_CASE("binary32 weights have no codes", "[weights]") {
  const float x = 1;
  CHECK_THROWS_AS(QuantizeWeights(&x, 1, 1, 1, Format::kFp32, 16), std::invalid_argument);
}

}  // namespace
}  // namespace nibble::numerics
