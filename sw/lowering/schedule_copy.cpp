// Layers that move channels: concatenation, slice, shuffle, and an activation by itself.
#include <algorithm>

#include "sw/golden/datapaths.h"
#include "sw/lowering/lowering.h"
#include "sw/lowering/schedule.h"

namespace nibble::lowering {

using numerics::Format;
using sim::Buffer;
using sim::Opcode;

// One tensor's share of the channels that are written.
struct Schedule::ChannelSource {
  int tensor;
  uint32_t load, loaded;    // channels loaded: whole blocks
  uint32_t first;           // of these the first that is copied
  uint32_t channel, count;  // where they go, counted from the range that is written
  uint32_t groups;          // of a shuffle
};

std::vector<Schedule::ChannelSource> Schedule::SourcesOf(const trace::Layer& layer,
                                                         const golden::ChannelRange& range) const {
  const auto channels_of = [&](int t) {
    return static_cast<uint32_t>(net_.tensors[t].shape.channels);
  };
  const auto first = static_cast<uint32_t>(range.channel);
  const auto count = static_cast<uint32_t>(range.channels);
  std::vector<ChannelSource> sources;
  if (layer.op == trace::Op::kSlice) {
    const auto block = static_cast<uint32_t>(tensors_[layer.input].layout.block);
    const auto from = static_cast<uint32_t>(layer.first_channel);
    const uint32_t begin = from / block * block;
    const uint32_t end =
        std::min((from + count + block - 1) / block * block, channels_of(layer.input));
    return {{layer.input, begin, end - begin, from - begin, 0, count, 0}};
  }
  if (layer.op != trace::Op::kConcat) {
    const auto groups = layer.op == trace::Op::kShuffle ? static_cast<uint32_t>(layer.groups) : 0;
    return {{layer.input, 0, count, 0, 0, count, groups}};
  }
  uint32_t channel = 0;
  for (const int t : layer.operands) {
    if (channel >= first && channel < first + count) {
      sources.push_back({t, 0, channels_of(t), 0, channel - first, channels_of(t), 0});
    }
    channel += channels_of(t);
  }
  return sources;
}

void Schedule::CopyChannels(const trace::Layer& layer) {
  const std::vector<golden::ChannelRange> ranges =
      golden::WrittenChannels(net_, target_.datapaths, layer);
  for (const golden::ChannelRange& range : ranges) {
    const std::vector<ChannelSource> sources = SourcesOf(layer, range);
    const bool last = &range == &ranges.back();
    if (sources.size() == 1) {
      CopyFrom(layer, range, sources.front(), last);
    } else if (Staged(layer)) {  // each by itself: the quantisation follows anyway
      for (const ChannelSource& s : sources) {
        ChannelSource alone = s;
        alone.channel = 0;
        CopyFrom(layer, {range.channel + static_cast<int>(s.channel), static_cast<int>(s.count)},
                 alone, last);
      }
    } else {
      Assemble(layer, range, sources, last);
    }
  }
  if (ranges.empty()) EndLayer();
}

// A word of no bytes: all that the layer produces lies in its place.
void Schedule::EndLayer() { Copy(Opcode::kStore, Buffer::kOut, 0, 0, 0, 0, 0, {}); }

sim::Epilogue Schedule::EpilogueFrom(const trace::Layer& layer, int source) const {
  sim::Epilogue e = EpilogueFor(layer);
  e.in = StoredAsOf(source);
  e.in_reg = RegisterOf(source);
  return e;
}

sim::Command Schedule::CopyWord(const ChannelSource& s, uint32_t pixels) {
  sim::Command command = MakeCommand(Opcode::kVectorCopy);
  sim::ChannelCopy& copy = command.channel_copy;
  copy = {};
  copy.pixels = static_cast<uint16_t>(pixels);
  copy.channels = copy.pitch = static_cast<uint16_t>(s.count);
  copy.in_channel = static_cast<uint16_t>(s.first);
  copy.in_pitch = static_cast<uint16_t>(s.loaded);
  copy.groups = static_cast<uint16_t>(s.groups);
  return command;
}

uint64_t Schedule::PixelBytesOf(const ChannelSource& s) const {
  const Part one{s.tensor, 0, 1, s.load, s.loaded};
  return PartCodeBytes(one) + PartScaleBytes(one);
}

void Schedule::CopyFrom(const trace::Layer& layer, const golden::ChannelRange& range,
                        const ChannelSource& source, bool complete) {
  sim::Command config = MakeCommand(Opcode::kVectorConfig);
  config.epilogue = EpilogueFrom(layer, source.tensor);
  emit_.Emit(config);
  const auto pixels = static_cast<uint32_t>(net_.tensors[layer.output].shape.pixels());
  const auto channel = static_cast<uint32_t>(range.channel);
  const Part in_pixel{source.tensor, 0, 1, source.load, source.loaded};
  const Part out_pixel{layer.output, 0, 1, channel, source.count};
  const uint32_t step = PixelsOfTile(layer, in_pixel, out_pixel, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part in{source.tensor, pixel, count, source.load, source.loaded};
    const Part out{layer.output, pixel, count, channel, source.count};
    Deps after;
    const TilePair tile = PlaceTiles(layer, in, out, &after);
    sim::Command command = CopyWord(source, count);
    sim::ChannelCopy& copy = command.channel_copy;
    copy.in = tile.in;
    copy.in_scales = tile.in_scales;
    copy.out = tile.out;
    copy.out_scales = tile.out_scales;
    RunTile(layer, command, in, out, tile, after, complete);
  }
}

// Operands that share blocks of the result: dequantised side by side in FP32, then quantised.
void Schedule::Assemble(const trace::Layer& layer, const golden::ChannelRange& range,
                        const std::vector<ChannelSource>& sources, bool complete) {
  const auto pixels = static_cast<uint32_t>(net_.tensors[layer.output].shape.pixels());
  const auto channel = static_cast<uint32_t>(range.channel);
  const auto channels = static_cast<uint32_t>(range.channels);
  const Part one{layer.output, 0, 1, channel, channels};
  const uint64_t row = uint64_t{channels} * sizeof(float);
  uint64_t bytes = row + PartCodeBytes(one) + PartScaleBytes(one);
  for (const ChannelSource& s : sources) bytes += PixelBytesOf(s);
  // Every operand's codes and scales are rounded apart.
  const uint64_t slack = 2 * sim::kSramUnit * (2 * sources.size() + 3);
  if (out_.size() <= slack) throw LoweringError("sram.out.size is too small to concatenate");
  const uint32_t step = PixelsOfTile(out_.size() - slack, bytes, pixels);
  for (uint32_t pixel = 0; pixel < pixels; pixel += step) {
    const uint32_t count = std::min(step, pixels - pixel);
    const Part out{layer.output, pixel, count, channel, channels};
    const uint64_t values = ScratchpadPlan::Rounded(count * row);
    const uint64_t out_codes = ScratchpadPlan::Rounded(PartCodeBytes(out));
    uint64_t total = values + out_codes + ScratchpadPlan::Rounded(PartScaleBytes(out));
    const uint64_t operands = total;
    for (const ChannelSource& s : sources) {
      const Part in{s.tensor, pixel, count, s.load, s.loaded};
      total +=
          ScratchpadPlan::Rounded(PartCodeBytes(in)) + ScratchpadPlan::Rounded(PartScaleBytes(in));
    }
    Deps after;
    const auto place = out_.Allocate(total, &after);
    uint64_t offset = operands;
    Deps copies = after;
    for (const ChannelSource& s : sources) {
      sim::Command config = MakeCommand(Opcode::kVectorConfig);
      config.epilogue = EpilogueFrom(layer, s.tensor);
      config.epilogue.out = sim::StoredAs::Of(static_cast<uint8_t>(Format::kFp32), 16);
      emit_.Emit(config);
      const Part in{s.tensor, pixel, count, s.load, s.loaded};
      const uint64_t in_codes = ScratchpadPlan::Rounded(PartCodeBytes(in));
      sim::Command command = CopyWord(s, count);
      sim::ChannelCopy& copy = command.channel_copy;
      copy.channel = static_cast<uint16_t>(s.channel);
      copy.pitch = static_cast<uint16_t>(channels);
      copy.in = out_.unit(place, offset);
      copy.in_scales = out_.unit(place, offset + in_codes);
      copy.out = copy.out_scales = out_.unit(place);
      const CommandId load = LoadPart(in, Buffer::kOut, copy.in, copy.in_scales, after);
      out_.Use(place, load);
      Deps loaded = after;
      loaded.push_back(load);
      const CommandId copied = emit_.Emit(command, loaded);
      out_.Use(place, copied);
      copies.push_back(copied);
      offset += in_codes + ScratchpadPlan::Rounded(PartScaleBytes(in));
    }
    sim::Command config = MakeCommand(Opcode::kVectorConfig);
    config.epilogue = EpilogueFor(layer);
    emit_.Emit(config);
    sim::Command quantize = MakeCommand(Opcode::kVectorQuantize);
    sim::Elementwise& tile = quantize.elementwise = {};
    tile.pixels = static_cast<uint16_t>(count);
    tile.channels = tile.pitch = static_cast<uint16_t>(channels);
    tile.in = out_.unit(place);
    tile.out = out_.unit(place, values);
    tile.out_scales = out_.unit(place, values + out_codes);
    const CommandId quantized = EmitWriter(quantize, out, copies);
    out_.Use(place, quantized);
    const CommandId store =
        WriteOutput(layer, out, tile.out, tile.out_scales, {quantized}, complete);
    out_.Use(place, store);
    out_.Release(place);
  }
}

}  // namespace nibble::lowering
