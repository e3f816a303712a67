#include "models/accel/vector_math.h"

#include "models/numerics/activation_store.h"

namespace nibble::accel {

namespace {

using numerics::Format;

uint64_t Blocks(const sim::Elementwise& tile, uint8_t block) {
  return uint64_t{tile.pixels} * numerics::BlockCount(tile.channels, block);
}

uint64_t Elements(const sim::Elementwise& tile) { return uint64_t{tile.pixels} * tile.channels; }

void CountStore(const sim::Elementwise& tile, uint64_t pixels, const sim::Epilogue& state,
                VectorOperations& ops) {
  const uint64_t elements = pixels * tile.channels;
  if (state.flags & sim::kTrackAmax) ops.compares += elements;
  switch (static_cast<Format>(state.out_format)) {
    case Format::kNvfp4: {
      const uint64_t blocks = pixels * numerics::BlockCount(tile.channels, state.block);
      ops.compares += elements + blocks;  // block maximum; cap of the scale
      ops.fp32_muls += 2 * blocks;        // maximum x encode / 6; scale x S_dec
      ops.divides += blocks;              // its reciprocal
      ops.fp32_muls += elements;
      ops.compares += 2 * elements;  // clamp to -6..6
      ops.encodes += elements + blocks;
      break;
    }
    case Format::kFp4:
      ops.encodes += elements;
      break;
    default:  // FP32 leaves as it is
      break;
  }
}

void CountLoad(const sim::Elementwise& tile, const sim::Epilogue& state, VectorOperations& ops) {
  if (static_cast<Format>(state.in_format) == Format::kNvfp4) {
    ops.fp32_muls += Blocks(tile, state.block) + Elements(tile);
  }
}

uint64_t StoredBytes(uint64_t pixels, uint32_t channels, uint8_t format, uint8_t block) {
  const numerics::ActivationLayout layout{static_cast<Format>(format), block,
                                          static_cast<int>(pixels), static_cast<int>(channels)};
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
        CountLoad(tile, state, ops);
        ops.fp32_adds += elements;
      }
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorAdd:
      CountLoad(tile, state, ops);
      CountLoad(tile, state, ops);
      ops.fp32_adds += elements;
      ops.compares += bounds * elements;
      CountStore(tile, tile.pixels, state, ops);
      break;
    case sim::Opcode::kVectorPool:
      CountLoad(tile, state, ops);
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
      ops.divides += 2;  // 2688 / amax and 1 / S_enc
      break;
    default:
      break;
  }
  return ops;
}

VectorTraffic TrafficOf(const sim::Command& command, const sim::Epilogue& state) {
  const sim::Elementwise& tile = command.elementwise;
  const uint64_t in_bytes = StoredBytes(tile.pixels, tile.channels, state.in_format, state.block);
  const uint64_t out_bytes = StoredBytes(tile.pixels, tile.channels, state.out_format, state.block);
  const uint64_t fp32_bytes = Elements(tile) * sizeof(float);
  VectorTraffic bytes;
  switch (command.opcode) {
    case sim::Opcode::kVectorRun:
      bytes.acc_read_bytes = fp32_bytes;
      bytes.out_read_bytes =
          tile.channels * sizeof(float) * (state.flags & sim::kPerChannelScale ? 2 : 1);
      if (state.flags & sim::kHasResidual) bytes.out_read_bytes += in_bytes;
      bytes.out_write_bytes = out_bytes;
      break;
    case sim::Opcode::kVectorAdd:
      bytes.out_read_bytes = 2 * in_bytes;
      bytes.out_write_bytes = out_bytes;
      break;
    case sim::Opcode::kVectorPool:
      bytes.out_read_bytes = in_bytes;
      // The sums stay in the unit's registers while a tile passes; they are saved between tiles.
      if (!(command.flags & sim::kFirst)) bytes.acc_read_bytes = tile.channels * sizeof(float);
      if (command.flags & sim::kLast) {
        bytes.out_write_bytes = StoredBytes(1, tile.channels, state.out_format, state.block);
      } else {
        bytes.acc_write_bytes = tile.channels * sizeof(float);
      }
      break;
    case sim::Opcode::kVectorQuantize:
      bytes.out_read_bytes = fp32_bytes;
      bytes.out_write_bytes = out_bytes;
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
