#include "sw/lowering/schedule.h"

#include <algorithm>

#include "sw/lowering/lowering.h"

namespace nibble::lowering {

using numerics::Format;
using sim::Buffer;
using sim::Opcode;

Schedule::Schedule(const Target& target, const Plan& plan,
                   const std::vector<sim::TensorPlacement>& tensors, uint64_t staging)
    : target_(target),
      net_(target.net),
      plan_(plan),
      tensors_(tensors),
      staging_(staging),
      act_("sram.act.size", target.design.sram_act.size),
      weight_("sram.weight.size", target.design.sram_weight.size),
      acc_("sram.acc.size", target.design.sram_acc.size),
      out_("sram.out.size", plan.tile_room()),
      params_("sram.out.size", plan.params_room(), plan.tile_room()),
      stored_(tensors.size()),
      forwarded_(tensors.size()),
      kept_(tensors.size(), -1),
      kept_after_(tensors.size()) {}

void Schedule::PeakUse(uint64_t peak[sim::kBuffers]) const {
  peak[static_cast<int>(Buffer::kAct)] = act_.high_water();
  peak[static_cast<int>(Buffer::kWeight)] = weight_.high_water();
  peak[static_cast<int>(Buffer::kAcc)] = acc_.high_water();
  peak[static_cast<int>(Buffer::kOut)] = out_.high_water() + params_.high_water();
}

void Schedule::Presets(const std::vector<numerics::TensorScale>& scales) {
  for (size_t i = 0; i < scales.size(); i += 2) {
    sim::Command command = MakeCommand(Opcode::kVectorScales);
    for (size_t j = 0; j < 2; ++j) {
      const bool used = i + j < scales.size();
      command.scales.reg[j] = used ? static_cast<uint16_t>(i + j) : sim::kNoRegister;
      command.scales.encode[j] = used ? scales[i + j].encode : 0.0f;
      command.scales.decode[j] = used ? scales[i + j].decode : 0.0f;
    }
    emit_.Emit(command);
  }
}

void Schedule::Layer(int index, const LayerConstants& constants) try {
  const trace::Layer& layer = net_.layers[index];
  emit_.set_layer(static_cast<uint16_t>(index));
  emit_.set_tile(0);
  const sim::TensorPlacement& out = tensors_[layer.output];
  if (out.in_act) {
    const uint64_t bytes =
        out.act_scales - out.act_codes + ScratchpadPlan::Rounded(out.layout.scale_bytes());
    kept_[layer.output] = act_.AllocateAt(out.act_codes, bytes, &kept_after_[layer.output]);
  }
  switch (layer.op) {
    case trace::Op::kConv:
    case trace::Op::kDepthwiseConv:
    case trace::Op::kFullyConnected:
    case trace::Op::kMatMul:
      Convolution(layer, plan_.layer(index), constants);
      break;
    case trace::Op::kAdd:
    case trace::Op::kMultiply:
      Combine(layer);
      break;
    case trace::Op::kGlobalAveragePool:
      AveragePool(layer);
      break;
    case trace::Op::kMaxPool:
    case trace::Op::kAveragePool:
      PoolWindows(layer);
      break;
    case trace::Op::kConcat:
    case trace::Op::kSlice:
    case trace::Op::kShuffle:
    case trace::Op::kActivate:
      CopyChannels(layer);
      break;
    case trace::Op::kTranspose:
      Transpose(layer);
      break;
    case trace::Op::kSoftmax:
    case trace::Op::kLayerNorm:
      RowFunction(layer, constants);
      break;
    case trace::Op::kStack:
    case trace::Op::kPick:
      MovePixels(layer);
      break;
  }
  if (Staged(layer)) QuantizeStaged(layer);
  if (kept_[layer.input] >= 0)
    act_.Release(kept_[layer.input]);  // a kept tensor has one reader from there
  emit_.at(last_store_).flags |= sim::kEndOfLayer;
} catch (const LoweringError& error) {
  throw LoweringError("layer '" + net_.layers[index].name + "': " + error.what());
}

bool Schedule::Staged(const trace::Layer& layer) const { return IsStaged(target_, layer); }

numerics::ActivationLayout Schedule::StagingLayout(int tensor) const {
  numerics::ActivationLayout layout = tensors_[tensor].layout;
  layout.format = Format::kFp32;
  return layout;
}

uint16_t Schedule::RegisterOf(int tensor) const {
  return static_cast<uint16_t>(tensors_[tensor].root);
}

sim::StoredAs Schedule::StoredAsOf(int tensor) const {
  const numerics::ActivationLayout& layout = tensors_[tensor].layout;
  return sim::StoredAs::Of(static_cast<uint8_t>(layout.format), layout.block);
}

CommandId Schedule::EmitWriter(const sim::Command& command, const Part& written,
                               const Deps& after) {
  using numerics::RoundingMode;
  if (target_.datapaths.base.activation_rounding.mode == RoundingMode::kStochastic) {
    const sim::TensorPlacement& tensor = tensors_[written.tensor];
    const auto channels = static_cast<uint32_t>(tensors_[tensor.root].layout.channels);
    sim::Command position = MakeCommand(Opcode::kVectorPosition);
    position.position.element = uint64_t{written.pixel} * channels +
                                static_cast<uint32_t>(tensor.root_channel) + written.channel;
    position.position.channels = channels;
    emit_.Emit(position);
  }
  return emit_.Emit(command, after);
}

sim::Epilogue Schedule::EpilogueFor(const trace::Layer& layer) const {
  sim::Epilogue e{};
  e.activation = layer.activation.kind;
  e.lo = layer.activation.lo;
  e.hi = layer.activation.hi;
  e.out = StoredAsOf(layer.output);
  if (Staged(layer)) {
    e.out = sim::StoredAs::Of(static_cast<uint8_t>(Format::kFp32), e.out.block());
  }
  e.in = StoredAsOf(layer.input);
  if (layer.residual >= 0) e.residual = StoredAsOf(layer.residual);
  e.flags = Staged(layer) ? sim::kTrackAmax : 0;
  if (tensors_[layer.output].layout.strips()) e.flags |= sim::kStrips;
  e.weight_scale = 1.0f;
  e.in_reg = RegisterOf(layer.input);
  e.out_reg = RegisterOf(layer.output);
  if (layer.residual >= 0 && layer.op != trace::Op::kMatMul) {
    e.flags |= sim::kHasResidual;
    e.residual_reg = RegisterOf(layer.residual);
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

CommandId Schedule::HoldsScales(CommandId word) {
  emit_.at(word).flags |= sim::kHoldsScales;
  return word;
}

namespace {

// Bytes of `channels` channels of a pixel; parts start at whole blocks, so a part is a layout of
// its own.
numerics::ActivationLayout PartLayout(const sim::TensorPlacement& tensor, uint32_t pixels,
                                      uint32_t channels) {
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

CommandId Schedule::CopyPart(Opcode opcode, const Part& part, Buffer buffer, uint16_t codes,
                             uint16_t scales, const Deps& after) {
  const sim::TensorPlacement& tensor = tensors_[part.tensor];
  const auto held = PartLayout(tensor, part.pixels, part.channels);
  const auto before = PartLayout(tensor, 1, part.channel);
  const auto copy = [&](uint16_t unit, uint64_t at, uint64_t rows, uint32_t row_bytes,
                        uint32_t stride) {
    return Copy(opcode, buffer, unit, at, static_cast<uint32_t>(rows), row_bytes, stride, after);
  };
  const CommandId last =
      copy(codes,
           tensor.codes + uint64_t{part.pixel} * tensor.code_stride + before.code_bytes_per_pixel(),
           part.pixels, held.code_bytes_per_pixel(), tensor.code_stride);
  if (held.scale_row_bytes() == 0) return last;
  return HoldsScales(copy(
      scales,
      tensor.scales + held.scale_rows(part.pixel) * tensor.scale_stride + before.scale_row_bytes(),
      held.scale_rows(part.pixels), held.scale_row_bytes(), tensor.scale_stride));
}

CommandId Schedule::LoadPart(const Part& part, Buffer buffer, uint16_t codes, uint16_t scales,
                             const Deps& after) {
  Deps deps = after;
  AddWriters(part, deps);
  return CopyPart(Opcode::kLoad, part, buffer, codes, scales, deps);
}

CommandId Schedule::Forward(const Part& part, uint16_t codes, uint16_t scales, const Deps& after) {
  const sim::TensorPlacement& tensor = tensors_[part.tensor];
  const auto held = PartLayout(tensor, part.pixels, part.channels);
  const auto before = PartLayout(tensor, 1, part.channel);
  Deps deps = after;
  deps.insert(deps.end(), kept_after_[part.tensor].begin(), kept_after_[part.tensor].end());
  const auto move = [&](uint16_t from, uint64_t to, uint64_t rows, uint32_t row_bytes,
                        uint32_t stride) {
    sim::Command command = MakeCommand(Opcode::kForward);
    command.move.from = from * sim::kSramUnit;
    command.move.to = static_cast<uint32_t>(to);
    const bool whole = row_bytes == stride;
    command.move.rows = whole ? 1 : static_cast<uint32_t>(rows);
    command.move.row_bytes = static_cast<uint32_t>(whole ? rows * row_bytes : row_bytes);
    command.move.to_stride = stride;
    last_store_ = emit_.Emit(command, deps);
  };
  const uint32_t code_stride = tensor.layout.code_bytes_per_pixel();
  move(codes, tensor.act_codes + part.pixel * code_stride + before.code_bytes_per_pixel(),
       part.pixels, held.code_bytes_per_pixel(), code_stride);
  if (held.scale_row_bytes() > 0) {
    const uint32_t scale_stride = tensor.layout.scale_row_bytes();
    move(scales,
         tensor.act_scales + held.scale_rows(part.pixel) * scale_stride + before.scale_row_bytes(),
         held.scale_rows(part.pixels), held.scale_row_bytes(), scale_stride);
    HoldsScales(last_store_);
  }
  act_.Use(kept_[part.tensor], last_store_);
  return last_store_;
}

uint64_t Schedule::OutputCodeBytes(const trace::Layer& layer, const Part& part) const {
  return Staged(layer) ? uint64_t{part.pixels} * part.channels * sizeof(float)
                       : PartCodeBytes(part);
}

CommandId Schedule::WriteOutput(const trace::Layer& layer, const Part& part, uint16_t codes,
                                uint16_t scales, const Deps& after, bool complete) {
  if (!Staged(layer)) return Deliver(part, codes, scales, after, complete);
  const uint32_t stride = StagingLayout(part.tensor).code_bytes_per_pixel();
  return Copy(Opcode::kStore, Buffer::kOut, codes,
              staging_ + uint64_t{part.pixel} * stride + part.channel * sizeof(float), part.pixels,
              part.channels * static_cast<uint32_t>(sizeof(float)), stride, after);
}

CommandId Schedule::Deliver(const Part& part, uint16_t codes, uint16_t scales, const Deps& after,
                            bool complete) {
  const uint32_t done = part.pixel + part.pixels;
  CommandId last = kNone;
  if (tensors_[part.tensor].in_act) {
    last = Forward(part, codes, scales, after);
    if (complete) forwarded_[part.tensor].emplace_back(done, last);
  }
  if (tensors_[part.tensor].in_dram) {
    last = CopyPart(Opcode::kStore, part, Buffer::kOut, codes, scales, after);
    if (complete) stored_[part.tensor].emplace_back(done, last);
  }
  return last;
}

// Whoever stores some of the tensor that this one lies in: a view's own writer, or, of a tensor
// with views in it, all of theirs.
void Schedule::AddWriters(const Part& part, Deps& deps) const {
  const int root = tensors_[part.tensor].root;
  for (size_t t = 0; t < tensors_.size(); ++t) {
    if (tensors_[t].root != root) continue;
    const CommandId writer = WriterOf(stored_[t], part.pixel + part.pixels);
    if (writer != kNone) deps.push_back(writer);
  }
}

CommandId Schedule::WriterOf(const Log& log, uint32_t pixels) {
  for (const auto& [done, word] : log) {
    if (done >= pixels) return word;
  }
  return kNone;  // the network's input
}

}  // namespace nibble::lowering
