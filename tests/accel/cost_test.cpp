// Cycles, operations and traffic of the tensor unit against closed forms.
#include <algorithm>
#include <catch2/catch.hpp>

#include "models/accel/datapath_cost.h"
#include "models/accel/tensor_cost.h"
#include "models/accel/weight_layout.h"
#include "models/numerics/accumulate.h"
#include "tests/numerics/testing.h"

namespace nibble::accel {
namespace {

using numerics::Format;
using numerics::Random;

sim::Geometry Layer(uint16_t side, uint16_t channels, uint8_t kernel, bool depthwise,
                    Format weights = Format::kNvfp4, Format activations = Format::kNvfp4) {
  sim::Geometry g{};
  g.in_height = g.in_width = g.out_height = g.out_width = side;
  g.in_channels = channels;
  g.kernel_h = g.kernel_w = kernel;
  g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
  g.pad_top = g.pad_left = kernel / 2;
  g.activation_format = static_cast<uint8_t>(activations);
  g.weight_format = static_cast<uint8_t>(weights);
  g.activation_block = g.weight_block = 16;
  g.depthwise = depthwise;
  return g;
}

TensorConfig Array(uint32_t rows, uint32_t cols, uint32_t lanes, Dataflow dataflow) {
  TensorConfig config;
  config.rows = rows;
  config.cols = cols;
  config.lanes = lanes;
  config.dataflow = dataflow;
  return config;
}

TEST_CASE("a pointwise layer of MobileNetV2 on 16 x 4 x 16") {
  const TensorConfig config = Array(16, 4, 16, Dataflow::kOutputStationary);
  const sim::Geometry g = Layer(14, 576, 1, false);
  const TensorCost cost = TensorCostOf(config, g, 196, 96);
  CHECK(cost.cycles == 49u * 6 * 36 + config.latency);
  const ConvolveOperations ops = OperationsOf(g, 196, 96);
  CHECK(ops.macs == 196u * 576 * 96);
  CHECK(ops.macs == (cost.cycles - config.latency) * 1024);  // all dimensions divide: no lane idles
  CHECK(ops.block_terms == 196u * 96 * 36);
  CHECK(ops.fp32_adds == ops.block_terms);
  CHECK(ops.product_bits2 == ops.macs * 16);       // 4 x 4
  CHECK(ops.scale_bits2 == ops.block_terms * 16);  // significands of two E4M3 scales
  // 576 codes of half a byte and 36 scales; a weight block is read for each group of 4 pixels.
  const uint64_t row = 576 / 2 + 36;
  CHECK(cost.act_read_bytes == 6u * 196 * row);
  CHECK(cost.weight_read_bytes == 49u * 96 * row);
  CHECK(cost.acc_write_bytes == 196u * 96 * 4);
  CHECK(cost.acc_read_bytes == 0);
}

TEST_CASE("a depthwise layer uses one lane of each dot-product unit") {
  for (uint32_t lanes : {8u, 16u, 64u}) {
    const TensorConfig config = Array(16, 4, lanes, Dataflow::kOutputStationary);
    const sim::Geometry g = Layer(14, 96, 3, true);
    const TensorCost cost = TensorCostOf(config, g, 196, 96);
    const ConvolveOperations ops = OperationsOf(g, 196, 96);
    CHECK(ops.macs == 196u * 96 * 9);
    CHECK(ops.macs * lanes == (cost.cycles - config.latency) * 16 * 4 * lanes);
    CHECK(ops.block_terms == ops.macs);  // every tap has an activation scale of its own
    CHECK(ops.tree_bits == 0);           // nothing to sum inside a block
  }
}

TEST_CASE("columns share the scales of strips that they have in common") {
  const TensorConfig config = Array(16, 4, 16, Dataflow::kOutputStationary);
  sim::Geometry g = Layer(32, 48, 3, true);
  g.strips = 1;
  const TensorCost cost = TensorCostOf(config, g, 2 * 32, 48);
  // Of 8 groups of 4 pixels none crosses from a strip of 16 to the next at the middle tap, and one
  // does at either side.
  CHECK(cost.act_scale_bytes == 2u * 3 * (9 + 8 + 9) * 48);
  CHECK(cost.act_read_bytes == cost.act_scale_bytes + 2u * 32 * 9 * 48 / 2);
  g.strips = 0;
  CHECK(cost.cycles == TensorCostOf(config, g, 2 * 32, 48).cycles);
  // Far apart, every pixel has a strip of its own.
  g.strips = 1;
  g.activation_block = 8;
  g.stride_w = 8;
  g.out_width = 4;
  g.pad_left = 0;
  CHECK(TensorCostOf(config, g, 4, 48).act_scale_bytes == 3u * 3 * 4 * 48);
}

TEST_CASE("weights stay in registers, or accumulators do") {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    sim::Geometry g =
        Layer(static_cast<uint16_t>(random.Int(1, 30)), static_cast<uint16_t>(random.Int(1, 300)),
              static_cast<uint8_t>(random.Int(1, 3)), false);
    const auto rows = static_cast<uint32_t>(random.Int(1, 20));
    const auto cols = static_cast<uint32_t>(random.Int(1, 20));
    const auto lanes = 8u << random.Int(0, 3);
    const auto pixels = static_cast<uint64_t>(random.Int(1, 500));
    const auto channels = static_cast<uint32_t>(random.Int(1, 200));
    const TensorCost os =
        TensorCostOf(Array(rows, cols, lanes, Dataflow::kOutputStationary), g, pixels, channels);
    const TensorCost ws =
        TensorCostOf(Array(rows, cols, lanes, Dataflow::kWeightStationary), g, pixels, channels);
    CAPTURE(seed);
    const auto up = [](uint64_t a, uint64_t b) { return (a + b - 1) / b; };
    const uint64_t steps = uint64_t{g.kernel_h} * g.kernel_w * up(g.in_channels, lanes);
    CHECK(os.cycles == up(pixels, cols) * up(channels, rows) * steps + TensorConfig{}.latency);
    CHECK(ws.cycles == os.cycles);
    CHECK(ws.act_read_bytes == os.act_read_bytes);

    const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
    const uint64_t weights = channels * taps * (up(g.in_channels, 2) + up(g.in_channels, 16));
    const uint64_t sums = pixels * channels * 4;
    CHECK(ws.weight_read_bytes == weights);  // once
    CHECK(os.weight_read_bytes == weights * up(pixels, cols));
    CHECK(os.acc_write_bytes == sums);  // once
    CHECK(os.acc_read_bytes == 0);
    CHECK(ws.acc_write_bytes == sums * steps);
    CHECK(ws.acc_read_bytes == sums * (steps - 1));
  }
}

// Adder bits of a balanced tree over operands of some widths, an adder one bit longer than its
// longest operand; the sign counts.
uint64_t TreeOf(std::vector<int> widths) {
  uint64_t bits = 0;
  while (widths.size() > 1) {
    std::vector<int> next;
    for (size_t i = 0; i + 1 < widths.size(); i += 2) {
      next.push_back(std::max(widths[i], widths[i + 1]) + 1);
      bits += static_cast<uint64_t>(next.back());
    }
    if (widths.size() % 2 == 1) next.push_back(widths.back() + 1);
    widths = next;
  }
  return bits;
}

TEST_CASE("adders of a block sum are those of a balanced tree") {
  CHECK(TreeBits(16, 8) == 8 * 10 + 4 * 11 + 2 * 12 + 13);
  for (int block = 1; block <= 128; ++block) {
    for (int product : {8, 22, 44}) {
      // A product with its sign.
      const std::vector<int> widths(static_cast<size_t>(block), product + 1);
      CHECK(static_cast<uint64_t>(TreeBits(block, product)) == TreeOf(widths));
    }
  }
}

TEST_CASE("products of every format fit their width") {
  // Largest magnitude over smallest step: E2M1 6 / 0.5, E4M3 448 / 2^-9, binary16 65504 / 2^-24.
  const auto fits = [](Format weights, double product) {
    const int bits = numerics::ProductBits(Format::kNvfp4, weights);
    return product < static_cast<double>(uint64_t{1} << bits) &&
           product >= static_cast<double>(uint64_t{1} << (bits - 1));
  };
  CHECK(fits(Format::kNvfp4, 12.0 * 12));
  CHECK(fits(Format::kFp4, 12.0 * 12));
  CHECK(fits(Format::kFp8, 12.0 * 448 * 512));
  CHECK(fits(Format::kFp16, 12.0 * 65504 * (1 << 24)));
}

TEST_CASE("operations are sums over blocks, tails included, and add up over tiles") {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Format formats[] = {Format::kNvfp4, Format::kFp4, Format::kFp8, Format::kFp16};
    const Format weights = formats[random.Int(0, 3)];
    const Format activations = formats[random.Int(0, 1)];
    sim::Geometry g =
        Layer(9, static_cast<uint16_t>(random.Int(1, 300)), static_cast<uint8_t>(random.Int(1, 3)),
              random.Int(0, 3) == 0, weights, activations);
    g.activation_block = static_cast<uint8_t>(random.Block());
    g.weight_block = static_cast<uint8_t>(random.Block());
    const int block = std::min(g.activation_block, g.weight_block);
    const auto pixels = static_cast<uint64_t>(random.Int(1, 50));
    const auto channels = static_cast<uint32_t>(random.Int(1, 50));
    const ConvolveOperations ops = OperationsOf(g, pixels, channels);
    CAPTURE(seed);

    const bool act_scaled = activations == Format::kNvfp4, w_scaled = weights == Format::kNvfp4;
    const int product_bits = numerics::ProductBits(activations, weights);
    uint64_t terms = 0, tree = 0, macs = 0, apply = 0;  // of one output
    for (int tap = 0; tap < g.kernel_h * g.kernel_w; ++tap) {
      for (int c = 0; c < (g.depthwise ? 1 : g.in_channels); c += block) {
        const int length = g.depthwise ? 1 : std::min<int>(block, g.in_channels - c);
        ++terms;
        macs += static_cast<uint64_t>(length);
        tree += static_cast<uint64_t>(TreeBits(length, product_bits));
        apply += static_cast<uint64_t>(
            ScaleApplyBits2(length, product_bits, 4 * (act_scaled + w_scaled)));
      }
    }
    const uint64_t outputs = pixels * channels;
    CHECK(ops.macs == outputs * macs);
    CHECK(ops.block_terms == outputs * terms);
    CHECK(ops.fp32_adds == outputs * terms);
    CHECK(ops.tree_bits == outputs * tree);
    CHECK(ops.scale_bits2 == (act_scaled && w_scaled ? outputs * terms * 16 : 0));
    CHECK(ops.scale_apply_bits2 == outputs * apply);

    const ConvolveOperations more = OperationsOf(g, pixels + 7, channels);
    const ConvolveOperations seven = OperationsOf(g, 7, channels);
    CHECK(more.macs == ops.macs + seven.macs);
    CHECK(more.tree_bits == ops.tree_bits + seven.tree_bits);
    CHECK(more.scale_apply_bits2 == ops.scale_apply_bits2 + seven.scale_apply_bits2);
  }
}

TEST_CASE("accumulators lie in groups of 16 channels") {
  CHECK(AccumulatorBytes(10, 16) == 10u * 16 * 4);
  CHECK(AccumulatorBytes(10, 17) == 10u * 32 * 4);
  CHECK(AccumulatorBytes(1, 1) == 64);
}

}  // namespace
}  // namespace nibble::accel
