// Laws of the quantisers of all formats over random shapes; profiles and import.
#include "models/numerics/block_tensor.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "models/numerics/elements.h"
#include "models/numerics/formats.h"
#include "models/numerics/profiles.h"
#include "models/numerics/scale_layout.h"
#include "tests/numerics/testing.h"

namespace nibble::numerics {
namespace {

struct Problem {
  Problem(Random& random, Format f)
      : format(f), rows(random.Int(1, 4)), columns(random.Int(1, 300)) {
    options.block = random.Block();
    x = random.Values(rows * columns);
  }
  BlockTensor Quantized() const { return Quantize(x.data(), rows, columns, format, options); }

  Format format;
  int rows, columns;
  QuantizeOptions options;
  std::vector<float> x;
};

template <typename Law>
void ForAllFormats(uint32_t seed, int trials, Law law) {
  Random random(seed);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kFp32) continue;
    for (int trial = 0; trial < trials; ++trial) {
      Problem problem(random, spec.format);
      INFO(spec.name << " " << problem.rows << " x " << problem.columns
                     << " B=" << problem.options.block);
      law(random, spec, problem);
    }
  }
}

TEST_CASE("quantising a dequantised tensor is the identity") {
  ForAllFormats(41, 40, [](Random&, const FormatSpec& spec, Problem& p) {
    p.options.amax = AmaxIgnoringNan(p.x.data(), p.x.size());
    const BlockTensor q = p.Quantized();
    p.x = Dequantize(q);
    const std::vector<uint32_t> values = Bits(p.x);
    const BlockTensor again = p.Quantized();
    if (spec.format == Format::kMxfp4Ceil) {
      // The largest value may round down to half the largest element; then the scale halves and
      // the codes change, but no value does.
      CHECK(Bits(Dequantize(again)) == values);
      return;
    }
    CHECK(again.codes == q.codes);
    // RNE(RNE(7 s) / 7) can be a neighbour of a binary32 s.
    if (spec.block_scale != BlockScale::kFp32) CHECK(again.scales == q.scales);
  });
}

TEST_CASE("a power of two moves into the scales and leaves the codes") {
  ForAllFormats(42, 30, [](Random& random, const FormatSpec& spec, Problem& p) {
    if (spec.block_scale == BlockScale::kNone && spec.outer == OuterScale::kNone) return;
    // binary16 scales have few binades.
    const int range = spec.block_scale == BlockScale::kFp16 ? 3 : 40;
    const int exponent = random.Int(-range, range);
    const BlockTensor q = p.Quantized();
    for (float& x : p.x) x = std::ldexp(x, exponent);
    const BlockTensor scaled = p.Quantized();
    CHECK(scaled.codes == q.codes);
    std::vector<float> expected = Dequantize(q);
    for (float& x : expected) x = std::ldexp(x, exponent);
    CHECK(Bits(Dequantize(scaled)) == Bits(expected));
    for (size_t i = 0; i < q.scales.size() && spec.block_scale == BlockScale::kE8M0; ++i) {
      const bool empty = q.scales[i] == 0;  // a block of zeros
      CHECK(scaled.scales[i] == (empty ? 0 : q.scales[i] + static_cast<uint32_t>(exponent)));
    }
  });
}

TEST_CASE("padding adds zero codes and changes nothing else") {
  ForAllFormats(43, 30, [](Random& random, const FormatSpec&, Problem& p) {
    p.rows = 1;
    p.x.resize(static_cast<size_t>(p.columns));
    const BlockTensor q = p.Quantized();
    p.columns += random.Int(1, 200);
    p.x.resize(static_cast<size_t>(p.columns));
    const BlockTensor padded = p.Quantized();
    REQUIRE(padded.codes.size() == p.x.size());
    CHECK(std::equal(q.codes.begin(), q.codes.end(), padded.codes.begin()));
    CHECK(std::equal(q.scales.begin(), q.scales.end(), padded.scales.begin()));
    CHECK(std::all_of(padded.codes.begin() + static_cast<ptrdiff_t>(q.codes.size()),
                      padded.codes.end(), [](uint16_t code) { return code == 0; }));
  });
}

TEST_CASE("rows are quantised apart but for the scale of the tensor") {
  ForAllFormats(44, 10, [](Random&, const FormatSpec& spec, Problem& p) {
    if (spec.outer == OuterScale::kTensor) {
      p.options.amax = AmaxIgnoringNan(p.x.data(), p.x.size());
    }
    const BlockTensor whole = p.Quantized();
    std::vector<uint16_t> codes;
    std::vector<uint32_t> scales;
    for (int row = 0; row < p.rows; ++row) {
      const BlockTensor one =
          Quantize(&p.x[static_cast<size_t>(row) * static_cast<size_t>(p.columns)], 1, p.columns,
                   p.format, p.options);
      codes.insert(codes.end(), one.codes.begin(), one.codes.end());
      scales.insert(scales.end(), one.scales.begin(), one.scales.end());
    }
    CHECK(whole.codes == codes);
    CHECK(whole.scales == scales);
    CHECK(whole.outer.size() == (spec.outer == OuterScale::kNone ? 0
                                 : spec.outer == OuterScale::kTensor
                                     ? 1
                                     : static_cast<size_t>(p.rows)));
  });
}

TEST_CASE("no value is further from its input than half a step of the largest binade") {
  // Integers: half a unit. Minifloats of m mantissa bits: 2^-(m+1) of the largest element.
  ForAllFormats(45, 20, [](Random&, const FormatSpec& spec, Problem& p) {
    if (spec.outer == OuterScale::kNone && spec.block_scale == BlockScale::kNone) return;
    const std::vector<float> got = Dequantize(p.Quantized());
    for (int row = 0; row < p.rows; ++row) {
      const auto first = static_cast<size_t>(row) * static_cast<size_t>(p.columns);
      const float amax = AmaxIgnoringNan(&p.x[first], static_cast<size_t>(p.columns));
      const float amax_all = AmaxIgnoringNan(p.x.data(), p.x.size());
      // A floor rule may clip up to a quarter; E4M3 scales add a sixteenth.
      const float bound = 0.3f * (spec.outer == OuterScale::kTensor ? amax_all : amax);
      float worst = 0;
      for (size_t i = first; i < first + static_cast<size_t>(p.columns); ++i) {
        worst = std::max(worst, std::fabs(got[i] - p.x[i]));
      }
      CHECK(worst <= bound);
    }
  });
}

TEST_CASE("the general quantiser gives the weights that a layer stores") {
  ForAllFormats(46, 8, [](Random& random, const FormatSpec&, Problem& p) {
    p.options.rounding = {static_cast<RoundingMode>(random.Int(0, 2)), random.Word(), 8};
    const BlockTensor q = p.Quantized();
    const QuantizedWeights weights =
        QuantizeWeights(p.x.data(), p.rows, 1, p.columns, p.format, p.options.block,
                        SpecOf(p.format).outer, p.options.rounding);
    CHECK(weights.codes == q.codes);
    CHECK(weights.scales == q.scales);
    REQUIRE(weights.channel_scale.size() == static_cast<size_t>(p.rows));
    for (size_t row = 0; row < weights.channel_scale.size(); ++row) {
      const float expected = q.outer.empty()       ? 1.0f
                             : q.outer.size() == 1 ? q.outer[0].decode
                                                   : q.outer[row].decode;
      CHECK(weights.channel_scale[row] == expected);
    }
  });
}

TEST_CASE("rounding reaches every format, and only the elements") {
  ForAllFormats(47, 6, [](Random& random, const FormatSpec&, Problem& p) {
    const BlockTensor nearest = p.Quantized();
    p.options.rounding.mode = RoundingMode::kTowardZero;
    const BlockTensor zero = p.Quantized();
    CHECK(zero.scales == nearest.scales);
    const std::vector<float> values = Dequantize(zero), near = Dequantize(nearest);
    for (size_t i = 0; i < values.size(); ++i) CHECK(std::fabs(values[i]) <= std::fabs(near[i]));
    p.options.rounding = {RoundingMode::kStochastic, random.Word(), 16};
    const BlockTensor first = p.Quantized(), second = p.Quantized();
    CHECK(first.scales == nearest.scales);
    CHECK(first.codes == second.codes);
  });
}

TEST_CASE("blocks of zeros and special values") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> zeros(40, 0.0f);
  for (const FormatSpec& spec : AllFormats()) {
    if (spec.format == Format::kFp32) continue;
    const BlockTensor q = Quantize(zeros.data(), 2, 20, spec.format);
    CHECK(Bits(Dequantize(q)) == Bits(zeros));
  }
  const std::vector<float> x = {1, 2, inf, 4};
  const BlockTensor mx = Quantize(x.data(), 1, 4, Format::kMxfp4, {2, {}, {}});
  CHECK(mx.scales[0] != 0xFF);
  CHECK(mx.scales[1] == 0xFF);
  CHECK(FloatBits(Dequantize(mx)[3]) == kCanonicalNan);
  CHECK_THROWS_AS(Quantize(x.data(), 1, 4, Format::kFp32), std::invalid_argument);
  CHECK_THROWS_AS(Quantize(x.data(), 0, 4, Format::kInt4), std::invalid_argument);
  CHECK_THROWS_AS(Quantize(x.data(), 1, 4, Format::kInt4, {0, {}, {}}), std::invalid_argument);
}

TEST_CASE("an imported tensor is what was exported, bit by bit") {
  Random random(48);
  for (const ProfileSpec& profile : AllProfiles()) {
    const int rows = random.Int(1, 5), columns = random.Int(1, 200), block = random.Block();
    const std::vector<float> x = random.Values(rows * columns);
    const BlockTensor q = QuantizeNvfp4(x.data(), rows, columns, block, profile.profile);
    INFO(profile.name);
    CHECK(ParseProfile(profile.name) == profile.profile);
    const size_t row_bytes = (static_cast<size_t>(columns) + 1) / 2;
    std::vector<uint8_t> packed(static_cast<size_t>(rows) * row_bytes);
    for (size_t i = 0; i < q.codes.size(); ++i) {
      const size_t column = i % static_cast<size_t>(columns);
      packed[i / static_cast<size_t>(columns) * row_bytes + column / 2] |=
          static_cast<uint8_t>(q.codes[i] << (4 * (column % 2)));
    }
    const std::vector<uint8_t> scales(q.scales.begin(), q.scales.end());
    const BlockTensor in = ImportNvfp4(rows, columns, block, packed, scales, q.outer[0].decode);
    CHECK(in.codes == q.codes);
    CHECK(in.scales == q.scales);
    CHECK(in.outer[0].encode == 1.0f / q.outer[0].decode);
    CHECK(Bits(Dequantize(in)) == Bits(Dequantize(q)));
  }
  CHECK_THROWS_WITH(ParseProfile("cutlass"), Catch::Contains("cutlass") && Catch::Contains("ggml"));
}

TEST_CASE("faulty tensors are not imported") {
  const std::vector<uint8_t> packed = {0x21, 0x03}, scales = {0x38};
  const auto import = [](const std::vector<uint8_t>& codes, const std::vector<uint8_t>& bytes,
                         float s_dec) { return ImportNvfp4(1, 3, 16, codes, bytes, s_dec); };
  CHECK(import(packed, scales, 1).codes == std::vector<uint16_t>{1, 2, 3});
  using Catch::Contains;
  CHECK_THROWS_WITH(import({0x21}, scales, 1), Contains("packed codes: 1 bytes, expected 2"));
  CHECK_THROWS_WITH(import(packed, {}, 1), Contains("block scales: 0 bytes, expected 1"));
  CHECK_THROWS_WITH(import(packed, {0x7F}, 1), Contains("127"));
  CHECK_THROWS_WITH(import(packed, {0xB8}, 1), Contains("184"));
  CHECK_THROWS_WITH(import({0x21, 0x13}, scales, 1), Contains("padding"));
  for (float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                    std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THROWS_WITH(import(packed, scales, bad), Contains("s_dec"));
  }
}

TEST_CASE("the swizzled order of scales is a permutation with zero padding") {
  Random random(49);
  for (int trial = 0; trial < 30; ++trial) {
    const int rows = random.Int(1, 300), blocks = random.Int(1, 20);
    std::vector<uint8_t> linear(static_cast<size_t>(rows * blocks));
    for (uint8_t& byte : linear) byte = static_cast<uint8_t>(random.Int(1, 255));
    const std::vector<uint8_t> swizzled = SwizzleScales(linear, rows, blocks);
    CHECK(UnswizzleScales(swizzled, rows, blocks) == linear);
    CHECK(std::count(swizzled.begin(), swizzled.end(), 0) ==
          static_cast<ptrdiff_t>(swizzled.size() - linear.size()));
  }
  CHECK_THROWS_WITH(SwizzleScales({1, 2}, 1, 3), Catch::Contains("expected 3"));
}

}  // namespace
}  // namespace nibble::numerics
