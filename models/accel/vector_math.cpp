#include "models/accel/vector_math.h"

#include "models/numerics/activation_store.h"

namespace nibble::accel {

namespace {

using numerics::Format;

uint64_t Elements(const sim::Elementwise& tile) { return uint64_t{tile.pixels} * tile.channels; }

// `pixels` pixels of the tile, quantised.
void CountStore(const sim::Elementwise& tile, uint64_t pixels, const sim::Epilogue& state,
                VectorOperations& ops) {
  const numerics::FormatSpec& spec = numerics::SpecOf(static_cast<Format>(state.out.format()));
  const uint64_t elements = pixels * tile.channels;
  const uint64_t blocks = pixels * numerics::BlockCount(tile.channels, state.out.block());
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

void CountLoad(const sim::Elementwise& tile, sim::StoredAs stored, VectorOperations& ops) {
  const numerics::FormatSpec& spec = numerics::SpecOf(static_cast<Format>(stored.format()));
  const uint64_t blocks =
      uint64_t{tile.pixels} * numerics::BlockCount(tile.channels, stored.block());
  switch (spec.block_scale) {
    case numerics::BlockScale::kNone:
      if (spec.outer != numerics::OuterScale::kNone) ops.fp32_muls += Elements(tile);
      break;
    case numerics::BlockScale::kE4M3:
      ops.fp32_muls += blocks + Elements(tile);  // scale x S_dec; element x that
      break;
    case numerics::BlockScale::kE8M0:
      ops.encodes += Elements(tile);  // exponents
      break;
    case numerics::BlockScale::kFp16:
    case numerics::BlockScale::kFp32:
      ops.fp32_muls += Elements(tile);
      break;
  }
}

numerics::ActivationLayout LayoutOf(uint64_t pixels, uint32_t channels, sim::StoredAs stored) {
  return {static_cast<Format>(stored.format()), stored.block(), static_cast<int>(pixels),
          static_cast<int>(channels)};
}

uint64_t StoredBytes(const numerics::ActivationLayout& layout) {
  return layout.code_bytes() + layout.scale_bytes();
}

}  // namespace

VectorOperations& VectorOperations::operator+=(const VectorOperations& o) {
  fp32_muls += o.fp32_muls;
  fp32_adds += o.fp32_adds;
  compares += o.compares;
  divides += o.divides;
  encodes += o.encodes;
  return *this;
}

bool VectorOperations::operator==(const VectorOperations& o) const {
  return fp32_muls == o.fp32_muls && fp32_adds == o.fp32_adds && compares == o.compares &&
         divides == o.divides && encodes == o.encodes;
}

VectorOperations OperationsOf(const sim::Command& command, const sim::Epilogue& state) {
  const sim::Elementwise& tile = command.elementwise;
  const uint64_t elements = Elements(tile);
  const uint64_t bounds = state.activation;  // 0, 1 (ReLU) or 2 (clip) comparisons an element
  VectorOperations ops;
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      ops.fp32_muls += tile.channels + elements;  // S_dec x weight scale once a channel; apply
      ops.fp32_adds += elements;                  // bias
      ops.compares += bounds * elements;
      if (state.flags & sim::kHasResidual) {
        CountLoad(tile, state.residual, ops);
        ops.fp32_adds += elements;
      }
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorAdd:
      CountLoad(tile, state.in, ops);
      CountLoad(tile, state.residual, ops);
      ops.fp32_adds += elements;
      ops.compares += bounds * elements;
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorPool:
      CountLoad(tile, state.in, ops);
      ops.fp32_adds += elements;
      if (command.flags & sim::kLast) {
        ops.divides += tile.channels;
        CountStore(tile, 1, state, ops);
      }
      break;
    case sim::Opcode::kVectorQuantize:
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorScale:
      // 2688 / amax and 1 / S_enc, or amax / largest element.
      ops.divides += numerics::HasBlockScale(static_cast<Format>(state.out.format())) ? 2 : 1;
      break;
    default:
      break;
  }
  return ops;
}

VectorTraffic TrafficOf(const sim::Command& command, const sim::Epilogue& state) {
  const sim::Elementwise& tile = command.elementwise;
  const auto in = LayoutOf(tile.pixels, tile.channels, state.in);
  const auto residual = LayoutOf(tile.pixels, tile.channels, state.residual);
  const auto out = LayoutOf(tile.pixels, tile.channels, state.out);
  const uint64_t fp32_bytes = Elements(tile) * sizeof(float);
  VectorTraffic bytes;
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      bytes.acc_read_bytes = fp32_bytes;
      bytes.out_read_bytes = bytes.out_read_scale_bytes =
          tile.channels * sizeof(float) * (state.flags & sim::kPerChannelScale ? 2 : 1);
      if (state.flags & sim::kHasResidual) {
        bytes.out_read_bytes += StoredBytes(residual);
        bytes.out_read_scale_bytes += residual.scale_bytes();
      }
      bytes.out_write_bytes = StoredBytes(out);
      bytes.out_write_scale_bytes = out.scale_bytes();
      break;
    case sim::Opcode::kVectorAdd:
      bytes.out_read_bytes = StoredBytes(in) + StoredBytes(residual);
      bytes.out_read_scale_bytes = in.scale_bytes() + residual.scale_bytes();
      bytes.out_write_bytes = StoredBytes(out);
      bytes.out_write_scale_bytes = out.scale_bytes();
      break;
    case sim::Opcode::kVectorPool:
      bytes.out_read_bytes = StoredBytes(in);
      bytes.out_read_scale_bytes = in.scale_bytes();
      // The sums stay in the unit's registers while a tile passes; they are saved between tiles.
      if (!(command.flags & sim::kFirst)) bytes.acc_read_bytes = tile.channels * sizeof(float);
      if (command.flags & sim::kLast) {
        const auto pixel = LayoutOf(1, tile.channels, state.out);
        bytes.out_write_bytes = StoredBytes(pixel);
        bytes.out_write_scale_bytes = pixel.scale_bytes();
      } else {
        bytes.acc_write_bytes = tile.channels * sizeof(float);
      }
      break;
    case sim::Opcode::kVectorQuantize:
      bytes.out_read_bytes = fp32_bytes;
      bytes.out_write_bytes = StoredBytes(out);
      bytes.out_write_scale_bytes = out.scale_bytes();
      break;
    default:
      break;
  }
  return bytes;
}

void Activate(const sim::Epilogue& state, float* y, uint32_t count) {
  // A copy for each function, so that the loops hold nothing else and become vector lanes.
  sim::Epilogue function{};
  function.lo = state.lo;
  function.hi = state.hi;
  if (state.activation == 1) {
    function.activation = 1;
    for (uint32_t c = 0; c < count; ++c) y[c] = Activate(function, y[c]);
  } else if (state.activation == 2) {
    function.activation = 2;
    for (uint32_t c = 0; c < count; ++c) y[c] = Activate(function, y[c]);
  }
}

}  // namespace nibble::accel
