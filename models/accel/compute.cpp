#include "models/accel/compute.h"

#include <cmath>
#include <stdexcept>

namespace nibble::accel {

namespace {

using C = ComputeCounters;

void RegisterAccumulations(sim::CounterRegistry& registry, const std::string& component,
                           const numerics::AccumulatorSpec& accumulator,
                           const std::vector<C>& rows) {
  using numerics::Accumulation;
  switch (accumulator.kind) {
    case Accumulation::kFp32:
    case Accumulation::kFp32Rz:
    case Accumulation::kLanes:
      registry.Register<C>(component, rows,
                           {{"fp32_adds", "1", "accumulations in FP32", &C::fp32_adds, true}});
      break;
    case Accumulation::kFp16:
      registry.Register<C>(component, rows,
                           {{"fp16_adds", "1", "accumulations in FP16", &C::fp16_adds, true}});
      break;
    case Accumulation::kBf16:
      registry.Register<C>(component, rows,
                           {{"bf16_adds", "1", "accumulations in BF16", &C::bf16_adds, true}});
      break;
    case Accumulation::kExact:
    case Accumulation::kFused:
    case Accumulation::kFixed:
      registry.Register<C>(component, rows,
                           {{"fixed_add_bits", "bit", "integer adder bits of the accumulations",
                             &C::fixed_add_bits, true}});
      break;
  }
  if (accumulator.kind != Accumulation::kFp32) {
    registry.Register<C>(
        component, rows,
        {{"overflows", "1", "accumulations that did not fit; 0 without bits", &C::overflows}});
  }
}

void RegisterProducts(sim::CounterRegistry& registry, const std::string& component,
                      numerics::Multiplier multiplier, const std::vector<C>& rows) {
  if (multiplier == numerics::Multiplier::kArray) {
    registry.Register<C>(component, rows,
                         {{"product_bits2", "bit^2", "multiplier bits of element times element",
                           &C::product_bits2, true}});
    return;
  }
  registry.Register<C>(
      component, rows,
      {{"product_signs", "1", "XORs of the signs of two elements", &C::product_signs, true},
       {"product_exponent_bits", "bit", "adder bits of the exponents of two elements",
        &C::product_exponent_bits, true},
       {"product_muxes", "1", "two-to-one multiplexers of the product tables and their shifters",
        &C::product_muxes, true}});
}

void RegisterZeros(sim::CounterRegistry& registry, const std::string& component,
                   const std::vector<C>& rows) {
  registry.Register<C>(
      component, rows,
      {{"activation_loads", "1", "codes loaded into activation registers, padding included",
        &C::activation_loads},
       {"zero_activations", "1", "of these, zeros", &C::zero_activations},
       {"weight_loads", "1", "codes loaded into weight registers", &C::weight_loads},
       {"zero_weights", "1", "of these, zeros", &C::zero_weights},
       {"zero_products", "1", "multiply-accumulates of which an operand is zero",
        &C::zero_products},
       {"zero_blocks", "1", "terms whose products are all zero, or a scale", &C::zero_blocks},
       {"products_of_zero_blocks", "1", "multiply-accumulates of these terms",
        &C::products_of_zero_blocks}});
}

void RegisterToggles(sim::CounterRegistry& registry, const std::string& component,
                     const std::vector<C>& rows) {
  registry.Register<C>(
      component, rows,
      {{"activation_sign_toggles", "bit", "sign bits that changed in activation registers",
        &C::activation_sign_toggles},
       {"activation_exponent_toggles", "bit", "exponent bits that changed there",
        &C::activation_exponent_toggles},
       {"activation_mantissa_toggles", "bit", "mantissa bits that changed there",
        &C::activation_mantissa_toggles},
       {"weight_sign_toggles", "bit", "sign bits that changed in weight registers",
        &C::weight_sign_toggles},
       {"weight_exponent_toggles", "bit", "exponent bits that changed there",
        &C::weight_exponent_toggles},
       {"weight_mantissa_toggles", "bit", "mantissa bits that changed there",
        &C::weight_mantissa_toggles}});
}

// Of the input's rows or columns under all outputs [first, first + count) of an axis: pairs of
// output and kernel tap that lie inside.
uint64_t InsideTaps(int first, int count, int kernel, int stride, int dilation, int pad, int in) {
  uint64_t inside = 0;
  for (int o = first; o < first + count; ++o) {
    for (int k = 0; k < kernel; ++k) {
      const int place = o * stride - pad + k * dilation;
      inside += 0 <= place && place < in ? 1 : 0;
    }
  }
  return inside;
}

}  // namespace

void ComputeCounters::Add(const ConvolveOperations& ops) {
  macs += ops.macs;
  product_bits2 += ops.product_bits2;
  product_signs += ops.product_signs;
  product_exponent_bits += ops.product_exponent_bits;
  product_muxes += ops.product_muxes;
  block_terms += ops.block_terms;
  scale_bits2 += ops.scale_bits2;
  scale_apply_bits2 += ops.scale_apply_bits2;
  exponent_bits += ops.exponent_bits;
  tree_bits += ops.tree_bits;
  fp32_adds += ops.fp32_adds;
  fp16_adds += ops.fp16_adds;
  bf16_adds += ops.bf16_adds;
  fixed_add_bits += ops.fixed_add_bits;
}

TileZeros ExpectZeros(const sim::Geometry& g, const sim::Convolve& run,
                      const sim::ZeroShares& shares) {
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  const uint64_t inside =
      InsideTaps(run.out_row, run.out_rows, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top,
                 g.in_height) *
      InsideTaps(0, g.out_width, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left, g.in_width);
  const uint64_t padding = pixels * taps - inside;
  const auto part = [](uint64_t count, double share) {
    return static_cast<uint64_t>(std::llround(static_cast<double>(count) * share));
  };
  // Of `count` for each tap and output pixel.
  const auto expect = [&](uint64_t count, double share) {
    return padding * count + part(inside * count, share);
  };
  const uint64_t columns = g.depthwise ? run.channels : g.in_channels;  // of a tap
  const uint64_t outputs = g.depthwise ? 1 : run.channels;
  const auto term = static_cast<uint64_t>(OperandsOf(g).term());
  TileZeros zeros;
  zeros.activations = expect(columns, shares.activations);
  zeros.weights = part(taps * columns * outputs, shares.weights);
  zeros.products = expect(columns * outputs, 1 - (1 - shares.activations) * (1 - shares.weights));
  zeros.whole_terms = expect(columns / term * outputs, shares.blocks);
  if (columns % term != 0) zeros.tail_terms = expect(outputs, shares.blocks);
  return zeros;
}

ComputeUnit::ComputeUnit(const ComputeSetup& setup, const OperandArray& array, size_t layers)
    : setup_(setup),
      array_(array),
      convolvers_(setup.accumulator, setup.config.multiplier),
      rows_(layers) {}

void ComputeUnit::Register(sim::CounterRegistry& registry, const std::string& component) const {
  registry.Register<C>(component, rows_,
                       {{"macs", "1", "multiply-accumulates, padding taps included", &C::macs},
                        {"block_terms", "1", "terms scaled and accumulated", &C::block_terms}});
  RegisterProducts(registry, component, setup_.config.multiplier, rows_);
  registry.Register<C>(
      component, rows_,
      {{"scale_bits2", "bit^2", "multiplier bits of block scale times block scale", &C::scale_bits2,
        true},
       {"scale_apply_bits2", "bit^2", "multiplier bits of block sum times scale",
        &C::scale_apply_bits2, true},
       {"exponent_bits", "bit", "adder bits of E8M0 block scales", &C::exponent_bits, true},
       {"tree_bits", "bit", "adder bits of the block sums", &C::tree_bits, true},
       {"stall_sram_cycles", "cycles", "busy cycles beyond the array's own, for SRAM bandwidth",
        &C::stall_sram_cycles}});
  RegisterAccumulations(registry, component, setup_.accumulator, rows_);
  if (!setup_.config.counts_data()) return;
  RegisterZeros(registry, component, rows_);
  if (!setup_.timing_only) RegisterToggles(registry, component, rows_);
}

void ComputeUnit::ResetWeights(uint32_t channels) {
  convolvers_.current().ResetWeights(channels);
  if (setup_.config.counts_data()) tile_.ResetWeights(geometry(), channels);
}

void ComputeUnit::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                             const uint8_t* scales) {
  convolvers_.current().SetWeights(n, segment, codes, scales);
  if (setup_.config.counts_data()) tile_.SetWeights(n, segment, codes, scales);
}

void ComputeUnit::LoadWeights(const uint8_t* codes, const uint8_t* scales, uint32_t channels) {
  ResetWeights(channels);
  ForEachRun(WeightLayoutOf(geometry()), channels, codes, scales,
             [this](uint32_t n, uint32_t segment, const uint8_t* run, const uint8_t* run_scales) {
               SetWeights(n, segment, run, run_scales);
             });
}

void ComputeUnit::Run(const sim::Command& command, Scratchpads& scratchpads) {
  const sim::Convolve& run = command.convolve;
  ComputeCounters& row = rows_[command.layer];
  GatedWork gated;
  if (setup_.config.counts_data()) gated = CountData(command, scratchpads);
  row.Add(OperationsOf(geometry(), uint64_t{run.out_rows} * geometry().out_width, run.channels,
                       setup_.accumulator, setup_.config.multiplier, gated,
                       {run.channel, run.group_outputs}));
  if (setup_.timing_only) return;
  const uint64_t overflows = convolvers_.current().overflows();
  convolvers_.current().Run(run, scratchpads.at(sim::Buffer::kAct, run.act),
                            scratchpads.at(sim::Buffer::kAct, run.act_scales),
                            scratchpads.at(sim::Buffer::kAcc, run.acc));
  row.overflows += convolvers_.current().overflows() - overflows;
}

void ComputeUnit::BookZeros(const TileZeros& zeros, const sim::Convolve& run,
                            ComputeCounters& row) const {
  const sim::Geometry& g = geometry();
  const uint64_t taps = uint64_t{g.kernel_h} * g.kernel_w;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  const uint64_t columns = g.depthwise ? run.channels : g.in_channels;  // of a tap
  const uint64_t outputs = g.depthwise ? 1 : run.channels;
  const auto term = static_cast<uint64_t>(OperandsOf(g).term());
  const OperandLoads loads = LoadsOf(array_, g, pixels, run.channels);
  row.activation_loads += loads.of_activation * pixels * taps * columns;
  row.zero_activations += loads.of_activation * zeros.activations;
  row.weight_loads += loads.of_weight * taps * columns * outputs;
  row.zero_weights += loads.of_weight * zeros.weights;
  row.zero_products += zeros.products;
  row.zero_blocks += zeros.whole_terms + zeros.tail_terms;
  row.products_of_zero_blocks += zeros.whole_terms * term + zeros.tail_terms * (columns % term);
}

GatedWork ComputeUnit::CountData(const sim::Command& command, Scratchpads& scratchpads) {
  const sim::Convolve& run = command.convolve;
  const sim::Geometry& g = geometry();
  ComputeCounters& row = rows_[command.layer];
  TileZeros zeros;
  if (setup_.timing_only) {
    const std::optional<sim::ZeroShares>& shares = program_->layers.at(command.layer).zeros;
    if (!shares) throw std::logic_error("no shares of zeros for a layer with products");
    zeros = ExpectZeros(g, run, *shares);
  } else {
    const TileRows rows = RowsOf(g, run);
    const numerics::ActivationLayout layout = InputLayoutOf(g);
    const size_t skipped = static_cast<size_t>(rows.first - run.in_row) * g.in_width;
    const uint8_t* codes = scratchpads.at(sim::Buffer::kAct, run.act);
    const uint8_t* scales = scratchpads.at(sim::Buffer::kAct, run.act_scales);
    tile_.SetActivations(g, rows, codes + skipped * layout.code_bytes_per_pixel(),
                         scales + layout.scale_rows(skipped) * layout.scale_row_bytes());
    zeros = CountTileZeros(g, run, tile_);
    const OperandToggles toggles = CountToggles(array_, g, run, tile_);
    row.activation_sign_toggles += toggles.activations.sign;
    row.activation_exponent_toggles += toggles.activations.exponent;
    row.activation_mantissa_toggles += toggles.activations.mantissa;
    row.weight_sign_toggles += toggles.weights.sign;
    row.weight_exponent_toggles += toggles.weights.exponent;
    row.weight_mantissa_toggles += toggles.weights.mantissa;
  }
  BookZeros(zeros, run, row);
  GatedWork gated;
  if (setup_.config.gating != Gating::kNone) gated.products = zeros.products;
  if (setup_.config.gating == Gating::kBlock) {
    gated.whole_terms = zeros.whole_terms;
    gated.tail_terms = zeros.tail_terms;
  }
  return gated;
}

}  // namespace nibble::accel
