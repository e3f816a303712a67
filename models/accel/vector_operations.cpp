#include "models/accel/vector_operations.h"

#include <algorithm>

#include "models/accel/vector_tile.h"
#include "models/numerics/activation_store.h"
#include "models/numerics/functions.h"
#include "models/numerics/row_functions.h"

namespace nibble::accel {
namespace {

using numerics::Format;

void CountActivation(const sim::Epilogue& state, uint64_t elements, VectorOperations& ops) {
  using F = numerics::ActivationFunction;
  switch (state.activation) {
    case F::kNone:
      break;
    case F::kRelu:
      ops.compares += elements;
      break;
    case F::kClip:
      ops.compares += 2 * elements;
      break;
    case F::kHardSwish:
      ops.fp32_muls += elements;  // x * f(x)
      [[fallthrough]];
    case F::kHardSigmoid:
      ops.fp32_muls += elements;  // slope, offset, two bounds
      ops.fp32_adds += elements;
      ops.compares += 2 * elements;
      break;
    case F::kSilu:
    case F::kGelu:
      ops.fp32_muls += elements;  // x * f(x)
      [[fallthrough]];
    case F::kSigmoid:
      // Table with interpolation (numerics/functions.h): x * 64 + 1024, its fraction, T[i] + f *
      // dT.
      ops.fp32_muls += 2 * elements;
      ops.fp32_adds += 4 * elements;
      ops.compares += 2 * elements;
      ops.table_reads += elements;
      break;
  }
}

// `pixels` pixels of the tile, quantised.
void CountStore(const sim::Elementwise& tile, uint64_t pixels, const sim::Epilogue& state,
                VectorOperations& ops, const sim::Geometry& windows = {}) {
  const numerics::FormatSpec& spec = numerics::SpecOf(static_cast<Format>(state.out.format()));
  const uint64_t elements = pixels * tile.channels;
  const numerics::ActivationLayout layout = OutLayoutOf(pixels, tile.channels, state, windows);
  const uint64_t blocks = layout.strips()
                              ? layout.scale_rows(pixels) * tile.channels
                              : pixels * numerics::BlockCount(tile.channels, state.out.block());
  if (layout.strips()) {
    ops.strip_write_bytes += elements * sizeof(float);
    ops.strip_read_bytes += elements * sizeof(float);
  }
  if (state.flags & sim::kTrackAmax) ops.compares += elements;
  if (spec.element == numerics::Element::kFp32) return;  // leaves as it is
  ops.encodes += elements;
  switch (spec.block_scale) {
    case numerics::BlockScale::kNone:
      if (spec.outer != numerics::OuterScale::kNone) ops.divides += elements;  // x / s
      break;
    case numerics::BlockScale::kE4M3:
      ops.compares += elements + blocks;  // block maximum; cap of the scale
      ops.fp32_muls += 2 * blocks;        // maximum x encode / 6; scale x S_dec
      ops.divides += blocks;              // its reciprocal
      ops.fp32_muls += elements;
      ops.compares += 2 * elements;  // clamp to -6..6
      ops.encodes += blocks;
      break;
    case numerics::BlockScale::kE8M0:
      ops.compares += elements;          // block maximum
      ops.encodes += elements + blocks;  // exponents: the scale's, and each element's less it
      break;
    case numerics::BlockScale::kFp16:
    case numerics::BlockScale::kFp32:
      ops.compares += elements;          // block maximum
      ops.divides += blocks + elements;  // maximum / largest element; x / s
      ops.encodes += spec.block_scale == numerics::BlockScale::kFp16 ? blocks : 0;
      break;
  }
}

uint64_t BlocksOf(uint64_t pixels, uint32_t channels, sim::StoredAs stored) {
  return pixels * numerics::BlockCount(static_cast<int>(channels), stored.block());
}

// So many elements in so many blocks, dequantised.
void CountLoad(uint64_t elements, uint64_t blocks, sim::StoredAs stored, VectorOperations& ops) {
  const numerics::FormatSpec& spec = numerics::SpecOf(static_cast<Format>(stored.format()));
  switch (spec.block_scale) {
    case numerics::BlockScale::kNone:
      if (spec.outer != numerics::OuterScale::kNone) ops.fp32_muls += elements;
      break;
    case numerics::BlockScale::kE4M3:
      ops.fp32_muls += blocks + elements;  // scale x S_dec; element x that
      break;
    case numerics::BlockScale::kE8M0:
      ops.encodes += elements;  // exponents
      break;
    case numerics::BlockScale::kFp16:
    case numerics::BlockScale::kFp32:
      ops.fp32_muls += elements;
      break;
  }
}

void CountLoad(const sim::Elementwise& tile, sim::StoredAs stored, VectorOperations& ops) {
  CountLoad(Elements(tile), BlocksOf(tile.pixels, tile.channels, stored), stored, ops);
}

// Largest; differences, exponentials and their sum; both again, times the reciprocal of the sum.
void CountSoftmax(uint64_t pixels, uint64_t elements, VectorOperations& ops) {
  ops.compares += elements;
  const uint64_t exponentials = 2 * elements;
  ops.fp32_adds += exponentials;
  ops.fp32_muls += 2 * exponentials;  // x * log2(e), the interpolation
  ops.fp32_adds += 4 * exponentials;  // two fractions, T[i] + f * dT
  ops.compares += exponentials;       // underflow
  ops.table_reads += exponentials;
  ops.encodes += exponentials;  // times 2^n
  ops.fp32_adds += elements + pixels * (numerics::kRowSums - 1);
  ops.divides += pixels;
  ops.fp32_muls += elements;
}

// Sum; differences, squares and their sum; differences again, times deviation and gamma, plus beta.
void CountNormalize(uint64_t pixels, uint64_t elements, VectorOperations& ops) {
  ops.fp32_adds += 2 * (elements + pixels * (numerics::kRowSums - 1));
  ops.fp32_adds += 2 * elements + pixels + elements;  // differences, epsilon, beta
  ops.fp32_muls += 3 * elements;
  ops.divides += 4 * pixels;  // two means, square root, reciprocal
}

}  // namespace

VectorOperations& VectorOperations::operator+=(const VectorOperations& o) {
  fp32_muls += o.fp32_muls;
  fp32_adds += o.fp32_adds;
  compares += o.compares;
  divides += o.divides;
  encodes += o.encodes;
  table_reads += o.table_reads;
  strip_write_bytes += o.strip_write_bytes;
  strip_read_bytes += o.strip_read_bytes;
  return *this;
}

bool VectorOperations::operator==(const VectorOperations& o) const {
  return fp32_muls == o.fp32_muls && fp32_adds == o.fp32_adds && compares == o.compares &&
         divides == o.divides && encodes == o.encodes && table_reads == o.table_reads &&
         strip_write_bytes == o.strip_write_bytes && strip_read_bytes == o.strip_read_bytes;
}

VectorOperations OperationsOf(const sim::Command& command, const sim::Epilogue& state,
                              const sim::Geometry& windows) {
  const sim::Elementwise& tile = command.elementwise;
  const uint64_t elements = Elements(tile);
  VectorOperations ops;
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      ops.fp32_muls += tile.channels + elements;  // S_dec x weight scale once a channel; apply
      if (state.flags & sim::kStoredWeights) {
        ops.fp32_muls += 1;  // the scales of both tensors
      } else {
        ops.fp32_adds += elements;  // bias
      }
      CountActivation(state, elements, ops);
      if (state.flags & sim::kHasResidual) {
        CountLoad(tile, state.residual, ops);
        ops.fp32_adds += elements;
      }
      CountStore(tile, tile.pixels, state, ops, windows);
      break;
    case sim::Opcode::kVectorAdd:
      CountLoad(tile, state.in, ops);
      CountLoad(tile, state.residual, ops);
      ops.fp32_adds += elements;
      CountActivation(state, elements, ops);
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorPool:
      CountLoad(tile, state.in, ops);
      ops.fp32_adds += elements;
      if (command.flags & sim::kLast) {
        ops.divides += tile.channels;
        CountActivation(state, tile.channels, ops);
        CountStore(tile, 1, state, ops);
      }
      break;
    case sim::Opcode::kVectorMultiply:
      CountLoad(elements, BlocksOf(tile.pixels, tile.channels, state.in), state.in, ops);
      CountLoad(SecondPixels(command) * tile.channels,
                BlocksOf(SecondPixels(command), tile.channels, state.residual), state.residual,
                ops);
      ops.fp32_muls += elements;
      CountActivation(state, elements, ops);
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorCopy: {
      const uint64_t read = uint64_t{tile.pixels} * command.channel_copy.in_pitch;
      CountLoad(read, BlocksOf(tile.pixels, command.channel_copy.in_pitch, state.in), state.in,
                ops);
      CountActivation(state, elements, ops);
      CountStore(tile, tile.pixels, state, ops);
      break;
    }
    case sim::Opcode::kVectorWindow: {
      const uint64_t pixels = uint64_t{command.window.in_rows} * windows.in_width;
      CountLoad(pixels * tile.channels, BlocksOf(pixels, tile.channels, state.in), state.in, ops);
      const uint64_t taps = uint64_t{windows.kernel_h} * windows.kernel_w;
      if (command.flags & sim::kLargest) {
        ops.compares += (taps - 1) * elements;
      } else {
        ops.fp32_adds += taps * elements;
        ops.divides += elements;
      }
      CountActivation(state, elements, ops);
      CountStore(tile, tile.pixels, state, ops);
      break;
    }
    case sim::Opcode::kVectorQuantize:
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorSoftmax:
    case sim::Opcode::kVectorNormalize:
      CountLoad(kRowPasses * elements, kRowPasses * BlocksOf(tile.pixels, tile.channels, state.in),
                state.in, ops);
      if (command.opcode == sim::Opcode::kVectorSoftmax) {
        CountSoftmax(tile.pixels, elements, ops);
      } else {
        CountNormalize(tile.pixels, elements, ops);
      }
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorTranspose: {
      const uint32_t in_channels = command.channel_copy.in_pitch;
      CountLoad(uint64_t{tile.channels} * in_channels,
                BlocksOf(tile.channels, in_channels, state.in), state.in, ops);
      CountStore(tile, tile.pixels, state, ops);
      break;
    }
    case sim::Opcode::kVectorScale:
      // 2688 / amax and 1 / S_enc, or amax / largest element.
      ops.divides += numerics::HasBlockScale(static_cast<Format>(state.out.format())) ? 2 : 1;
      break;
    default:
      break;
  }
  return ops;
}

uint64_t LanePasses(const sim::Command& command, uint32_t lanes, const sim::Geometry& windows) {
  const auto rows = [&](uint64_t pixels, uint64_t channels) {
    return pixels * ((channels + lanes - 1) / lanes);
  };
  const sim::Elementwise& tile = command.elementwise;
  switch (command.opcode) {
    case sim::Opcode::kVectorScale:
      return 1;
    case sim::Opcode::kVectorCopy:  // what is read, where that is more than what is written
      return rows(tile.pixels, std::max(command.channel_copy.in_pitch, tile.channels));
    case sim::Opcode::kVectorWindow:  // a tap at a time
      return rows(tile.pixels, tile.channels) * windows.kernel_h * windows.kernel_w;
    case sim::Opcode::kVectorSoftmax:
    case sim::Opcode::kVectorNormalize:
      return rows(tile.pixels, tile.channels) * kRowPasses;
    case sim::Opcode::kVectorTranspose:  // what is read, or what is written
      return std::max(rows(tile.channels, command.channel_copy.in_pitch),
                      rows(tile.pixels, tile.channels));
    default:
      return rows(tile.pixels, tile.channels);
  }
}

uint64_t StripDelay(const sim::Epilogue& state, const sim::Geometry& windows) {
  if (!(state.flags & sim::kStrips)) return 0;
  return std::min<uint64_t>(static_cast<uint64_t>(state.out.block()), windows.out_width);
}

}  // namespace nibble::accel
