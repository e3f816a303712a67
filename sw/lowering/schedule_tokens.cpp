// Layers of transformers that have no dot product: functions of a pixel's channels, transpositions,
// and pixels stacked or picked.
#include <algorithm>

#include "sw/lowering/lowering.h"
#include "sw/lowering/schedule.h"

namespace nibble::lowering {

using sim::Opcode;

void Schedule::RowFunction(const trace::Layer& layer, const LayerConstants& constants) {
  const trace::Shape& shape = net_.tensors[layer.output].shape;
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  const auto channels = static_cast<uint32_t>(shape.channels);
  const bool normalizes = layer.op == trace::Op::kLayerNorm;
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  config.epilogue.lo = layer.epsilon;
  emit_.Emit(config);
  ScratchpadPlan::Tile params = -1;
  CommandId params_loaded = kNone;
  if (normalizes) {
    params_loaded = LoadParams(constants.params, ParamBytes(target_, layer), &params);
  }
  const Part in_pixel{layer.input, 0, 1, 0, channels}, out_pixel{layer.output, 0, 1, 0, channels};
  const uint32_t step = PixelsOfTile(layer, in_pixel, out_pixel, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part in{layer.input, pixel, count, 0, channels};
    const Part out{layer.output, pixel, count, 0, channels};
    Deps after;
    const TilePair tile = PlaceTiles(layer, in, out, &after);
    sim::Command command =
        MakeCommand(normalizes ? Opcode::kVectorNormalize : Opcode::kVectorSoftmax);
    sim::Elementwise& word = command.elementwise = {};
    word.pixels = static_cast<uint16_t>(count);
    word.channels = word.pitch = static_cast<uint16_t>(channels);
    word.in = tile.in;
    word.in_scales = tile.in_scales;
    word.out = tile.out;
    word.out_scales = tile.out_scales;
    if (normalizes) word.params = params_.unit(params);
    after.push_back(params_loaded);
    const CommandId done = RunTile(layer, command, in, out, tile, after, true);
    if (normalizes) params_.Use(params, done);
  }
  if (normalizes) params_.Release(params);
}

// Tiles of so many pixels and channels of the input that both fit twice: whole blocks of either
// tensor, all of an axis if possible.
void Schedule::Transpose(const trace::Layer& layer) {
  const trace::Shape& in_shape = net_.tensors[layer.input].shape;
  const auto pixels = static_cast<uint32_t>(in_shape.pixels());
  const auto channels = static_cast<uint32_t>(in_shape.channels);
  const auto in_block = static_cast<uint32_t>(tensors_[layer.input].layout.block);
  const auto out_block = static_cast<uint32_t>(tensors_[layer.output].layout.block);
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  emit_.Emit(config);
  const auto parts = [&](uint32_t pixel, uint32_t rows, uint32_t channel, uint32_t columns) {
    return std::pair{Part{layer.input, pixel, rows, channel, columns},
                     Part{layer.output, channel, columns, pixel, rows}};
  };
  uint32_t rows = pixels, columns = channels;
  const auto fits = [&] {
    const auto [in, out] = parts(0, rows, 0, columns);
    constexpr uint64_t kSlack = 4 * sim::kSramUnit;  // parts are rounded to units apart
    return PartCodeBytes(in) + PartScaleBytes(in) + OutputCodeBytes(layer, out) +
               PartScaleBytes(out) + kSlack <=
           out_.size() / 2;
  };
  const auto halve = [](uint32_t& length, uint32_t block) {
    length = (length / 2 + block - 1) / block * block;
  };
  while (!fits() && columns > in_block) halve(columns, in_block);
  while (!fits() && rows > out_block) halve(rows, out_block);
  if (!fits()) throw LoweringError("not even one block fits: sram.out.size is too small");
  for (uint32_t channel = 0; channel < channels; channel += columns) {
    for (uint32_t pixel = 0; pixel < pixels; pixel += rows) {
      const uint32_t row_count = std::min(rows, pixels - pixel);
      const auto [in, out] =
          parts(pixel, row_count, channel, std::min(columns, channels - channel));
      Deps after;
      const TilePair tile = PlaceTiles(layer, in, out, &after);
      sim::Command command = MakeCommand(Opcode::kVectorTranspose);
      sim::ChannelCopy& word = command.channel_copy = {};
      word.pixels = word.in_pitch = static_cast<uint16_t>(out.pixels);
      word.channels = word.pitch = static_cast<uint16_t>(out.channels);
      word.in = tile.in;
      word.in_scales = tile.in_scales;
      word.out = tile.out;
      word.out_scales = tile.out_scales;
      RunTile(layer, command, in, out, tile, after, pixel + row_count == pixels);
    }
  }
}

void Schedule::MovePixels(const trace::Layer& layer) {
  const auto pixels_of = [&](int t) {
    return static_cast<uint32_t>(net_.tensors[t].shape.pixels());
  };
  if (layer.op == trace::Op::kPick) {
    MovePixelsFrom(layer, layer.input, static_cast<uint32_t>(layer.first_pixel), 0,
                   pixels_of(layer.output));
    return;
  }
  uint32_t pixel = 0;
  for (const int t : layer.operands) {
    MovePixelsFrom(layer, t, 0, pixel, pixels_of(t));
    pixel += pixels_of(t);
  }
}

void Schedule::MovePixelsFrom(const trace::Layer& layer, int source, uint32_t from, uint32_t to,
                              uint32_t pixels) {
  const auto channels = static_cast<uint32_t>(net_.tensors[layer.output].shape.channels);
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFrom(layer, source);
  emit_.Emit(config);
  const Part in_pixel{source, 0, 1, 0, channels}, out_pixel{layer.output, 0, 1, 0, channels};
  const uint32_t step = PixelsOfTile(layer, in_pixel, out_pixel, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part in{source, from + pixel, count, 0, channels};
    const Part out{layer.output, to + pixel, count, 0, channels};
    Deps after;
    const TilePair tile = PlaceTiles(layer, in, out, &after);
    sim::Command command = MakeCommand(Opcode::kVectorCopy);
    sim::ChannelCopy& word = command.channel_copy = {};
    word.pixels = static_cast<uint16_t>(count);
    word.channels = word.pitch = word.in_pitch = static_cast<uint16_t>(channels);
    word.in = tile.in;
    word.in_scales = tile.in_scales;
    word.out = tile.out;
    word.out_scales = tile.out_scales;
    RunTile(layer, command, in, out, tile, after, true);
  }
}

}  // namespace nibble::lowering
