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
  const uint64_t pixel_bytes = layout.code_bytes_per_pixel() + layout.scale_row_bytes();
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

void Schedule::Combine(const trace::Layer& layer) {
  const trace::Shape& shape = net_.tensors[layer.output].shape;
  const auto pixels = static_cast<uint32_t>(shape.pixels());
  const auto channels = static_cast<uint32_t>(shape.channels);
  const bool product = layer.op == trace::Op::kMultiply;
  const bool broadcast = product && net_.tensors[layer.residual].shape.pixels() == 1;
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  emit_.Emit(config);

  const auto bytes_of = [&](const Part& part) {
    return ScratchpadPlan::Rounded(PartCodeBytes(part)) +
           ScratchpadPlan::Rounded(PartScaleBytes(part));
  };
  // A factor of one pixel is loaded once.
  ScratchpadPlan::Tile factor = -1;
  Deps factor_after;
  CommandId factor_loaded = kNone;
  const Part one{layer.residual, 0, 1, 0, channels};
  if (broadcast) {
    factor = out_.Allocate(bytes_of(one), &factor_after);
    factor_loaded =
        LoadPart(one, Buffer::kOut, out_.unit(factor),
                 out_.unit(factor, ScratchpadPlan::Rounded(PartCodeBytes(one))), factor_after);
    out_.Use(factor, factor_loaded);
  }
  const auto pixel_bytes = [](const numerics::ActivationLayout& layout) {
    return uint64_t{layout.code_bytes_per_pixel()} + layout.scale_row_bytes();
  };
  const uint64_t in_bytes = pixel_bytes(tensors_[layer.input].layout);
  const uint64_t in2_bytes = broadcast ? 0 : pixel_bytes(tensors_[layer.residual].layout);
  const uint64_t out_bytes =
      pixel_bytes(Staged(layer) ? StagingLayout(layer.output) : tensors_[layer.output].layout);
  const uint32_t step = PixelsOfTile(out_.size() - (broadcast ? bytes_of(one) : 0),
                                     in_bytes + in2_bytes + out_bytes, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part a{layer.input, pixel, count, 0, channels};
    const Part b = broadcast ? one : Part{layer.residual, pixel, count, 0, channels};
    const Part out{layer.output, pixel, count, 0, channels};
    const uint64_t a_codes = ScratchpadPlan::Rounded(PartCodeBytes(a));
    const uint64_t b_codes = ScratchpadPlan::Rounded(PartCodeBytes(b));
    const uint64_t b_bytes = broadcast ? 0 : bytes_of(b);
    const uint64_t out_codes = OutputCodeBytes(layer, out);
    Deps after;
    const auto place = out_.Allocate(
        bytes_of(a) + b_bytes + ScratchpadPlan::Rounded(out_codes) + PartScaleBytes(out), &after);
    sim::Command command = MakeCommand(product ? Opcode::kVectorMultiply : Opcode::kVectorAdd,
                                       broadcast ? sim::kBroadcast : 0);
    sim::Elementwise& tile = command.elementwise = Tile(count, channels);
    tile.in = out_.unit(place);
    tile.in_scales = out_.unit(place, a_codes);
    tile.in2 = broadcast ? out_.unit(factor) : out_.unit(place, bytes_of(a));
    tile.in2_scales =
        broadcast ? out_.unit(factor, b_codes) : out_.unit(place, bytes_of(a) + b_codes);
    tile.out = out_.unit(place, bytes_of(a) + b_bytes);
    tile.out_scales = static_cast<uint16_t>(tile.out + Units(out_codes));
    CommandId load = LoadPart(a, Buffer::kOut, tile.in, tile.in_scales, after);
    if (!broadcast) load = LoadPart(b, Buffer::kOut, tile.in2, tile.in2_scales, after);
    out_.Use(place, load);
    after.insert(after.end(), {load, factor_loaded});
    const CommandId combine = EmitWriter(command, out, after);
    out_.Use(place, combine);
    if (broadcast) out_.Use(factor, combine);
    const CommandId store = WriteOutput(layer, out, tile.out, tile.out_scales, {combine}, true);
    out_.Use(place, store);
    out_.Release(place);
  }
  if (broadcast) out_.Release(factor);
}

void Schedule::PoolWindows(const trace::Layer& layer) {
  const trace::Shape& in = net_.tensors[layer.input].shape;
  const trace::Shape& out = net_.tensors[layer.output].shape;
  const sim::Geometry g = GeometryOf(target_, layer);
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFor(layer);
  emit_.Emit(config);
  config = MakeCommand(Opcode::kVectorGeometry);
  config.geometry = g;
  emit_.Emit(config);

  // Bytes of a tile of output rows and channels.
  const auto width = static_cast<uint32_t>(out.width), in_width = static_cast<uint32_t>(in.width);
  const auto parts = [&](uint32_t row, uint32_t rows, uint32_t channel, uint32_t channels) {
    const RowRange range = InputRows(g, row, rows);
    return std::pair{
        Part{layer.input, range.first * in_width, range.count * in_width, channel, channels},
        Part{layer.output, row * width, rows * width, channel, channels}};
  };
  const auto bytes = [&](uint32_t rows, uint32_t channels) {
    const uint64_t reach =
        std::min<uint64_t>(g.in_height, uint64_t{rows - 1} * g.stride_h +
                                            uint64_t{g.kernel_h - 1u} * g.dilation_h + 1);
    const auto in_pixels = static_cast<uint32_t>(reach * in_width);
    const Part from{layer.input, 0, in_pixels, 0, channels};
    const Part to{layer.output, 0, rows * width, 0, channels};
    return PartCodeBytes(from) + PartScaleBytes(from) + OutputCodeBytes(layer, to) +
           PartScaleBytes(to) + 4 * sim::kSramUnit;
  };
  // Whole rows of all channels, as many as fit twice; or of as many whole blocks as fit.
  const auto unit = static_cast<uint32_t>(
      std::max(tensors_[layer.input].layout.block, tensors_[layer.output].layout.block));
  const auto all = static_cast<uint32_t>(out.channels);
  uint32_t channels = all;
  while (channels > unit && bytes(1, channels) > out_.size() / 2) {
    channels = (channels / 2 + unit - 1) / unit * unit;
  }
  if (bytes(1, channels) > out_.size() / 2) {
    throw LoweringError("not even one row of a pool fits: sram.out.size is too small");
  }
  uint32_t rows = 1;
  while (rows < static_cast<uint32_t>(out.height) && (rows + 1) * width <= 0xFFFF &&
         bytes(rows + 1, channels) <= out_.size() / 2) {
    ++rows;
  }
  for (uint32_t row = 0; row < static_cast<uint32_t>(out.height); row += rows) {
    for (uint32_t channel = 0; channel < all; channel += channels) {
      const uint32_t row_count = std::min(rows, static_cast<uint32_t>(out.height) - row);
      const uint32_t count = std::min(channels, all - channel);
      const auto [from, to] = parts(row, row_count, channel, count);
      const uint64_t in_codes = ScratchpadPlan::Rounded(PartCodeBytes(from));
      const uint64_t in_bytes = in_codes + ScratchpadPlan::Rounded(PartScaleBytes(from));
      const uint64_t out_codes = ScratchpadPlan::Rounded(OutputCodeBytes(layer, to));
      Deps after;
      const auto place = out_.Allocate(in_bytes + out_codes + PartScaleBytes(to), &after);
      uint8_t flags = layer.op == trace::Op::kMaxPool ? sim::kLargest : 0;
      if (layer.count_padding) flags |= sim::kCountPadding;
      sim::Command command = MakeCommand(Opcode::kVectorWindow, flags);
      sim::Window& window = command.window;
      const RowRange range = InputRows(g, row, row_count);
      window = {};
      window.pixels = static_cast<uint16_t>(to.pixels);
      window.channels = window.pitch = static_cast<uint16_t>(count);
      window.out_row = static_cast<uint16_t>(row);
      window.in_row = static_cast<uint16_t>(range.first);
      window.in_rows = static_cast<uint16_t>(range.count);
      window.in = out_.unit(place);
      window.in_scales = out_.unit(place, in_codes);
      window.out = out_.unit(place, in_bytes);
      window.out_scales = out_.unit(place, in_bytes + out_codes);
      const CommandId load = LoadPart(from, Buffer::kOut, window.in, window.in_scales, after);
      out_.Use(place, load);
      after.push_back(load);
      const CommandId pool = EmitWriter(command, to, after);
      out_.Use(place, pool);
      const bool complete = channel + count == all;
      const CommandId store =
          WriteOutput(layer, to, window.out, window.out_scales, {pool}, complete);
      out_.Use(place, store);
      out_.Release(place);
    }
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
      out_.size(), uint64_t{row} + layout.code_bytes_per_pixel() + layout.scale_row_bytes(),
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
