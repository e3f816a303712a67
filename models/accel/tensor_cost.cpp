#include "models/accel/tensor_cost.h"

#include "models/accel/datapath_cost.h"
#include "models/accel/weight_layout.h"

namespace nibble::accel {

namespace {

uint64_t DivideUp(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace

ConvolveOperations OperationsOf(const sim::Geometry& g, uint64_t pixels, uint32_t channels) {
  const auto weights = static_cast<numerics::Format>(g.weight_format);
  const bool act_scaled =
      numerics::HasBlockScale(static_cast<numerics::Format>(g.activation_format));
  const bool weight_scaled = numerics::HasBlockScale(weights);
  const int product_bits = ProductBits(weights);
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  const uint64_t outputs = pixels * channels;

  ConvolveOperations ops;
  // Adds `terms` block sums of `length` products each for every output.
  const auto add_blocks = [&](uint64_t terms, int length) {
    const uint64_t count = outputs * terms;
    ops.macs += count * length;
    ops.block_terms += count;
    ops.fp32_adds += count;
    ops.tree_bits += count * TreeBits(length, product_bits);
    if (act_scaled && weight_scaled) ops.scale_products += count;
    ops.scale_apply_bits2 +=
        count * ScaleApplyBits2(length, product_bits, act_scaled + weight_scaled);
  };
  if (g.depthwise) {
    add_blocks(taps, 1);  // every tap has an activation scale of its own
  } else {
    const int tail = g.in_channels % g.block;
    add_blocks(taps * (g.in_channels / g.block), g.block);
    if (tail != 0) add_blocks(taps, tail);
  }
  return ops;
}

TensorCost TensorCostOf(const TensorConfig& config, const sim::Geometry& g, uint64_t pixels,
                        uint32_t channels) {
  const WeightLayout weights = WeightLayoutOf(g);
  const numerics::ActivationLayout input = InputLayoutOf(g);
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  const uint64_t pixel_groups = DivideUp(pixels, config.cols);
  const uint64_t channel_groups = DivideUp(channels, config.rows);
  const uint64_t weight_bytes =
      channels * (weights.code_bytes_per_channel() + weights.scale_bytes_per_channel());
  const uint64_t acc_bytes = pixels * channels * sizeof(float);

  TensorCost cost;
  // A depthwise channel sums over its taps only, each with an activation scale of its own, so a
  // dot-product unit adds one product a cycle: 1 / lanes of the array.
  const uint64_t steps = g.depthwise ? taps : taps * DivideUp(g.in_channels, config.lanes);
  cost.cycles = pixel_groups * channel_groups * steps + config.latency;

  const uint64_t pixel_bytes = input.code_bytes_per_pixel() + input.scale_bytes_per_pixel();
  if (g.depthwise) {
    // Each channel's taps once: the share of a pixel's bytes that belongs to these channels.
    cost.act_read_bytes = pixels * taps * DivideUp(pixel_bytes * channels, g.in_channels);
  } else {
    cost.act_read_bytes = channel_groups * pixels * taps * pixel_bytes;  // broadcast along the rows
  }
  cost.acc_write_bytes = acc_bytes;
  if (config.dataflow == Dataflow::kOutputStationary) {
    cost.weight_read_bytes = pixel_groups * weight_bytes;  // broadcast along the columns
  } else {
    cost.weight_read_bytes = weight_bytes;
    cost.acc_write_bytes = acc_bytes * steps;
    cost.acc_read_bytes = acc_bytes * (steps - 1);
  }
  return cost;
}

}  // namespace nibble::accel
