// Tiles that pass through the output SRAM: a part of a tensor comes in, one word makes a part of
// the layer's output of it, which is stored.
#include <algorithm>

#include "sw/lowering/lowering.h"
#include "sw/lowering/schedule.h"

namespace nibble::lowering {

using sim::Buffer;

uint32_t Schedule::PixelsOfTile(uint64_t room, uint64_t bytes, uint32_t pixels) {
  constexpr uint64_t kSlack = 8 * sim::kSramUnit;  // parts are rounded to units apart
  if (room / 2 < bytes + kSlack) {
    throw LoweringError("not even one pixel fits: sram.out.size is too small");
  }
  return static_cast<uint32_t>(std::min<uint64_t>({(room / 2 - kSlack) / bytes, pixels, 0xFFFF}));
}

uint32_t Schedule::PixelsOfTile(const trace::Layer& layer, const Part& in_pixel,
                                const Part& out_pixel, uint32_t pixels) const {
  return PixelsOfTile(out_.size(),
                      PartCodeBytes(in_pixel) + PartScaleBytes(in_pixel) +
                          OutputCodeBytes(layer, out_pixel) + PartScaleBytes(out_pixel),
                      pixels);
}

Schedule::TilePair Schedule::PlaceTiles(const trace::Layer& layer, const Part& in, const Part& out,
                                        Deps* after) {
  const uint64_t in_codes = ScratchpadPlan::Rounded(PartCodeBytes(in));
  const uint64_t in_bytes = in_codes + ScratchpadPlan::Rounded(PartScaleBytes(in));
  const uint64_t out_codes = ScratchpadPlan::Rounded(OutputCodeBytes(layer, out));
  TilePair tile;
  tile.place = out_.Allocate(in_bytes + out_codes + PartScaleBytes(out), after);
  tile.in = out_.unit(tile.place);
  tile.in_scales = out_.unit(tile.place, in_codes);
  tile.out = out_.unit(tile.place, in_bytes);
  tile.out_scales = out_.unit(tile.place, in_bytes + out_codes);
  return tile;
}

CommandId Schedule::RunTile(const trace::Layer& layer, const sim::Command& command, const Part& in,
                            const Part& out, const TilePair& tile, Deps after, bool complete) {
  const CommandId load = LoadPart(in, Buffer::kOut, tile.in, tile.in_scales, after);
  out_.Use(tile.place, load);
  after.push_back(load);
  const CommandId done = EmitWriter(command, out, after);
  out_.Use(tile.place, done);
  const CommandId store = WriteOutput(layer, out, tile.out, tile.out_scales, {done}, complete);
  out_.Use(tile.place, store);
  out_.Release(tile.place);
  return done;
}

}  // namespace nibble::lowering
