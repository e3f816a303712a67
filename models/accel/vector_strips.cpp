// What the vector unit writes in strips of pixels (numerics::ActivationLayout).
#include "models/accel/vector_tile.h"
#include "models/accel/vector_unit.h"

namespace nibble::accel {

numerics::ActivationLayout VectorUnit::OutLayout(uint32_t channels) const {
  return OutLayoutOf(1, channels, state_, windows_);
}

VectorUnit::StoredTile VectorUnit::OutTileAt(const sim::Elementwise& tile) {
  StoredTile out = TileAt(tile, state_.out, tile.out, tile.out_scales);
  if (!(state_.flags & sim::kStrips)) return out;
  out.layout = OutLayout(tile.channels);
  out.scales = scratchpads_.at(sim::Buffer::kOut, tile.out_scales) +
               OutLayout(tile.channel).scale_row_bytes();
  out.scale_pitch = OutLayout(tile.pitch).scale_row_bytes();
  return out;
}

void VectorUnit::WriteToStrips(const StoredTile& tile, uint32_t pixel, const float* y) {
  const numerics::ActivationLayout& layout = tile.layout;
  row_.insert(row_.end(), y, y + layout.channels);
  const auto width = static_cast<uint32_t>(layout.strip_row);
  if ((pixel + 1) % width != 0) return;
  const uint32_t first = pixel + 1 - width;
  numerics::StoreStrips(layout, scales_.at(state_.out_reg), row_.data(),
                        tile.codes + size_t{first} * tile.code_pitch, tile.code_pitch,
                        tile.scales + layout.scale_rows(first) * tile.scale_pitch, tile.scale_pitch,
                        rounding_);
  row_.clear();
}

}  // namespace nibble::accel
