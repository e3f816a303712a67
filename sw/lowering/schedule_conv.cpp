// Convolutions and fully connected layers: tiles in the chosen order, weights and activations
// loaded when first needed.
#include <algorithm>

#include "models/accel/weight_layout.h"
#include "sw/lowering/lowering.h"
#include "sw/lowering/schedule.h"

namespace nibble::lowering {

using sim::Buffer;
using sim::Opcode;

namespace {

uint64_t Rounded(uint64_t bytes) { return ScratchpadPlan::Rounded(bytes); }

}  // namespace

struct Schedule::ConvState {
  const trace::Layer& layer;
  const LayerConstants& constants;
  const ConvProblem& problem;
  const ConvTiling& tiling;
  accel::WeightLayout weights{};
  Resident input{}, weight{};
  ScratchpadPlan::Tile params = -1;
  CommandId params_loaded = kNone;
  uint32_t param_bytes = 0;  // of one channel

  // The output tile under construction.
  ScratchpadPlan::Tile out = -1;
  Deps out_after{};
  uint16_t out_codes = 0, out_scales = 0, residual_codes = 0, residual_scales = 0;
  CommandId residual_loaded = kNone, vector = kNone;

  uint32_t out_row(uint32_t row_tile) const { return row_tile * tiling.rows; }
  uint32_t out_rows(uint32_t row_tile) const {
    return std::min<uint32_t>(tiling.rows, problem.geometry.out_height - out_row(row_tile));
  }
  // The output tile holds all channels of its pixels, or those of one channel tile.
  bool whole_pixels() const { return tiling.order == LoopOrder::kRowsOuter; }
};

CommandId Schedule::LoadParams(uint64_t address, uint32_t bytes, ScratchpadPlan::Tile* tile) {
  Deps after;
  *tile = params_.Allocate(bytes, &after);
  const CommandId load =
      Copy(Opcode::kLoad, Buffer::kOut, params_.unit(*tile), address, 1, bytes, bytes, after);
  params_.Use(*tile, HoldsScales(load));
  return load;
}

Schedule::Piece Schedule::LoadInput(ConvState& s, uint32_t row_tile) {
  const sim::Geometry& g = s.problem.geometry;
  const RowRange rows = InputRows(g, s.out_row(row_tile), s.out_rows(row_tile));
  if (s.problem.input_in_act) {
    const sim::TensorPlacement& tensor = tensors_[s.layer.input];
    const uint32_t pixels = (rows.first + rows.count) * g.in_width;
    return {WriterOf(forwarded_[s.layer.input], pixels),
            static_cast<uint16_t>(tensor.act_codes / sim::kSramUnit),
            static_cast<uint16_t>(tensor.act_scales / sim::kSramUnit)};
  }
  Resident& in = s.input;
  const auto found = in.pieces.find(row_tile);
  if (found != in.pieces.end()) return found->second;
  const auto part = [&](uint32_t first, uint32_t count) {
    return Part{s.layer.input, first * g.in_width, count * g.in_width, 0, g.in_channels};
  };
  const auto size = [&](uint32_t count) {
    return Rounded(PartCodeBytes(part(0, count))) + Rounded(PartScaleBytes(part(0, count)));
  };
  uint64_t offset = 0;
  if (s.tiling.keep_input) {  // all of the layer's tiles side by side
    uint64_t total = 0;
    for (uint32_t tile = 0; tile < s.tiling.row_tiles(g); ++tile) {
      if (tile == row_tile) offset = total;
      total += size(InputRows(g, s.out_row(tile), s.out_rows(tile)).count);
    }
    if (in.tile < 0) in.tile = act_.Allocate(total, &in.after);
  } else {
    if (in.tile >= 0) act_.Release(in.tile);
    in = Resident{};
    in.tile = act_.Allocate(size(rows.count), &in.after);
  }
  Piece piece;
  const Part here = part(rows.first, rows.count);
  piece.codes = act_.unit(in.tile, offset);
  piece.scales = act_.unit(in.tile, offset + Rounded(PartCodeBytes(here)));
  piece.load = LoadPart(here, Buffer::kAct, piece.codes, piece.scales, in.after);
  act_.Use(in.tile, piece.load);
  in.pieces[row_tile] = piece;
  return piece;
}

Schedule::Piece Schedule::LoadWeights(ConvState& s, uint32_t channel, uint32_t channels) {
  Resident& w = s.weight;
  const auto found = w.pieces.find(channel);
  if (found != w.pieces.end()) return found->second;
  const uint64_t code_bytes = s.weights.code_bytes_per_channel();
  const uint64_t scale_bytes = s.weights.scale_bytes_per_channel();
  const auto size = [&](uint32_t n) { return Rounded(n * code_bytes) + Rounded(n * scale_bytes); };
  uint64_t offset = 0;
  if (s.tiling.keep_weights) {  // all of the layer's runs side by side
    uint64_t total = 0;
    for (uint32_t c = 0; c < s.problem.channels; c += s.tiling.channels) {
      const uint32_t in_tile = std::min(s.tiling.channels, s.problem.channels - c);
      for (uint32_t run = 0; run < in_tile; run += s.tiling.weight_channels) {
        if (c + run == channel) offset = total;
        total += size(std::min(s.tiling.weight_channels, in_tile - run));
      }
    }
    if (w.tile < 0) w.tile = weight_.Allocate(total, &w.after);
  } else {
    if (w.tile >= 0) weight_.Release(w.tile);
    w = Resident{};
    w.tile = weight_.Allocate(size(channels), &w.after);
  }
  Piece piece;
  piece.codes = weight_.unit(w.tile, offset);
  piece.scales = weight_.unit(w.tile, offset + Rounded(channels * code_bytes));
  if (s.layer.op == trace::Op::kMatMul) {  // the pixels of a stored tensor
    const Part part{s.layer.residual, channel, channels, 0, s.problem.geometry.in_channels};
    piece.load = LoadPart(part, Buffer::kWeight, piece.codes, piece.scales, w.after);
    weight_.Use(w.tile, piece.load);
    return w.pieces[channel] = piece;
  }
  const auto load = [&](uint16_t unit, uint64_t base, uint64_t bytes_per_channel) {
    const auto bytes = static_cast<uint32_t>(channels * bytes_per_channel);
    return Copy(Opcode::kLoad, Buffer::kWeight, unit, base + channel * bytes_per_channel, 1, bytes,
                bytes, w.after);
  };
  piece.load = load(piece.codes, s.constants.weight_codes, code_bytes);
  if (scale_bytes > 0) {
    piece.load = HoldsScales(load(piece.scales, s.constants.weight_scales, scale_bytes));
  }
  weight_.Use(w.tile, piece.load);
  w.pieces[channel] = piece;
  return piece;
}

void Schedule::Compute(ConvState& s, uint32_t row_tile, uint32_t channel, uint32_t channels) {
  const sim::Geometry& g = s.problem.geometry;
  const uint64_t pixels = uint64_t{s.out_rows(row_tile)} * g.out_width;
  const RowRange rows = InputRows(g, s.out_row(row_tile), s.out_rows(row_tile));
  Deps acc_free;
  const auto acc = acc_.Allocate(accel::AccumulatorBytes(pixels, channels), &acc_free);

  sim::Command command =
      MakeCommand(s.constants.near_memory ? Opcode::kBankRun : Opcode::kTensorRun);
  sim::Convolve& run = command.convolve;
  run.out_row = static_cast<uint16_t>(s.out_row(row_tile));
  run.out_rows = static_cast<uint16_t>(s.out_rows(row_tile));
  run.in_row = static_cast<uint16_t>(s.problem.input_in_act ? 0 : rows.first);
  run.in_rows = static_cast<uint16_t>(s.problem.input_in_act ? g.in_height : rows.count);
  if (s.constants.near_memory) {
    run.bank_row = s.constants.bank_row;
  } else {
    run.group_outputs = static_cast<uint16_t>(s.problem.channels / std::max<uint32_t>(1, g.groups));
  }

  const uint32_t step = s.constants.near_memory ? channels : s.tiling.weight_channels;
  CommandId compute = kNone;
  for (uint32_t c = 0; c < channels; c += step) {
    const uint32_t count = std::min(step, channels - c);
    Deps after = acc_free;
    if (!s.constants.near_memory) {
      const Piece weights = LoadWeights(s, channel + c, count);
      run.weight = weights.codes;
      run.weight_scales = weights.scales;
      after.push_back(weights.load);
    }
    const Piece input = LoadInput(s, row_tile);
    run.act = input.codes;
    run.act_scales = input.scales;
    after.push_back(input.load);
    run.channel = static_cast<uint16_t>(channel + c);
    run.channels = static_cast<uint16_t>(count);
    run.acc = acc_.unit(acc, uint64_t{c} * pixels * sizeof(float));
    compute = emit_.Emit(command, after);
    act_.Use(s.problem.input_in_act ? kept_[s.layer.input] : s.input.tile, compute);
    if (!s.constants.near_memory) weight_.Use(s.weight.tile, compute);
  }
  acc_.Use(acc, compute);
  Finish(s, row_tile, channel, channels, acc, compute);
}

void Schedule::Finish(ConvState& s, uint32_t row_tile, uint32_t channel, uint32_t channels,
                      ScratchpadPlan::Tile acc, CommandId compute) {
  OpenOutput(s, row_tile, channel, channels);
  sim::Command vector = MakeCommand(Opcode::kVectorRun);
  sim::Elementwise& tile = vector.elementwise;
  tile.pixels = static_cast<uint16_t>(s.out_rows(row_tile) * s.problem.geometry.out_width);
  tile.channels = static_cast<uint16_t>(channels);
  tile.channel = static_cast<uint16_t>(s.whole_pixels() ? channel : 0);
  tile.pitch = static_cast<uint16_t>(s.whole_pixels() ? s.problem.channels : channels);
  tile.acc = acc_.unit(acc);
  if (s.params >= 0) tile.params = params_.unit(s.params, uint64_t{channel} * s.param_bytes);
  tile.in = s.residual_codes;
  tile.in_scales = s.residual_scales;
  tile.out = s.out_codes;
  tile.out_scales = s.out_scales;
  Deps after = s.out_after;
  after.insert(after.end(), {compute, s.params_loaded, s.residual_loaded});
  const Part written{s.layer.output, s.out_row(row_tile) * s.problem.geometry.out_width,
                     tile.pixels, channel, channels};
  s.vector = EmitWriter(vector, written, after);
  acc_.Use(acc, s.vector);
  acc_.Release(acc);
  if (s.params >= 0) params_.Use(s.params, s.vector);
  out_.Use(s.out, s.vector);
  CloseOutput(s, row_tile, channel, channels);
}

void Schedule::OpenOutput(ConvState& s, uint32_t row_tile, uint32_t channel, uint32_t channels) {
  if (s.out >= 0) return;
  const uint32_t width = s.problem.geometry.out_width;
  const uint32_t first = s.whole_pixels() ? 0 : channel;
  const uint32_t held = s.whole_pixels() ? s.problem.channels : channels;
  const Part part{s.layer.output, s.out_row(row_tile) * width, s.out_rows(row_tile) * width, first,
                  held};
  const uint64_t codes = Rounded(OutputCodeBytes(s.layer, part));
  const uint64_t scales = Staged(s.layer) ? 0 : Rounded(PartScaleBytes(part));
  Part residual = part;
  residual.tensor = s.layer.fused_residual();
  const bool has_residual = residual.tensor >= 0;
  const uint64_t residual_codes = has_residual ? Rounded(PartCodeBytes(residual)) : 0;
  const uint64_t residual_scales = has_residual ? Rounded(PartScaleBytes(residual)) : 0;

  s.out_after.clear();
  s.out = out_.Allocate(codes + scales + residual_codes + residual_scales, &s.out_after);
  s.out_codes = out_.unit(s.out);
  s.out_scales = out_.unit(s.out, codes);
  s.residual_loaded = kNone;
  if (has_residual) {
    s.residual_codes = out_.unit(s.out, codes + scales);
    s.residual_scales = out_.unit(s.out, codes + scales + residual_codes);
    s.residual_loaded =
        LoadPart(residual, Buffer::kOut, s.residual_codes, s.residual_scales, s.out_after);
    out_.Use(s.out, s.residual_loaded);
  }
}

void Schedule::CloseOutput(ConvState& s, uint32_t row_tile, uint32_t channel, uint32_t channels) {
  if (s.whole_pixels() && channel + channels < s.problem.channels) return;
  const uint32_t width = s.problem.geometry.out_width;
  const uint32_t first = s.whole_pixels() ? 0 : channel;
  const uint32_t held = s.whole_pixels() ? s.problem.channels : channels;
  const Part part{s.layer.output, s.out_row(row_tile) * width, s.out_rows(row_tile) * width, first,
                  held};
  const bool complete = channel + channels == s.problem.channels;
  const CommandId store =
      WriteOutput(s.layer, part, s.out_codes, s.out_scales, {s.vector}, complete);
  out_.Use(s.out, store);
  out_.Release(s.out);
  s.out = -1;
}

void Schedule::Convolution(const trace::Layer& layer, const LayerPlan& plan,
                           const LayerConstants& constants) {
  const bool channel_scales = HasChannelScales(target_, layer);
  const uint32_t channels = plan.problem.channels;
  ConvState s{layer, constants, plan.problem, plan.tiling};
  s.weights = accel::WeightLayoutOf(plan.problem.geometry);
  s.param_bytes = plan.problem.params_bytes / channels;

  sim::Command config =
      MakeCommand(constants.near_memory ? Opcode::kBankConfig : Opcode::kTensorConfig);
  config.geometry = s.problem.geometry;
  emit_.Emit(config);
  config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  config.epilogue.weight_scale = constants.weight_scale;
  if (channel_scales) config.epilogue.flags |= sim::kPerChannelScale;
  if (layer.op == trace::Op::kMatMul) {
    config.epilogue.flags |= sim::kStoredWeights;
    config.epilogue.weight_scale = layer.scale;
    config.epilogue.residual_reg = RegisterOf(layer.residual);
  }
  emit_.Emit(config);
  if (tensors_[layer.output].layout.strips()) {  // says where rows end
    config = MakeCommand(Opcode::kVectorGeometry);
    config.geometry = s.problem.geometry;
    emit_.Emit(config);
  }
  if (layer.has_weights()) {
    s.params_loaded = LoadParams(constants.params, plan.problem.params_bytes, &s.params);
  }

  const uint32_t row_tiles = s.tiling.row_tiles(s.problem.geometry);
  const uint32_t channel_tiles = s.tiling.channel_tiles(s.problem);
  const bool rows_outer = s.tiling.order == LoopOrder::kRowsOuter;
  for (uint32_t i = 0; i < row_tiles * channel_tiles; ++i) {
    const uint32_t row_tile = rows_outer ? i / channel_tiles : i % row_tiles;
    const uint32_t channel = (rows_outer ? i % channel_tiles : i / row_tiles) * s.tiling.channels;
    emit_.set_tile(static_cast<uint16_t>(i));
    Compute(s, row_tile, channel, std::min(s.tiling.channels, channels - channel));
  }
  if (s.input.tile >= 0) act_.Release(s.input.tile);
  if (s.weight.tile >= 0) weight_.Release(s.weight.tile);
  if (s.params >= 0) params_.Release(s.params);
}

}  // namespace nibble::lowering
