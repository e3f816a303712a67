#include "models/accel/command_checks.h"

#include <algorithm>

#include "models/accel/weight_layout.h"

namespace nibble::accel {

using sim::Fault;
using sim::FaultCode;

namespace {

bool IsFormat(uint8_t format) { return format < numerics::kFormatSpecs.size(); }

bool IsBlock(int block) { return block >= 8 && block <= 128 && (block & (block - 1)) == 0; }

uint64_t AddressOf(uint16_t unit) { return uint64_t{unit} * sim::kSramUnit; }

Fault CheckStridedRange(const memory::Sram& sram, uint64_t address, uint32_t rows,
                        uint32_t row_bytes, uint64_t stride) {
  return CheckRange(sram, address, (rows - 1) * stride + row_bytes);
}

}  // namespace

Fault CheckRange(const memory::Sram& sram, uint64_t address, uint64_t bytes) {
  const uint64_t size = sram.config().size;
  if (address <= size && bytes <= size - address) return {};
  return {FaultCode::kSramRange, 0, address};
}

Fault CheckCopy(const sim::Copy& copy, const Scratchpads& scratchpads) {
  if (static_cast<int>(copy.buffer) >= sim::kBuffers) return {FaultCode::kFormat};
  // No bytes at all are allowed: a word that only marks the end of a layer.
  const bool contiguous = copy.rows <= 1 || copy.dram_stride == copy.row_bytes;
  if (copy.row_bytes == 0 && !contiguous) return {FaultCode::kOperands};
  return CheckRange(scratchpads[copy.buffer], AddressOf(copy.sram),
                    uint64_t{copy.rows} * copy.row_bytes);
}

Fault CheckMove(const sim::Move& move, const Scratchpads& scratchpads) {
  if (move.rows == 0 || move.row_bytes == 0) return {FaultCode::kOperands};
  if (const Fault fault =
          CheckRange(scratchpads.out, move.from, uint64_t{move.rows} * move.row_bytes)) {
    return fault;
  }
  return CheckStridedRange(scratchpads.act, move.to, move.rows, move.row_bytes, move.to_stride);
}

Fault CheckGeometry(const sim::Geometry& g) {
  if (!IsFormat(g.activation_format) || !IsFormat(g.weight_format)) return {FaultCode::kFormat};
  if (!IsBlock(g.activation_block) || !IsBlock(g.weight_block)) return {FaultCode::kFormat};
  const uint32_t sizes[] = {g.in_height, g.in_width,   g.in_channels, g.out_height,
                            g.out_width, g.kernel_h,   g.kernel_w,    g.stride_h,
                            g.stride_w,  g.dilation_h, g.dilation_w};
  if (std::find(std::begin(sizes), std::end(sizes), 0u) != std::end(sizes)) {
    return {FaultCode::kGeometry};
  }
  if (g.strips && (!g.depthwise ||
                   !numerics::HasBlockScale(static_cast<numerics::Format>(g.activation_format)))) {
    return {FaultCode::kGeometry};
  }
  if (g.groups > 1 && (g.depthwise || g.in_channels % g.groups != 0)) {
    return {FaultCode::kGeometry};
  }
  return {};
}

Fault CheckConvolve(const sim::Geometry& g, const sim::Convolve& run,
                    const Scratchpads& scratchpads) {
  if (run.out_rows == 0 || run.out_row + run.out_rows > g.out_height) return {FaultCode::kOperands};
  if (run.channels == 0) return {FaultCode::kOperands};
  if (g.depthwise && run.channel + run.channels > g.in_channels) return {FaultCode::kOperands};
  // The input rows that the kernel touches are in the tile.
  const int above = run.out_row * g.stride_h - g.pad_top;
  const int first = std::max(0, above);
  const int last = std::min<int>(
      g.in_height, above + (run.out_rows - 1) * g.stride_h + (g.kernel_h - 1) * g.dilation_h + 1);
  if (run.in_row + run.in_rows > g.in_height) return {FaultCode::kOperands};
  if (first < last && (first < run.in_row || last > run.in_row + run.in_rows)) {
    return {FaultCode::kOperands};
  }
  const numerics::ActivationLayout in = InputLayoutOf(g);
  const uint64_t in_pixels = uint64_t{run.in_rows} * g.in_width;
  const uint64_t pixels = uint64_t{run.out_rows} * g.out_width;
  if (const Fault fault =
          CheckRange(scratchpads.act, AddressOf(run.act), in_pixels * in.code_bytes_per_pixel())) {
    return fault;
  }
  if (const Fault fault = CheckRange(scratchpads.act, AddressOf(run.act_scales),
                                     in.scale_rows(in_pixels) * in.scale_row_bytes())) {
    return fault;
  }
  return CheckRange(scratchpads.acc, AddressOf(run.acc), AccumulatorBytes(pixels, run.channels));
}

Fault CheckWeights(const sim::Geometry& g, const sim::Convolve& run,
                   const Scratchpads& scratchpads) {
  if (g.groups > 1) {
    const uint32_t outputs = uint32_t{run.group_outputs} * g.groups;
    if (run.channel + run.channels > outputs) return {FaultCode::kOperands};
  }
  const WeightLayout layout = WeightLayoutOf(g);
  if (const Fault fault = CheckRange(scratchpads.weight, AddressOf(run.weight),
                                     run.channels * layout.code_bytes_per_channel())) {
    return fault;
  }
  return CheckRange(scratchpads.weight, AddressOf(run.weight_scales),
                    run.channels * layout.scale_bytes_per_channel());
}

}  // namespace nibble::accel
