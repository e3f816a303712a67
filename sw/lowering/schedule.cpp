#include "sw/lowering/schedule.h"

#include <algorithm>

#include "models/accel/weight_layout.h"
#include "sw/lowering/lowering.h"

namespace nibble::lowering {

using numerics::Format;
using sim::Buffer;
using sim::Opcode;

namespace {

// Room for the parameters of two layers, so that the next layer's move in while this one's are in use.
uint32_t ParamsRoom(const trace::Network& net, const numerics::Datapath& datapath) {
  uint64_t largest = 0;
  for (const trace::Layer& layer : net.layers) {
    if (!layer.has_weights()) continue;
    const uint64_t words = HasChannelScales(layer, datapath) ? 2 : 1;
    largest = std::max<uint64_t>(largest, words * sizeof(float) * net.tensors[layer.output].shape.channels);
  }
  return static_cast<uint32_t>(2 * ScratchpadPlan::Rounded(largest));
}

uint32_t TileRoom(const platforms::DesignPoint& design, uint32_t params_room) {
  if (params_room + 2 * sim::kSramUnit > design.sram_out.size) {
    throw LoweringError("the parameters of two layers (" + std::to_string(params_room) +
                        " bytes) do not fit beside a tile: sram.out.size is too small");
  }
  return design.sram_out.size - params_room;
}

}  // namespace

sim::Geometry GeometryOf(const trace::Network& net, const trace::Layer& layer,
                         const numerics::Datapath& datapath) {
  const trace::Shape& in = net.tensors[layer.input].shape;
  const trace::Shape& out = net.tensors[layer.output].shape;
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
  g.block = static_cast<uint8_t>(datapath.block);
  g.depthwise = layer.op == trace::Op::kDepthwiseConv;
  return g;
}

bool HasChannelScales(const trace::Layer& layer, const numerics::Datapath& datapath) {
  return layer.has_weights() && datapath.weights == Format::kFp8;
}

Schedule::Schedule(const trace::Network& net, const platforms::DesignPoint& design,
                   const std::vector<sim::TensorPlacement>& tensors, uint64_t staging)
    : net_(net),
      design_(design),
      tensors_(tensors),
      staging_(staging),
      params_room_(ParamsRoom(net, design.datapath)),
      act_("sram.act.size", design.sram_act.size),
      weight_("sram.weight.size", design.sram_weight.size),
      acc_("sram.acc.size", design.sram_acc.size),
      out_("sram.out.size", TileRoom(design, params_room_)),
      params_("sram.out.size", params_room_, out_.size()),
      written_(tensors.size()) {}

void Schedule::PeakUse(uint64_t peak[sim::kBuffers]) const {
  peak[static_cast<int>(Buffer::kAct)] = act_.high_water();
  peak[static_cast<int>(Buffer::kWeight)] = weight_.high_water();
  peak[static_cast<int>(Buffer::kAcc)] = acc_.high_water();
  peak[static_cast<int>(Buffer::kOut)] = out_.high_water() + params_.high_water();
}

void Schedule::Presets(const std::vector<numerics::TensorScale>& scales) {
  for (size_t i = 0; i < scales.size(); i += 4) {
    sim::Command command = MakeCommand(Opcode::kVectorScales);
    for (size_t j = 0; j < 4; ++j) {
      const bool used = i + j < scales.size();
      command.scales.reg[j] = used ? static_cast<uint16_t>(i + j) : 0xFFFF;
      command.scales.encode[j] = used ? scales[i + j].encode : 0.0f;
    }
    emit_.Emit(command);
  }
}

void Schedule::Layer(int index, const LayerConstants& constants) {
  const trace::Layer& layer = net_.layers[index];
  emit_.set_layer(static_cast<uint16_t>(index));
  emit_.set_tile(0);
  switch (layer.op) {
    case trace::Op::kConv:
    case trace::Op::kDepthwiseConv:
    case trace::Op::kFullyConnected:
      Convolution(layer, constants);
      break;
    case trace::Op::kAdd:
      Add(layer);
      break;
    case trace::Op::kGlobalAveragePool:
      AveragePool(layer);
      break;
  }
  if (Staged(layer)) QuantizeStaged(layer);
  emit_.at(last_store_).flags |= sim::kEndOfLayer;
}

bool Schedule::Staged(const trace::Layer& layer) const {
  return design_.datapath.tensor_scale == numerics::ScaleSource::kDynamic &&
         tensors_[layer.output].layout.format == Format::kNvfp4;
}

numerics::ActivationLayout Schedule::StagingLayout(int tensor) const {
  numerics::ActivationLayout layout = tensors_[tensor].layout;
  layout.format = Format::kFp32;
  return layout;
}

sim::Epilogue Schedule::EpilogueFor(const trace::Layer& layer) const {
  sim::Epilogue e{};
  e.activation = static_cast<uint8_t>(layer.activation.kind);
  e.lo = layer.activation.lo;
  e.hi = layer.activation.hi;
  e.out_format = static_cast<uint8_t>(Staged(layer) ? Format::kFp32 : tensors_[layer.output].layout.format);
  e.in_format = static_cast<uint8_t>(tensors_[layer.input].layout.format);
  e.block = static_cast<uint8_t>(design_.datapath.block);
  e.flags = Staged(layer) ? sim::kTrackAmax : 0;
  e.weight_scale = 1.0f;
  e.in_reg = static_cast<uint16_t>(layer.input);
  e.out_reg = static_cast<uint16_t>(layer.output);
  if (layer.residual >= 0) {
    e.flags |= sim::kHasResidual;
    e.residual_reg = static_cast<uint16_t>(layer.residual);
  }
  return e;
}

CommandId Schedule::Copy(Opcode opcode, Buffer buffer, uint16_t unit, uint64_t dram, uint32_t rows,
                         uint32_t row_bytes, uint32_t stride, const Deps& after) {
  sim::Command command = MakeCommand(opcode);
  command.copy.dram = dram;
  command.copy.rows = rows;
  command.copy.row_bytes = row_bytes;
  command.copy.dram_stride = stride;
  command.copy.sram = unit;
  command.copy.buffer = buffer;
  const CommandId id = emit_.Emit(command, after);
  if (opcode == Opcode::kStore) last_store_ = id;
  return id;
}

namespace {

// Bytes of `channels` channels of a pixel; parts start at whole blocks, so a part is a layout of its own.
numerics::ActivationLayout PartLayout(const sim::TensorPlacement& tensor, uint32_t pixels, uint32_t channels) {
  numerics::ActivationLayout layout = tensor.layout;
  layout.pixels = static_cast<int>(pixels);
  layout.channels = static_cast<int>(channels);
  return layout;
}

}  // namespace

uint64_t Schedule::PartCodeBytes(const Part& part) const {
  return PartLayout(tensors_[part.tensor], part.pixels, part.channels).code_bytes();
}

uint64_t Schedule::PartScaleBytes(const Part& part) const {
  return PartLayout(tensors_[part.tensor], part.pixels, part.channels).scale_bytes();
}

CommandId Schedule::LoadPart(const Part& part, Buffer buffer, uint16_t codes, uint16_t scales,
                             const Deps& after) {
  const sim::TensorPlacement& tensor = tensors_[part.tensor];
  const auto held = PartLayout(tensor, part.pixels, part.channels);
  const auto before = PartLayout(tensor, 1, part.channel);
  Deps deps = after;
  deps.push_back(WriterOf(part.tensor, part.pixel + part.pixels));
  const uint32_t stride = tensor.layout.code_bytes_per_pixel();
  CommandId id = Copy(Opcode::kLoad, buffer, codes,
                      tensor.codes + uint64_t{part.pixel} * stride + before.code_bytes_per_pixel(),
                      part.pixels, held.code_bytes_per_pixel(), stride, deps);
  if (held.scale_bytes_per_pixel() > 0) {
    const uint32_t scale_stride = tensor.layout.scale_bytes_per_pixel();
    id = Copy(Opcode::kLoad, buffer, scales,
              tensor.scales + uint64_t{part.pixel} * scale_stride + before.scale_bytes_per_pixel(),
              part.pixels, held.scale_bytes_per_pixel(), scale_stride, deps);
  }
  return id;
}

CommandId Schedule::StorePart(const Part& part, uint16_t codes, uint16_t scales, const Deps& after) {
  const sim::TensorPlacement& tensor = tensors_[part.tensor];
  const auto held = PartLayout(tensor, part.pixels, part.channels);
  const auto before = PartLayout(tensor, 1, part.channel);
  const uint32_t stride = tensor.layout.code_bytes_per_pixel();
  CommandId id = Copy(Opcode::kStore, Buffer::kOut, codes,
                      tensor.codes + uint64_t{part.pixel} * stride + before.code_bytes_per_pixel(),
                      part.pixels, held.code_bytes_per_pixel(), stride, after);
  if (held.scale_bytes_per_pixel() > 0) {
    const uint32_t scale_stride = tensor.layout.scale_bytes_per_pixel();
    id = Copy(Opcode::kStore, Buffer::kOut, scales,
              tensor.scales + uint64_t{part.pixel} * scale_stride + before.scale_bytes_per_pixel(),
              part.pixels, held.scale_bytes_per_pixel(), scale_stride, after);
  }
  return id;
}

void Schedule::Wrote(int tensor, uint32_t pixels_done, CommandId store) {
  written_[tensor].emplace_back(pixels_done, store);
}

CommandId Schedule::WriterOf(int tensor, uint32_t pixels) const {
  for (const auto& [done, store] : written_[tensor]) {
    if (done >= pixels) return store;
  }
  return kNone;  // the network's input
}

}  // namespace nibble::lowering
