#include "sw/lowering/plan.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "models/accel/weight_layout.h"
#include "models/nearmem/bank_layout.h"
#include "sw/lowering/lowering.h"
#include "sw/lowering/place_cost.h"
#include "sw/lowering/scratchpad_plan.h"

namespace nibble::lowering {

using numerics::Format;

namespace {

// Of strips' scales a pixel has its share, rounded up.
uint32_t PixelBytes(const numerics::ActivationLayout& layout) {
  uint32_t scales = layout.scale_row_bytes();
  if (layout.strips()) {
    const auto row = static_cast<uint32_t>(layout.strip_row);
    scales = (scales * static_cast<uint32_t>(layout.strips_per_row()) + row - 1) / row;
  }
  return layout.code_bytes_per_pixel() + scales;
}

}  // namespace

sim::Geometry GeometryOf(const Target& target, const trace::Layer& layer) {
  const numerics::Datapath& datapath = target.DatapathOf(layer);
  const trace::Shape& in = target.net.tensors[layer.input].shape;
  const trace::Shape& out = target.net.tensors[layer.output].shape;
  sim::Geometry g{};
  g.in_height = static_cast<uint16_t>(in.height);
  g.in_width = static_cast<uint16_t>(in.width);
  g.in_channels = static_cast<uint16_t>(in.channels);
  g.out_height = static_cast<uint16_t>(out.height);
  g.out_width = static_cast<uint16_t>(out.width);
  g.kernel_h = static_cast<uint8_t>(layer.kernel_h);
  g.kernel_w = static_cast<uint8_t>(layer.kernel_w);
  g.stride_h = static_cast<uint8_t>(layer.stride_h);
  g.stride_w = static_cast<uint8_t>(layer.stride_w);
  g.dilation_h = static_cast<uint8_t>(layer.dilation_h);
  g.dilation_w = static_cast<uint8_t>(layer.dilation_w);
  g.pad_top = static_cast<uint8_t>(layer.pad_top);
  g.pad_left = static_cast<uint8_t>(layer.pad_left);
  g.activation_format = static_cast<uint8_t>(datapath.activations);
  g.weight_format = static_cast<uint8_t>(datapath.weights);
  g.activation_block = static_cast<uint8_t>(datapath.activation_block);
  g.weight_block = static_cast<uint8_t>(datapath.weight_block);
  g.depthwise = layer.op == trace::Op::kDepthwiseConv;
  g.strips = target.datapaths.tensors[static_cast<size_t>(layer.input)].strips();
  g.groups = static_cast<uint8_t>(layer.op == trace::Op::kConv ? layer.groups : 1);
  return g;
}

bool HasChannelScales(const Target& target, const trace::Layer& layer) {
  return layer.has_weights() &&
         target.DatapathOf(layer).weight_outer() == numerics::OuterScale::kChannel;
}

bool HasParamPairs(const Target& target, const trace::Layer& layer) {
  return layer.op == trace::Op::kLayerNorm || HasChannelScales(target, layer);
}

uint32_t ParamBytes(const Target& target, const trace::Layer& layer) {
  if (!layer.has_parameters()) return 0;
  const auto channels = static_cast<uint32_t>(target.net.tensors[layer.output].shape.channels);
  return channels * static_cast<uint32_t>(sizeof(float)) * (HasParamPairs(target, layer) ? 2 : 1);
}

bool IsStaged(const Target& target, const trace::Layer& layer) {
  return target.datapaths.base.tensor_scale == numerics::ScaleSource::kDynamic &&
         !target.datapaths.IsView(layer.output) &&
         numerics::HasTensorScale(target.datapaths.tensors[layer.output].format);
}

Plan::Plan(const Target& target, const std::vector<Place>& places,
           std::vector<sim::TensorPlacement>& tensors)
    : target_(target), tensors_(tensors), layers_(target.net.layers.size()) {
  if (std::count(places.begin(), places.end(), Place::kEither) > 0) {
    cost_ = std::make_unique<const PlaceCost>(target.design);
  }
  uint32_t largest = 0;
  for (const trace::Layer& layer : target.net.layers) {
    largest = std::max(largest, ParamBytes(target, layer));
  }
  params_room_ = static_cast<uint32_t>(2 * ScratchpadPlan::Rounded(largest));
  if (params_room_ + 2 * sim::kSramUnit > target.design.sram_out.size) {
    throw LoweringError("the parameters of two layers (" + std::to_string(params_room_) +
                        " bytes) do not fit beside a tile: sram.out.size is too small");
  }
  for (size_t i = 0; i < layers_.size(); ++i) PlanLayer(static_cast<int>(i), places[i]);
}

Plan::~Plan() = default;

bool Plan::MayStay(int index) const {
  const trace::Layer& layer = target_.net.layers[index];
  const size_t next = static_cast<size_t>(index) + 1;
  if (!target_.design.keep_activations || next >= target_.net.layers.size()) return false;
  const auto in_another = [&](const sim::TensorPlacement& t) {
    return t.root == layer.output && &t != &tensors_[layer.output];
  };
  if (target_.datapaths.IsView(layer.output) ||
      std::any_of(tensors_.begin(), tensors_.end(), in_another)) {
    return false;  // it shares its place with others
  }
  const trace::Layer& reader = target_.net.layers[next];
  const auto& layout = tensors_[layer.output].layout;
  const uint64_t bytes =
      ScratchpadPlan::Rounded(layout.code_bytes()) + ScratchpadPlan::Rounded(layout.scale_bytes());
  return reader.has_products() && reader.input == layer.output &&
         bytes <= target_.design.sram_act.size / 2;
}

// Half of the activation SRAM is for what the layer reads, half for what it keeps for the next one.
void Plan::KeepOutput(const trace::Layer& layer) {
  const sim::TensorPlacement& in = tensors_[layer.input];
  sim::TensorPlacement& out = tensors_[layer.output];
  const uint32_t half = target_.design.sram_act.size / 2 / sim::kSramUnit * sim::kSramUnit;
  out.in_act = true;
  out.act_codes = in.in_act && in.act_codes == 0 ? half : 0;
  out.act_scales =
      out.act_codes + static_cast<uint32_t>(ScratchpadPlan::Rounded(out.layout.code_bytes()));
  // Whoever else reads it, reads it from DRAM.
  int readers = layer.output == target_.net.output ? 1 : 0;
  for (const trace::Layer& other : target_.net.layers) {
    const std::vector<int> read = trace::TensorsRead(other);
    readers += static_cast<int>(std::count(read.begin(), read.end(), layer.output));
  }
  out.in_dram = readers > 1;
}

ConvProblem Plan::Problem(const trace::Layer& layer, bool near_memory) const {
  const sim::TensorPlacement& out = tensors_[layer.output];
  const auto channels = static_cast<uint32_t>(target_.net.tensors[layer.output].shape.channels);
  numerics::ActivationLayout written = out.layout;
  if (IsStaged(target_, layer)) written.format = Format::kFp32;
  ConvProblem p;
  p.geometry = GeometryOf(target_, layer);
  p.channels = channels;
  p.out_pixel_bytes = PixelBytes(written);
  const int residual = layer.fused_residual();
  if (residual >= 0) p.residual_pixel_bytes = PixelBytes(tensors_[residual].layout);
  p.params_bytes = ParamBytes(target_, layer);
  // Tiles start at whole groups of accumulators, and at whole blocks of what is stored.
  p.channel_unit = accel::kAccGroup;
  const auto keep_whole = [&](const numerics::ActivationLayout& layout) {
    if (layout.format == Format::kFp32 || layout.strips()) return;
    p.channel_unit = std::max(p.channel_unit, static_cast<uint32_t>(layout.block));
  };
  keep_whole(written);
  if (residual >= 0) keep_whole(tensors_[residual].layout);
  p.act_room = out.in_act ? target_.design.sram_act.size / 2 : target_.design.sram_act.size;
  p.out_room = tile_room();
  p.input_in_act = tensors_[layer.input].in_act;
  p.output_in_dram = out.in_dram || written.format == Format::kFp32;
  p.near_memory = near_memory;
  if (near_memory) {
    const platforms::DesignPoint& d = target_.design;
    const uint32_t units = d.dram_channels * d.dram.banks() / d.nearmem.unit_banks;
    const uint32_t of_a_unit = (channels + units - 1) / units;
    p.geometry.bank_group = static_cast<uint8_t>(std::min(d.nearmem.accumulators, of_a_unit) - 1);
    const nearmem::BankLayout layout(p.geometry, d.nearmem, d.dram, d.dram_channels);
    p.channel_unit = std::lcm(p.channel_unit, layout.channel_unit());
  }
  return p;
}

LayerPlan Plan::Tile(const trace::Layer& layer, Place place) const {
  const auto tile = [&](bool near_memory) {
    const ConvProblem problem = Problem(layer, near_memory);
    return LayerPlan{problem, ChooseTiling(problem, target_.design, layer.name)};
  };
  if (place != Place::kEither) return tile(place == Place::kNear);
  const LayerPlan host = tile(false);
  try {
    const LayerPlan near = tile(true);
    return cost_->Of(near) < cost_->Of(host) ? near : host;
  } catch (const LoweringError&) {  // its tiles do not fit
    return host;
  }
}

void Plan::PlanLayer(int index, Place place) {
  const trace::Layer& layer = target_.net.layers[index];
  const bool keep = MayStay(index);
  if (keep) KeepOutput(layer);
  if (!layer.has_products()) return;
  try {
    layers_[index] = Tile(layer, place);
  } catch (const LoweringError&) {
    if (!keep) throw;
    // Its tiles need the whole of the activation SRAM: the output goes through DRAM.
    tensors_[layer.output].in_act = false;
    tensors_[layer.output].in_dram = true;
    layers_[index] = Tile(layer, place);
  }
}

}  // namespace nibble::lowering
