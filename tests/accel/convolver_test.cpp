// The convolver against the definition of the dot product, in integers.
#include "models/accel/convolver.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "models/accel/weight_layout.h"
#include "models/numerics/formats.h"
#include "tests/numerics/testing.h"

namespace nibble::accel {
namespace {

using numerics::Format;
using numerics::Random;

// A number as integer x 2^exponent.
struct Exact {
  int64_t integer;
  int exponent;
};

Exact ExactScale(float scale) {  // an E4M3 scale has four significant bits
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);
  return {static_cast<int64_t>(fraction * 16), exponent - 4};
}

// Every E2M1 value is a multiple of 2^-1, E4M3 of 2^-9, binary16 of 2^-24.
int UnitExponent(Format format) {
  return format == Format::kFp16 ? -24 : format == Format::kFp8 ? -9 : -1;
}
int64_t ExactCode(uint16_t code, Format format) {
  const float value = format == Format::kFp16  ? numerics::DecodeFp16(code)
                      : format == Format::kFp8 ? numerics::DecodeE4M3(static_cast<uint8_t>(code))
                                               : numerics::DecodeE2M1(static_cast<uint8_t>(code));
  return static_cast<int64_t>(std::ldexp(value, -UnitExponent(format)));
}

// Operands in the clear: codes of every element, scales of every block (1 without block scales).
struct Tensor {
  Format format;
  int block;
  int rows, length;  // rows of the reduction axis, elements of each
  std::vector<uint16_t> codes;
  std::vector<uint8_t> scale_bytes;

  int blocks() const { return (length + block - 1) / block; }
  int64_t Element(int row, int k) const {
    return ExactCode(codes[static_cast<size_t>(row) * length + k], format);
  }
  float Scale(int row, int k) const {
    if (format != Format::kNvfp4) return 1;
    return numerics::DecodeE4M3(scale_bytes[static_cast<size_t>(row) * blocks() + k / block]);
  }
  // As in memory: codes of a row packed, each row from a whole byte on.
  std::vector<uint8_t> Packed() const {
    std::vector<uint8_t> bytes;
    for (int row = 0; row < rows; ++row) {
      const uint16_t* c = &codes[static_cast<size_t>(row) * length];
      for (int k = 0; k < length; ++k) {
        if (format == Format::kFp16) {
          bytes.push_back(static_cast<uint8_t>(c[k]));
          bytes.push_back(static_cast<uint8_t>(c[k] >> 8));
        } else if (format == Format::kFp8) {
          bytes.push_back(static_cast<uint8_t>(c[k]));
        } else if (k % 2 == 0) {
          bytes.push_back(static_cast<uint8_t>(c[k]));
        } else {
          bytes.back() = static_cast<uint8_t>(bytes.back() | c[k] << 4);
        }
      }
    }
    return bytes;
  }
};

Tensor RandomTensor(Random& random, Format format, int block, int rows, int length) {
  Tensor t{format, block, rows, length, {}, {}};
  for (int i = 0; i < rows * length; ++i) {
    if (format == Format::kFp16) {  // finite, of any magnitude
      t.codes.push_back(static_cast<uint16_t>(random.Int(0, 1) << 15 | random.Int(0, 30) << 10 |
                                              random.Int(0, 1023)));
    } else if (format == Format::kFp8) {
      t.codes.push_back(static_cast<uint16_t>(random.Int(0, 1) << 7 | random.Int(0, 0x7E)));
    } else {
      t.codes.push_back(static_cast<uint16_t>(random.Int(0, 15)));
    }
  }
  if (format == Format::kNvfp4) {
    for (int i = 0; i < rows * t.blocks(); ++i) {
      t.scale_bytes.push_back(static_cast<uint8_t>(random.Int(0, 0x7E)));
    }
  }
  return t;
}

// The block sum is exact; one rounding makes it a binary32 (none where it fits).
float BlockTerm(int64_t sum, Format weights, float a_scale, float w_scale) {
  const Exact a = ExactScale(a_scale), w = ExactScale(w_scale);
  const int64_t product = sum * a.integer * w.integer;
  return std::ldexp(static_cast<float>(product),
                    a.exponent + w.exponent + UnitExponent(Format::kFp4) + UnitExponent(weights));
}

struct Problem {
  sim::Geometry g;
  int out_channels;
  Tensor activations, weights;  // [input pixel][channel]; [channel x segment][k]
};

float NaiveSum(const Problem& p, int y, int x, int n) {
  const sim::Geometry& g = p.g;
  float acc = 0;
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      const int row = y * g.stride_h - g.pad_top + ky * g.dilation_h;
      const int column = x * g.stride_w - g.pad_left + kx * g.dilation_w;
      if (row < 0 || row >= g.in_height || column < 0 || column >= g.in_width) continue;
      const int pixel = row * g.in_width + column, tap = ky * g.kernel_w + kx;
      if (g.depthwise) {
        acc += BlockTerm(p.activations.Element(pixel, n) * p.weights.Element(n, tap),
                         p.weights.format, p.activations.Scale(pixel, n), p.weights.Scale(n, tap));
        continue;
      }
      const int run = n * g.kernel_h * g.kernel_w + tap;
      for (int first = 0; first < g.in_channels; first += g.activation_block) {
        int64_t sum = 0;
        for (int k = first; k < std::min<int>(first + g.activation_block, g.in_channels); ++k) {
          sum += p.activations.Element(pixel, k) * p.weights.Element(run, k);
        }
        acc += BlockTerm(sum, p.weights.format, p.activations.Scale(pixel, first),
                         p.weights.Scale(run, first));
      }
    }
  }
  return acc;
}

Problem RandomProblem(Random& random, Format activations, Format weights, int block,
                      bool depthwise) {
  Problem p{};
  sim::Geometry& g = p.g;
  g.in_height = static_cast<uint16_t>(random.Int(1, 9));
  g.in_width = static_cast<uint16_t>(random.Int(1, 9));
  g.in_channels = static_cast<uint16_t>(random.Int(1, random.Int(0, 1) ? 40 : 150));
  g.kernel_h = static_cast<uint8_t>(random.Int(1, 3));
  g.kernel_w = static_cast<uint8_t>(random.Int(1, 4));
  g.stride_h = static_cast<uint8_t>(random.Int(1, 3));
  g.stride_w = static_cast<uint8_t>(random.Int(1, 3));
  g.dilation_h = static_cast<uint8_t>(random.Int(1, 3));
  g.dilation_w = static_cast<uint8_t>(random.Int(1, 2));
  g.pad_top = static_cast<uint8_t>(random.Int(0, 4));
  g.pad_left = static_cast<uint8_t>(random.Int(0, 4));
  // Some windows at the end may lie outside the image altogether.
  g.out_height = static_cast<uint16_t>(random.Int(1, 7));
  g.out_width = static_cast<uint16_t>(random.Int(1, 7));
  g.activation_format = static_cast<uint8_t>(activations);
  g.weight_format = static_cast<uint8_t>(weights);
  g.activation_block = g.weight_block = static_cast<uint8_t>(block);
  g.depthwise = depthwise;
  p.out_channels = depthwise ? g.in_channels : random.Int(1, 50);
  const int taps = g.kernel_h * g.kernel_w;
  p.activations = RandomTensor(random, activations, block, g.in_height * g.in_width, g.in_channels);
  p.weights = depthwise
                  ? RandomTensor(random, weights, block, p.out_channels, taps)
                  : RandomTensor(random, weights, block, p.out_channels * taps, g.in_channels);
  return p;
}

// Rows of the input under some output rows, at least one.
void SetInputRows(const sim::Geometry& g, sim::Convolve& run) {
  const int reach = (g.kernel_h - 1) * g.dilation_h;
  const int first = run.out_row * g.stride_h - g.pad_top;
  const int last = (run.out_row + run.out_rows - 1) * g.stride_h - g.pad_top + reach;
  const int begin = std::clamp(first, 0, g.in_height - 1);
  run.in_row = static_cast<uint16_t>(begin);
  run.in_rows = static_cast<uint16_t>(std::clamp<int>(last, begin, g.in_height - 1) - begin + 1);
}

// Output sums that differ from the naive ones, over tiles of a few rows and channels.
int Differences(Random& random, const Problem& p) {
  const sim::Geometry& g = p.g;
  const std::vector<uint8_t> act = p.activations.Packed(), weight = p.weights.Packed();
  const WeightLayout layout = WeightLayoutOf(g);
  REQUIRE(weight.size() == p.out_channels * layout.code_bytes_per_channel());
  REQUIRE(p.weights.scale_bytes.size() == p.out_channels * layout.scale_bytes_per_channel());
  const size_t row_codes = act.size() / g.in_height;
  const size_t row_scales = p.activations.scale_bytes.size() / g.in_height;
  const int row_step = random.Int(1, g.out_height);
  const int channel_step = random.Int(1, 2) * 16;  // tiles start at accumulator groups

  Convolvers convolvers({});
  convolvers.Configure(g);
  Convolver* convolver = &convolvers.current();
  int differences = 0;
  for (int row = 0; row < g.out_height; row += row_step) {
    for (int channel = 0; channel < p.out_channels; channel += channel_step) {
      sim::Convolve run{};
      run.out_row = static_cast<uint16_t>(row);
      run.out_rows = static_cast<uint16_t>(std::min(row_step, g.out_height - row));
      run.channel = static_cast<uint16_t>(channel);
      run.channels = static_cast<uint16_t>(std::min(channel_step, p.out_channels - channel));
      SetInputRows(g, run);
      // The tile alone, so that a read beyond it is found by the sanitizers.
      const std::vector<uint8_t> codes(
          act.begin() + static_cast<std::ptrdiff_t>(run.in_row * row_codes),
          act.begin() + static_cast<std::ptrdiff_t>((run.in_row + run.in_rows) * row_codes));
      const std::vector<uint8_t>& all_scales = p.activations.scale_bytes;
      const std::vector<uint8_t> scales(
          all_scales.begin() + static_cast<std::ptrdiff_t>(run.in_row * row_scales),
          all_scales.begin() +
              static_cast<std::ptrdiff_t>((run.in_row + run.in_rows) * row_scales));
      convolver->LoadWeights(
          weight.data() + run.channel * layout.code_bytes_per_channel(),
          p.weights.scale_bytes.data() + run.channel * layout.scale_bytes_per_channel(),
          run.channels);
      const size_t pixels = size_t{run.out_rows} * g.out_width;
      std::vector<uint8_t> acc(AccumulatorBytes(pixels, run.channels) + 64, 0xA5);
      convolver->Run(run, codes.data(), scales.data(), acc.data());
      REQUIRE(std::all_of(acc.end() - 64, acc.end(), [](uint8_t b) { return b == 0xA5; }));

      for (int n = 0; n < run.channels; ++n) {
        for (size_t pixel = 0; pixel < pixels; ++pixel) {
          const size_t at = (n / 16 * pixels + pixel) * 16 + n % 16;
          uint32_t actual = 0;
          std::memcpy(&actual, &acc[at * 4], 4);
          const float expected = NaiveSum(p, row + static_cast<int>(pixel) / g.out_width,
                                          static_cast<int>(pixel) % g.out_width, channel + n);
          differences += actual != numerics::FloatBits(expected);
        }
      }
    }
  }
  return differences;
}

TEST_CASE("convolutions equal the definition, bit for bit") {
  uint32_t seed = 0;
  for (Format activations : {Format::kNvfp4, Format::kFp4}) {
    for (Format weights : {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16}) {
      for (int block : {8, 16, 32, 64, 128}) {
        for (bool depthwise : {false, false, true}) {
          Random random(++seed);
          const Problem p = RandomProblem(random, activations, weights, block, depthwise);
          CAPTURE(seed, numerics::FormatName(activations), numerics::FormatName(weights), block,
                  depthwise);
          CHECK(Differences(random, p) == 0);
        }
      }
    }
  }
}

TEST_CASE("a tile may hold more rows of the input than it needs") {
  Random random(5);
  Problem p = RandomProblem(random, Format::kNvfp4, Format::kNvfp4, 16, false);
  p.g.in_height = 9;
  p.g.out_height = 4;
  p.activations = RandomTensor(random, Format::kNvfp4, 16, 9 * p.g.in_width, p.g.in_channels);
  Convolvers convolvers({});
  convolvers.Configure(p.g);
  Convolver* convolver = &convolvers.current();
  const std::vector<uint8_t> act = p.activations.Packed(), weight = p.weights.Packed();
  convolver->LoadWeights(weight.data(), p.weights.scale_bytes.data(),
                         static_cast<uint32_t>(p.out_channels));
  sim::Convolve run{};
  run.out_row = 2;
  run.out_rows = 1;
  run.in_rows = 9;  // the whole image
  run.channels = static_cast<uint16_t>(p.out_channels);
  std::vector<uint8_t> acc(AccumulatorBytes(p.g.out_width, run.channels));
  convolver->Run(run, act.data(), p.activations.scale_bytes.data(), acc.data());
  for (int x = 0; x < p.g.out_width; ++x) {
    uint32_t actual = 0;
    std::memcpy(&actual, &acc[static_cast<size_t>(x) * 64], 4);
    CHECK(actual == numerics::FloatBits(NaiveSum(p, 2, x, 0)));
  }
}

}  // namespace
}  // namespace nibble::accel
