// Words of the vector unit for transformers: functions of a whole pixel, and transpositions.
#include <cstring>

#include "models/accel/vector_unit.h"
#include "models/numerics/row_functions.h"

namespace nibble::accel {

void VectorUnit::RowFunction(const sim::Command& command) {
  const sim::Elementwise& tile = command.elementwise;
  const int channels = tile.channels;
  std::vector<float> gamma(tile.channels), beta(tile.channels);
  if (command.opcode == sim::Opcode::kVectorNormalize) {
    const uint8_t* params = scratchpads_.at(sim::Buffer::kOut, tile.params);
    for (size_t c = 0; c < gamma.size(); ++c) {
      std::memcpy(&beta[c], params + 2 * c * sizeof(float), sizeof(float));
      std::memcpy(&gamma[c], params + (2 * c + 1) * sizeof(float), sizeof(float));
    }
  }
  const StoredTile in = TileAt(tile, state_.in, tile.in, tile.in_scales);
  const StoredTile out = TileAt(tile, state_.out, tile.out, tile.out_scales);
  for (uint32_t p = 0; p < tile.pixels; ++p) {
    ReadPixel(in, state_.in_reg, p, x_.data());
    if (command.opcode == sim::Opcode::kVectorSoftmax) {
      numerics::Softmax(x_.data(), channels, y_.data());
    } else {
      numerics::LayerNorm(x_.data(), channels, state_.lo, gamma.data(), beta.data(), y_.data());
    }
    WritePixel(out, p, y_.data());
  }
}

void VectorUnit::TransposeTile(const sim::ChannelCopy& copy, const StoredTile& out) {
  const StoredTile in = WholeTileAt(copy.in_pitch, state_.in, copy.in, copy.in_scales);
  std::vector<float> values(size_t{copy.channels} * copy.in_pitch);
  for (uint32_t p = 0; p < copy.channels; ++p) {
    ReadPixel(in, state_.in_reg, p, &values[size_t{p} * copy.in_pitch]);
  }
  for (uint32_t p = 0; p < copy.pixels; ++p) {
    for (uint32_t c = 0; c < copy.channels; ++c) {
      y_[c] = values[size_t{c} * copy.in_pitch + copy.in_channel + p];
    }
    WritePixel(out, p, y_.data());
  }
}

}  // namespace nibble::accel
