#include "models/accel/tensor_cost.h"

#include <algorithm>

#include "models/accel/datapath_cost.h"
#include "models/accel/weight_layout.h"
#include "models/numerics/accumulate.h"

namespace nibble::accel {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// Collects the operations of all outputs of a tile, block by block.
class Operations {
 public:
  Operations(const sim::Geometry& g, const numerics::AccumulatorSpec& accumulator)
      : accumulator_(accumulator),
        operands_(OperandsOf(g)),
        length_(int64_t{g.kernel_h} * g.kernel_w * (g.depthwise ? 1 : g.group_channels())) {}

  // `count` terms of `length` products each, of which `gated` cost nothing.
  void AddTerms(uint64_t all, int length, uint64_t gated) {
    ops_.macs += all * length;
    ops_.block_terms += all;
    const uint64_t count = all - gated;
    const int a_bits = numerics::ScaleSignificandBits(activations());
    const int w_bits = numerics::ScaleSignificandBits(weights());
    ops_.scale_bits2 += count * a_bits * w_bits;
    if (accumulator_.kind == Accumulation::kLanes) {  // each lane scales and adds its own products
      AddSums(count * length, 1, a_bits + w_bits);
      ops_.fp32_adds += count * length;
      return;
    }
    AddSums(count, length, a_bits + w_bits);
    AddAccumulations(count, length);
  }

  // All products, of which `gated` cost nothing.
  void AddProducts(numerics::Multiplier multiplier, uint64_t gated) {
    const uint64_t products = ops_.macs - gated;
    if (multiplier == numerics::Multiplier::kArray) {
      ops_.product_bits2 += products * ProductBits2(activations(), weights());
      return;
    }
    const numerics::LutSize size = numerics::MultiplierTableSize(weights());
    ops_.product_signs += products;
    ops_.product_exponent_bits += products * size.exponent_bits;
    ops_.product_muxes += products * size.muxes();
  }

  ConvolveOperations Take(uint64_t outputs, int block) {
    // The tree over the lanes' accumulators, once for each output.
    if (accumulator_.kind == Accumulation::kLanes) ops_.fp32_adds += outputs * (block - 1);
    return ops_;
  }

 private:
  using Accumulation = numerics::Accumulation;

  numerics::Format activations() const { return operands_.activations; }
  numerics::Format weights() const { return operands_.weights; }

  void AddSums(uint64_t count, int length, int scale_bits) {
    const int product_bits = numerics::ProductBits(activations(), weights());
    ops_.tree_bits += count * TreeBits(length, product_bits);
    ops_.scale_apply_bits2 += count * ScaleApplyBits2(length, product_bits, scale_bits);
    ops_.exponent_bits += count * ScaleExponentBits(activations(), weights());
  }

  void AddAccumulations(uint64_t count, int length) {
    switch (accumulator_.kind) {
      case Accumulation::kFp16:
        ops_.fp16_adds += count;
        break;
      case Accumulation::kBf16:
        ops_.bf16_adds += count;
        break;
      case Accumulation::kFixed:
        ops_.fixed_add_bits += count * accumulator_.fixed_bits;
        break;
      case Accumulation::kExact:
        ops_.fixed_add_bits += count * numerics::ExactRegisterBits(activations(), weights(),
                                                                   std::max<int64_t>(1, length_));
        break;
      case Accumulation::kFused: {
        // A step's adder takes its group and the accumulator: F bits below the binary point, two
        // above it for magnitudes up to 4, sign and carries.
        const uint64_t addends =
            (length + numerics::kFusedElements - 1u) / numerics::kFusedElements;
        ops_.fixed_add_bits +=
            count * addends *
            (accumulator_.fused_bits + 3 + numerics::CarryBits(accumulator_.fused_group + 1));
        break;
      }
      case Accumulation::kFp32:
      case Accumulation::kFp32Rz:
      case Accumulation::kLanes:
        ops_.fp32_adds += count;
        break;
    }
  }

  const numerics::AccumulatorSpec& accumulator_;
  numerics::WideOperands operands_;
  int64_t length_;  // products of one output
  ConvolveOperations ops_;
};

}  // namespace

ConvolveOperations OperationsOf(const sim::Geometry& g, uint64_t pixels, uint32_t channels,
                                const numerics::AccumulatorSpec& accumulator,
                                numerics::Multiplier multiplier, const GatedWork& gated,
                                const GroupRange& groups) {
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  Operations operations(g, accumulator);
  const int term = OperandsOf(g).term();
  const uint64_t length = g.depthwise ? 1 : g.group_channels();  // of a tap
  const uint64_t outputs = pixels * channels;
  if (g.groups > 1 && term > 1) {
    for (uint32_t n = 0; n < channels; ++n) {
      // A term ends where a block of either operand does.
      const auto first = static_cast<int>((groups.channel + n) / groups.group_outputs * length);
      for (int c = 0, count = 0; c < static_cast<int>(length); c += count) {
        count = std::min({g.activation_block - (first + c) % g.activation_block,
                          g.weight_block - c % g.weight_block, static_cast<int>(length) - c});
        operations.AddTerms(pixels * taps, count, 0);
      }
    }
  } else {
    operations.AddTerms(outputs * taps * (length / term), term, gated.whole_terms);
    const auto tail = static_cast<int>(length % term);
    if (tail != 0) operations.AddTerms(outputs * taps, tail, gated.tail_terms);
  }
  operations.AddProducts(multiplier, gated.products);
  return operations.Take(outputs, std::min(g.activation_block, g.weight_block));
}

namespace {

// Scales of strips that the columns read for one channel of a row of outputs at one kernel row:
// those of neighbouring pixels share what they have in common.
uint64_t StripsRead(const TensorConfig& config, const sim::Geometry& g) {
  uint64_t count = 0;
  for (int kx = 0; kx < g.kernel_w; ++kx) {
    for (uint32_t x = 0, last = 0; x < g.out_width; ++x) {
      const int column = static_cast<int>(x) * g.stride_w - g.pad_left + kx * g.dilation_w;
      const uint32_t strip =
          static_cast<uint32_t>(std::clamp<int>(column, 0, g.in_width - 1)) / g.activation_block;
      count += x % config.cols == 0 || strip != last ? 1 : 0;
      last = strip;
    }
  }
  return count;
}

}  // namespace

TensorCost TensorCostOf(const TensorConfig& config, const sim::Geometry& g, uint64_t pixels,
                        uint32_t channels) {
  const WeightLayout weights = WeightLayoutOf(g);
  const numerics::ActivationLayout input = InputLayoutOf(g);
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  const uint64_t pixel_groups = DivideUp(pixels, config.cols);
  const uint64_t channel_groups = DivideUp(channels, config.rows);
  const uint64_t weight_scales = uint64_t{channels} * weights.scale_bytes_per_channel();
  const uint64_t weight_bytes = channels * weights.code_bytes_per_channel() + weight_scales;
  const uint64_t acc_bytes = pixels * channels * sizeof(float);

  TensorCost cost;
  // A depthwise channel sums over its taps only, each with an activation scale of its own, so a
  // dot-product unit adds one product a cycle: 1 / lanes of the array.
  const uint64_t steps = g.depthwise ? taps : taps * DivideUp(g.group_channels(), config.lanes);
  cost.cycles = pixel_groups * channel_groups * steps + config.latency;

  const uint64_t pixel_scales = input.scale_row_bytes();
  const uint64_t pixel_bytes = input.code_bytes_per_pixel() + pixel_scales;
  if (g.strips) {
    const uint64_t scale_bytes = pixel_scales / std::max<uint64_t>(1, g.in_channels);
    cost.act_scale_bytes =
        pixels / g.out_width * g.kernel_h * StripsRead(config, g) * channels * scale_bytes;
    cost.act_read_bytes =
        pixels * taps * DivideUp(input.code_bytes_per_pixel() * uint64_t{channels}, g.in_channels) +
        cost.act_scale_bytes;
  } else if (g.depthwise) {
    // Each channel's taps once: the share of a pixel's bytes that belongs to these channels.
    cost.act_read_bytes = pixels * taps * DivideUp(pixel_bytes * channels, g.in_channels);
    cost.act_scale_bytes = pixels * taps * DivideUp(pixel_scales * channels, g.in_channels);
  } else {
    // Broadcast along the rows; of a group the share of a pixel's bytes that belongs to it.
    const uint64_t groups = std::max<uint64_t>(1, g.groups);
    cost.act_read_bytes = channel_groups * pixels * taps * DivideUp(pixel_bytes, groups);
    cost.act_scale_bytes = channel_groups * pixels * taps * DivideUp(pixel_scales, groups);
  }
  cost.acc_write_bytes = acc_bytes;
  if (config.dataflow == Dataflow::kOutputStationary) {
    cost.weight_read_bytes = pixel_groups * weight_bytes;  // broadcast along the columns
    cost.weight_scale_bytes = pixel_groups * weight_scales;
  } else {
    cost.weight_read_bytes = weight_bytes;
    cost.weight_scale_bytes = weight_scales;
    cost.acc_write_bytes = acc_bytes * steps;
    cost.acc_read_bytes = acc_bytes * (steps - 1);
  }
  return cost;
}

}  // namespace nibble::accel
