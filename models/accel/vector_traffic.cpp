#include "models/accel/vector_traffic.h"

#include "models/accel/vector_tile.h"

namespace nibble::accel {
namespace {

uint64_t StoredBytes(const numerics::ActivationLayout& layout) {
  return layout.code_bytes() + layout.scale_bytes();
}

}  // namespace

VectorTraffic TrafficOf(const sim::Command& command, const sim::Epilogue& state,
                        const sim::Geometry& windows) {
  const sim::Elementwise& tile = command.elementwise;
  const auto in = LayoutOf(tile.pixels, tile.channels, state.in);
  const auto residual = LayoutOf(tile.pixels, tile.channels, state.residual);
  const auto out = OutLayoutOf(tile.pixels, tile.channels, state, windows);
  const uint64_t fp32_bytes = Elements(tile) * sizeof(float);
  VectorTraffic bytes;
  const auto read = [&](const numerics::ActivationLayout& tensor, uint64_t times = 1) {
    bytes.out_read_bytes += times * StoredBytes(tensor);
    bytes.out_read_scale_bytes += times * tensor.scale_bytes();
  };
  const auto write = [&](const numerics::ActivationLayout& tensor) {
    bytes.out_write_bytes += StoredBytes(tensor);
    bytes.out_write_scale_bytes += tensor.scale_bytes();
  };
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      bytes.acc_read_bytes = fp32_bytes;
      if (!(state.flags & sim::kStoredWeights)) {
        bytes.out_read_bytes = bytes.out_read_scale_bytes =
            tile.channels * sizeof(float) * (state.flags & sim::kPerChannelScale ? 2 : 1);
      }
      if (state.flags & sim::kHasResidual) read(residual);
      write(out);
      break;
    case sim::Opcode::kVectorAdd:
      read(in);
      read(residual);
      write(out);
      break;
    case sim::Opcode::kVectorMultiply:
      read(in);
      read(LayoutOf(SecondPixels(command), tile.channels, state.residual));
      write(out);
      break;
    case sim::Opcode::kVectorCopy:
      read(LayoutOf(tile.pixels, command.channel_copy.in_pitch, state.in));
      write(out);
      break;
    case sim::Opcode::kVectorWindow:
      read(LayoutOf(uint64_t{command.window.in_rows} * windows.in_width, tile.channels, state.in));
      write(out);
      break;
    case sim::Opcode::kVectorPool:
      read(in);
      // The sums stay in the unit's registers while a tile passes; they are saved between tiles.
      if (!(command.flags & sim::kFirst)) bytes.acc_read_bytes = tile.channels * sizeof(float);
      if (command.flags & sim::kLast) {
        write(LayoutOf(1, tile.channels, state.out));
      } else {
        bytes.acc_write_bytes = tile.channels * sizeof(float);
      }
      break;
    case sim::Opcode::kVectorNormalize:
      bytes.out_read_bytes = bytes.out_read_scale_bytes = tile.channels * 2 * sizeof(float);
      read(in, kRowPasses);
      write(out);
      break;
    case sim::Opcode::kVectorSoftmax:
      read(in, kRowPasses);
      write(out);
      break;
    case sim::Opcode::kVectorTranspose:
      read(LayoutOf(tile.channels, command.channel_copy.in_pitch, state.in));
      write(out);
      break;
    case sim::Opcode::kVectorQuantize:
      bytes.out_read_bytes = fp32_bytes;
      write(out);
      break;
    default:
      break;
  }
  return bytes;
}

}  // namespace nibble::accel
