// Layers without a dot product, and the second pass of dynamic tensor scales.
#include <fmt/format.h>

#include <algorithm>

#include "sw/lowering/lowering.h"
#include "sw/lowering/schedule.h"

namespace nibble::lowering {

using sim::Buffer;
using sim::Opcode;

namespace {

uint16_t Units(uint64_t bytes) {
  return static_cast<uint16_t>(ScratchpadPlan::Rounded(bytes) / sim::kSramUnit);
}

sim::Elementwise Tile(uint32_t pixels, uint32_t channels) {
  sim::Elementwise tile{};
  tile.pixels = static_cast<uint16_t>(pixels);
  tile.channels = tile.pitch = static_cast<uint16_t>(channels);
  return tile;
}

// Pixels of a tile of which two fit in `room`, when a pixel takes `bytes`.
uint32_t PixelsOfTile(uint64_t room, uint64_t bytes, uint32_t pixels) {
  constexpr uint64_t kSlack = 8 * sim::kSramUnit;  // parts are rounded to units apart
  if (room / 2 < bytes + kSlack) {
    throw LoweringError("not even one pixel fits: sram.out.size is too small");
  }
  return static_cast<uint32_t>(std::min<uint64_t>({(room / 2 - kSlack) / bytes, pixels, 0xFFFF}));
}

}  // namespace

void Schedule::AveragePool(const trace::Layer& layer) {
  const trace::Shape& in = net_.tensors[layer.input].shape;
  const auto pixels = static_cast<uint32_t>(in.pixels());
  const auto channels = static_cast<uint32_t>(in.channels);
  if (pixels > 0xFFFF) {
    throw LoweringError(fmt::format("a pool over {} pixels: at most 65535", pixels));
  }
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  emit_.Emit(config);

  Deps sums_free;
  const ScratchpadPlan::Tile sums = acc_.Allocate(uint64_t{channels} * sizeof(float), &sums_free);
  const Part out_part{layer.output, 0, 1, 0, channels};
  const uint64_t out_codes = OutputCodeBytes(layer, out_part);
  const auto& layout = tensors_[layer.input].layout;
  const uint64_t pixel_bytes = layout.code_bytes_per_pixel() + layout.scale_bytes_per_pixel();
  const uint32_t step =
      PixelsOfTile(out_.size(), pixel_bytes + out_codes + PartScaleBytes(out_part), pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const bool last = pixel + count == pixels;
    const Part in_part{layer.input, pixel, count, 0, channels};
    sim::Command command =
        MakeCommand(Opcode::kVectorPool,
                    static_cast<uint8_t>((pixel == 0 ? sim::kFirst : 0) | (last ? sim::kLast : 0)));
    sim::Elementwise& tile = command.elementwise = Tile(count, channels);
    const uint64_t in_codes = ScratchpadPlan::Rounded(PartCodeBytes(in_part));
    const uint64_t in_scales = ScratchpadPlan::Rounded(PartScaleBytes(in_part));
    Deps after;
    const auto place = out_.Allocate(
        in_codes + in_scales + ScratchpadPlan::Rounded(out_codes) + PartScaleBytes(out_part),
        &after);
    tile.in = out_.unit(place);
    tile.in_scales = out_.unit(place, in_codes);
    tile.out = out_.unit(place, in_codes + in_scales);
    tile.out_scales = static_cast<uint16_t>(tile.out + Units(out_codes));
    tile.in2 = static_cast<uint16_t>(pixels);
    tile.acc = acc_.unit(sums);
    const CommandId load = LoadPart(in_part, Buffer::kOut, tile.in, tile.in_scales, after);
    out_.Use(place, load);
    after.push_back(load);
    after.insert(after.end(), sums_free.begin(), sums_free.end());
    const CommandId pool = EmitWriter(command, out_part, after);
    out_.Use(place, pool);
    acc_.Use(sums, pool);
    if (last) {
      const CommandId store = WriteOutput(layer, out_part, tile.out, tile.out_scales, {pool}, true);
      out_.Use(place, store);
    }
    out_.Release(place);
  }
  acc_.Release(sums);
}

void Schedule::Add(const trace::Layer& layer) {
  const trace::Shape& shape = net_.tensors[layer.output].shape;
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  const auto channels = static_cast<uint32_t>(shape.channels);
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  emit_.Emit(config);

  const auto staged = StagingLayout(layer.output);
  const auto pixel_bytes = [](const numerics::ActivationLayout& layout) {
    return uint64_t{layout.code_bytes_per_pixel()} + layout.scale_bytes_per_pixel();
  };
  const uint64_t in_bytes = pixel_bytes(tensors_[layer.input].layout);
  const uint64_t in2_bytes = pixel_bytes(tensors_[layer.residual].layout);
  const uint64_t out_bytes = pixel_bytes(Staged(layer) ? staged : tensors_[layer.output].layout);
  const uint32_t step = PixelsOfTile(out_.size(), in_bytes + in2_bytes + out_bytes, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part a{layer.input, pixel, count, 0, channels};
    const Part b{layer.residual, pixel, count, 0, channels};
    const Part out{layer.output, pixel, count, 0, channels};
    const uint64_t a_codes = ScratchpadPlan::Rounded(PartCodeBytes(a));
    const uint64_t a_bytes = a_codes + ScratchpadPlan::Rounded(PartScaleBytes(a));
    const uint64_t b_codes = ScratchpadPlan::Rounded(PartCodeBytes(b));
    const uint64_t b_bytes = b_codes + ScratchpadPlan::Rounded(PartScaleBytes(b));
    const uint64_t out_codes = OutputCodeBytes(layer, out);
    Deps after;
    const auto place = out_.Allocate(
        a_bytes + b_bytes + ScratchpadPlan::Rounded(out_codes) + PartScaleBytes(out), &after);
    sim::Command command = MakeCommand(Opcode::kVectorAdd);
    sim::Elementwise& tile = command.elementwise = Tile(count, channels);
    tile.in = out_.unit(place);
    tile.in_scales = out_.unit(place, a_codes);
    tile.in2 = out_.unit(place, a_bytes);
    tile.in2_scales = out_.unit(place, a_bytes + b_codes);
    tile.out = out_.unit(place, a_bytes + b_bytes);
    tile.out_scales = static_cast<uint16_t>(tile.out + Units(out_codes));
    LoadPart(a, Buffer::kOut, tile.in, tile.in_scales, after);
    const CommandId load = LoadPart(b, Buffer::kOut, tile.in2, tile.in2_scales, after);
    out_.Use(place, load);
    after.push_back(load);
    const CommandId add = EmitWriter(command, out, after);
    out_.Use(place, add);
    const CommandId store = WriteOutput(layer, out, tile.out, tile.out_scales, {add}, true);
    out_.Use(place, store);
    out_.Release(place);
  }
}

void Schedule::QuantizeStaged(const trace::Layer& layer) {
  const trace::Shape& shape = net_.tensors[layer.output].shape;
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  const auto channels = static_cast<uint32_t>(shape.channels);
  const auto staged = StagingLayout(layer.output);
  const auto& layout = tensors_[layer.output].layout;

  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  config.epilogue.flags = 0;
  config.epilogue.out = StoredAsOf(layer.output);
  emit_.Emit(config);
  emit_.Emit(MakeCommand(Opcode::kVectorScale));

  const auto row = static_cast<uint32_t>(staged.code_bytes_per_pixel());
  const uint32_t step = PixelsOfTile(
      out_.size(), uint64_t{row} + layout.code_bytes_per_pixel() + layout.scale_bytes_per_pixel(),
      pixels);
  const CommandId all_staged = last_store_;
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part out{layer.output, pixel, count, 0, channels};
    const uint64_t in_bytes = ScratchpadPlan::Rounded(uint64_t{count} * row);
    Deps after;
    const auto place = out_.Allocate(
        in_bytes + ScratchpadPlan::Rounded(PartCodeBytes(out)) + PartScaleBytes(out), &after);
    sim::Command command = MakeCommand(Opcode::kVectorQuantize);
    sim::Elementwise& tile = command.elementwise = Tile(count, channels);
    tile.in = out_.unit(place);
    tile.out = out_.unit(place, in_bytes);
    tile.out_scales = static_cast<uint16_t>(tile.out + Units(PartCodeBytes(out)));
    Deps load_after = after;
    load_after.push_back(all_staged);
    const CommandId load = Copy(Opcode::kLoad, Buffer::kOut, tile.in,
                                staging_ + uint64_t{pixel} * row, count, row, row, load_after);
    out_.Use(place, load);
    after.push_back(load);
    const CommandId quantize = EmitWriter(command, out, after);
    out_.Use(place, quantize);
    const CommandId store = Deliver(out, tile.out, tile.out_scales, {quantize}, true);
    out_.Use(place, store);
    out_.Release(place);
  }
}

}  // namespace nibble::lowering
