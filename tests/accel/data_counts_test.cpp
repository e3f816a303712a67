// Zeros and toggles of a tile against loops over every product and every load of every register.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "models/accel/operand_toggles.h"
#include "models/accel/tensor_cost.h"
#include "models/accel/tile_zeros.h"
#include "models/numerics/block_tensor.h"
#include "models/numerics/elements.h"
#include "models/numerics/packing.h"
#include "tests/numerics/testing.h"

namespace nibble::accel {
namespace {

using numerics::Format;
using numerics::Random;

// An operand in the clear: [rows][length] codes, a scale for each block of a row.
struct Operand {
  Format format;
  int block, length;
  std::vector<uint16_t> codes;
  std::vector<uint32_t> scales;

  int blocks() const { return (length + block - 1) / block; }
  uint16_t Code(int row, int k) const { return codes[static_cast<size_t>(row) * length + k]; }
  double Value(int row, int k) const {
    return numerics::DecodeElement(numerics::SpecOf(format).element, Code(row, k));
  }
  double Scale(int row, int k) const {
    if (!numerics::HasBlockScale(format)) return 1;
    const uint32_t bits = scales[static_cast<size_t>(row) * blocks() + k / block];
    return numerics::BlockScaleValue(numerics::SpecOf(format).block_scale, bits);
  }
  std::vector<uint8_t> PackedRow(int row) const {
    const int bits = numerics::ElementBits(format);
    std::vector<uint8_t> bytes(numerics::PackedBytes(bits, length));
    numerics::PackCodes(bits, &codes[static_cast<size_t>(row) * length], length, bytes.data());
    return bytes;
  }
  std::vector<uint8_t> PackedScales(int row) const {
    const int size = numerics::BlockScaleBits(format) / 8;
    std::vector<uint8_t> bytes(static_cast<size_t>(size) * blocks());
    for (int b = 0; b < blocks() && size > 0; ++b) {
      numerics::StoreWord(scales[static_cast<size_t>(row) * blocks() + b], size, &bytes[b * size]);
    }
    return bytes;
  }
};

// Many zeros of both signs, some runs of them, zero scales, and in some operands NaN.
Operand RandomOperand(Random& random, Format format, int block, int rows, int length) {
  Operand o{format, block, length, {}, {}};
  const int bits = numerics::ElementBits(format), scale_bits = numerics::BlockScaleBits(format);
  const uint32_t sign = 1u << (bits - 1);
  const bool is_integer = format == Format::kInt8;
  int zeros = 0;
  for (int i = 0; i < rows * length; ++i) {
    if (zeros-- <= 0 && random.Int(0, 9) == 0) zeros = random.Int(1, 70);
    uint32_t code = zeros > 0 ? 0 : static_cast<uint32_t>(random.Int(0, (1 << bits) - 1));
    if (zeros > 0 && !is_integer && random.Int(0, 1) == 0) code = sign;
    o.codes.push_back(static_cast<uint16_t>(code));
  }
  for (int i = 0; i < rows * o.blocks() && scale_bits > 0; ++i) {
    const int most = random.Int(0, 20) == 0 ? 0xFF : 0x70;
    uint32_t scale = random.Int(0, 5) == 0 ? 0 : static_cast<uint32_t>(random.Int(0, most));
    if (scale_bits == 16) scale <<= 8;
    o.scales.push_back(scale);
  }
  return o;
}

struct Problem {
  sim::Geometry g{};
  sim::Convolve run{};
  Operand activations, weights;  // [input pixel][channel]; [channel x segment][k]

  int taps() const { return g.kernel_h * g.kernel_w; }
  int columns() const { return g.depthwise ? 1 : g.in_channels; }  // of a tap of one output
  int pixels() const { return run.out_rows * g.out_width; }
  // Input pixel under a tap of output pixel p, or -1 on padding.
  int Under(int p, int tap) const {
    const int y =
        (run.out_row + p / g.out_width) * g.stride_h - g.pad_top + tap / g.kernel_w * g.dilation_h;
    const int x = p % g.out_width * g.stride_w - g.pad_left + tap % g.kernel_w * g.dilation_w;
    return y < 0 || y >= g.in_height || x < 0 || x >= g.in_width ? -1 : y * g.in_width + x;
  }
  int Channel(int n, int c) const { return g.depthwise ? run.channel + n : c; }
  int WeightRow(int n, int tap) const { return g.depthwise ? n : n * taps() + tap; }
  int WeightPlace(int tap, int c) const { return g.depthwise ? tap : c; }
};

Problem RandomProblem(Random& random) {
  const std::pair<Format, Format> pairs[] = {
      {Format::kNvfp4, Format::kNvfp4},   {Format::kNvfp4, Format::kFp8},
      {Format::kFp4, Format::kNvfp4},     {Format::kFp16, Format::kFp16},
      {Format::kMxfp6, Format::kMxfp8},   {Format::kInt8, Format::kInt4},
      {Format::kBf16, Format::kNvfp4},    {Format::kMxfp8E5m2, Format::kMxfp8E5m2},
      {Format::kNvfp4, Format::kFp8E5m2}, {Format::kNvfp4, Format::kFp16}};
  const auto [activations, weights] = pairs[random.Int(0, 9)];
  const int blocks[] = {8, 16, 32, 64, 128};
  Problem p;
  sim::Geometry& g = p.g;
  g.in_height = static_cast<uint16_t>(random.Int(1, 6));
  g.in_width = static_cast<uint16_t>(random.Int(1, 6));
  g.in_channels = static_cast<uint16_t>(random.Int(1, random.Int(0, 1) ? 40 : 150));
  g.kernel_h = static_cast<uint8_t>(random.Int(1, 3));
  g.kernel_w = static_cast<uint8_t>(random.Int(1, 3));
  g.stride_h = static_cast<uint8_t>(random.Int(1, 2));
  g.stride_w = static_cast<uint8_t>(random.Int(1, 2));
  g.dilation_h = static_cast<uint8_t>(random.Int(1, 2));
  g.dilation_w = static_cast<uint8_t>(random.Int(1, 2));
  g.pad_top = static_cast<uint8_t>(random.Int(0, 3));
  g.pad_left = static_cast<uint8_t>(random.Int(0, 3));
  g.out_height = static_cast<uint16_t>(random.Int(1, 5));
  g.out_width = static_cast<uint16_t>(random.Int(1, 5));
  g.activation_format = static_cast<uint8_t>(activations);
  g.weight_format = static_cast<uint8_t>(weights);
  g.activation_block = static_cast<uint8_t>(blocks[random.Int(0, 4)]);
  g.weight_block = static_cast<uint8_t>(blocks[random.Int(0, 4)]);
  g.depthwise = random.Int(0, 2) == 0;
  p.run.out_row = static_cast<uint16_t>(random.Int(0, g.out_height - 1));
  p.run.out_rows = static_cast<uint16_t>(random.Int(1, g.out_height - p.run.out_row));
  p.run.channel = static_cast<uint16_t>(g.depthwise ? random.Int(0, g.in_channels - 1) : 0);
  p.run.channels = static_cast<uint16_t>(g.depthwise ? random.Int(1, g.in_channels - p.run.channel)
                                                     : random.Int(1, 40));
  p.run.in_row = 0;
  p.run.in_rows = g.in_height;
  p.activations = RandomOperand(random, activations, g.activation_block, g.in_height * g.in_width,
                                g.in_channels);
  p.weights = g.depthwise ? RandomOperand(random, weights, g.weight_block, p.run.channels, p.taps())
                          : RandomOperand(random, weights, g.weight_block,
                                          p.run.channels * p.taps(), g.in_channels);
  return p;
}

UnpackedTile Unpack(const Problem& p) {
  UnpackedTile tile;
  tile.ResetWeights(p.g, p.run.channels);
  const int segments = p.g.depthwise ? 1 : p.taps();
  for (int n = 0; n < p.run.channels; ++n) {
    for (int s = 0; s < segments; ++s) {
      const int row = n * segments + s;
      tile.SetWeights(static_cast<uint32_t>(n), static_cast<uint32_t>(s),
                      p.weights.PackedRow(row).data(), p.weights.PackedScales(row).data());
    }
  }
  std::vector<uint8_t> codes, scales;
  const TileRows rows = RowsOf(p.g, p.run);
  for (int pixel = rows.first * p.g.in_width; pixel < rows.last * p.g.in_width; ++pixel) {
    const std::vector<uint8_t> c = p.activations.PackedRow(pixel);
    const std::vector<uint8_t> s = p.activations.PackedScales(pixel);
    codes.insert(codes.end(), c.begin(), c.end());
    scales.insert(scales.end(), s.begin(), s.end());
  }
  tile.SetActivations(p.g, rows, codes.data(), scales.data());
  return tile;
}

// Every product, from the values of its operands.
TileZeros NaiveZeros(const Problem& p) {
  const int term = OperandsOf(p.g).term();
  TileZeros zeros;
  for (int pixel = 0; pixel < p.pixels(); ++pixel) {
    for (int tap = 0; tap < p.taps(); ++tap) {
      const int under = p.Under(pixel, tap);
      for (int n = 0; n < p.run.channels; ++n) {
        for (int first = 0; first < p.columns(); first += term) {
          const int length = std::min(term, p.columns() - first);
          bool zero = true;
          for (int c = first; c < first + length; ++c) {
            const int row = p.WeightRow(n, tap), place = p.WeightPlace(tap, c);
            const double w = p.weights.Value(row, place);
            const double a = under < 0 ? 0 : p.activations.Value(under, p.Channel(n, c));
            if (p.g.depthwise || n == 0) zeros.activations += a == 0 ? 1 : 0;
            if (pixel == 0) zeros.weights += w == 0 ? 1 : 0;
            if (under < 0) {  // whatever the weight
              ++zeros.products;
              continue;
            }
            zeros.products += a * w == 0 ? 1 : 0;
            const double scale =
                p.activations.Scale(under, p.Channel(n, c)) * p.weights.Scale(row, place);
            // A NaN or infinity must come through a zero scale, and a zero through a NaN scale.
            zero = zero && (a * w == 0 || scale == 0) && a * w * scale == 0;
          }
          if (zero) ++(length == term ? zeros.whole_terms : zeros.tail_terms);
        }
      }
    }
  }
  return zeros;
}

TEST_CASE("zeros of a tile are those of all its products", "[density]") {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const Problem p = RandomProblem(random);
    const TileZeros expected = NaiveZeros(p);
    const TileZeros zeros = CountTileZeros(p.g, p.run, Unpack(p));
    CAPTURE(seed, numerics::FormatName(p.activations.format),
            numerics::FormatName(p.weights.format), int{p.g.depthwise});
    CHECK(zeros.activations == expected.activations);
    CHECK(zeros.weights == expected.weights);
    CHECK(zeros.products == expected.products);
    CHECK(zeros.whole_terms == expected.whole_terms);
    CHECK(zeros.tail_terms == expected.tail_terms);
  }
}

// An array of registers, each loaded by itself.
class NaiveArray {
 public:
  NaiveArray(const OperandArray& array, const Problem& p)
      : array_(array),
        p_(p),
        activations_(size_t{array.rows} * array.cols * array.lanes, 0),
        weights_(size_t{array.rows} * array.lanes, 0) {}

  // What `pixels` x `channels` units do in one step, all pixels and channels of the tile in turn.
  void Run() {
    const int rows = static_cast<int>(array_.rows), cols = static_cast<int>(array_.cols);
    const int lanes = p_.g.depthwise ? 1 : static_cast<int>(array_.lanes);
    for (int n = 0; n < p_.run.channels; n += rows) {
      if (array_.dataflow == Dataflow::kOutputStationary) {
        for (int p = 0; p < p_.pixels(); p += cols) {
          for (int tap = 0; tap < p_.taps(); ++tap) {
            for (int c = 0; c < p_.columns(); c += lanes) {
              LoadWeights(n, tap, c);
              LoadActivations(n, p, tap, c);
            }
          }
        }
        continue;
      }
      for (int tap = 0; tap < p_.taps(); ++tap) {
        for (int c = 0; c < p_.columns(); c += lanes) {
          LoadWeights(n, tap, c);
          for (int p = 0; p < p_.pixels(); p += cols) LoadActivations(n, p, tap, c);
        }
      }
    }
  }

  uint64_t activation_loads = 0, weight_loads = 0;
  uint64_t activation_toggles[16] = {}, weight_toggles[16] = {};  // by bit of the code

 private:
  void LoadWeights(int first, int tap, int c) {
    const int last = std::min<int>(p_.run.channels, first + static_cast<int>(array_.rows));
    for (int n = first; n < last; ++n) {
      for (int lane = 0; lane < Lanes(c); ++lane) {
        const size_t reg = static_cast<size_t>(n - first) * array_.lanes + lane;
        Load(p_.weights.Code(p_.WeightRow(n, tap), p_.WeightPlace(tap, c + lane)), weights_[reg],
             weight_loads, weight_toggles);
      }
    }
  }
  // One broadcast register a column and lane; depthwise one a unit.
  void LoadActivations(int first, int pixel, int tap, int c) {
    const int units =
        p_.g.depthwise ? std::min<int>(p_.run.channels - first, static_cast<int>(array_.rows)) : 1;
    const int last = std::min<int>(p_.pixels(), pixel + static_cast<int>(array_.cols));
    for (int p = pixel; p < last; ++p) {
      const int under = p_.Under(p, tap);
      for (int row = 0; row < units; ++row) {
        for (int lane = 0; lane < Lanes(c); ++lane) {
          const size_t reg =
              (static_cast<size_t>(row) * array_.cols + (p - pixel)) * array_.lanes + lane;
          const int channel = p_.Channel(first + row, c + lane);
          Load(under < 0 ? uint16_t{0} : p_.activations.Code(under, channel), activations_[reg],
               activation_loads, activation_toggles);
        }
      }
    }
  }
  int Lanes(int c) const {
    return std::min(p_.g.depthwise ? 1 : static_cast<int>(array_.lanes), p_.columns() - c);
  }
  static void Load(uint16_t code, uint16_t& held, uint64_t& loads, uint64_t* toggles) {
    ++loads;
    for (int bit = 0; bit < 16; ++bit) toggles[bit] += ((code ^ held) >> bit) & 1;
    held = code;
  }

  const OperandArray& array_;
  const Problem& p_;
  std::vector<uint16_t> activations_, weights_;
};

// Toggles of a field of a code, whose bits are [low, high).
uint64_t Field(const uint64_t* toggles, int low, int high, uint64_t times) {
  uint64_t sum = 0;
  for (int bit = low; bit < high; ++bit) sum += toggles[bit];
  return sum * times;
}

// Mantissa bits: of integers all but the sign.
int MantissaBits(Format format) {
  switch (numerics::SpecOf(format).element) {
    case numerics::Element::kE2M1:
      return 1;
    case numerics::Element::kE2M3:
    case numerics::Element::kE4M3:
    case numerics::Element::kInt4:
      return 3;
    case numerics::Element::kE3M2:
    case numerics::Element::kE5M2:
      return 2;
    case numerics::Element::kFp16:
      return 10;
    default:
      return 7;
  }
}

void CheckToggles(const numerics::Toggles& toggles, Format format, const uint64_t* expected,
                  uint64_t times) {
  const int sign = numerics::ElementBits(format) - 1, mantissa = MantissaBits(format);
  CHECK(toggles.mantissa == Field(expected, 0, mantissa, times));
  CHECK(toggles.exponent == Field(expected, mantissa, sign, times));
  CHECK(toggles.sign == Field(expected, sign, sign + 1, times));
}

TEST_CASE("toggles are those of every register at every load", "[density]") {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const Problem p = RandomProblem(random);
    OperandArray array;
    array.rows = static_cast<uint32_t>(random.Int(1, 20));
    array.cols = static_cast<uint32_t>(random.Int(1, 6));
    array.lanes = 8u << random.Int(0, 3);
    array.dataflow =
        random.Int(0, 1) == 0 ? Dataflow::kOutputStationary : Dataflow::kWeightStationary;
    array.activation_sets = p.g.depthwise ? 1 : static_cast<uint32_t>(random.Int(1, 3));
    NaiveArray naive(array, p);
    naive.Run();
    const OperandToggles toggles = CountToggles(array, p.g, p.run, Unpack(p));
    CAPTURE(seed, numerics::FormatName(p.activations.format),
            numerics::FormatName(p.weights.format), int{p.g.depthwise});
    CheckToggles(toggles.activations, p.activations.format, naive.activation_toggles,
                 array.activation_sets);
    CheckToggles(toggles.weights, p.weights.format, naive.weight_toggles, 1);

    const auto pixels = static_cast<uint64_t>(p.pixels());
    const auto taps = static_cast<uint64_t>(p.taps()), columns = static_cast<uint64_t>(p.columns());
    const OperandLoads loads = LoadsOf(array, p.g, pixels, p.run.channels);
    const uint64_t outputs = p.g.depthwise ? p.run.channels : 1;
    CHECK(loads.of_activation * taps * columns * pixels * outputs ==
          naive.activation_loads * array.activation_sets);
    CHECK(loads.of_weight * taps * columns * p.run.channels == naive.weight_loads);
  }
}

TEST_CASE("gating takes its work off what costs energy", "[density]") {
  sim::Geometry g{};
  g.in_height = g.in_width = g.out_height = g.out_width = 8;
  g.in_channels = 40;  // two terms of 16 and one of 8
  g.kernel_h = g.kernel_w = g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
  g.activation_block = g.weight_block = 16;
  const ConvolveOperations all = OperationsOf(g, 64, 32);
  const uint64_t outputs = 64 * 32;
  const ConvolveOperations half =
      OperationsOf(g, 64, 32, {}, numerics::Multiplier::kArray, {outputs * 20, outputs, outputs});
  CHECK(half.macs == all.macs);
  CHECK(half.block_terms == all.block_terms);
  CHECK(half.product_bits2 * 2 == all.product_bits2);
  CHECK(half.fp32_adds * 3 == all.fp32_adds);
  CHECK(half.scale_bits2 * 3 == all.scale_bits2);
  // What is left is one term of 16 an output: a layer of 16 channels.
  g.in_channels = 16;
  const ConvolveOperations left = OperationsOf(g, 64, 32);
  CHECK(half.tree_bits == left.tree_bits);
  CHECK(half.scale_apply_bits2 == left.scale_apply_bits2);
  CHECK(half.fp32_adds == left.fp32_adds);

  const ConvolveOperations table = OperationsOf(g, 64, 32, {}, numerics::Multiplier::kTable);
  CHECK(table.product_bits2 == 0);
  CHECK(table.product_signs == table.macs);
  CHECK(table.product_exponent_bits == 2 * table.macs);
  CHECK(table.product_muxes == (15 * 4 + 3 * 8) * table.macs);
  CHECK(table.tree_bits == left.tree_bits);
}

}  // namespace
}  // namespace nibble::accel
