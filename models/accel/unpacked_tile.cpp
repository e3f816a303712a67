#include "models/accel/unpacked_tile.h"

#include <algorithm>

namespace nibble::accel {

namespace {

void UnpackScales(numerics::Format format, const uint8_t* bytes, size_t count, int64_t* scales) {
  const int size = numerics::BlockScaleBits(format) / 8;
  for (size_t i = 0; i < count; ++i) scales[i] = numerics::LoadWord(bytes + i * size, size);
}

size_t Blocks(numerics::Format format, int elements, int block) {
  return numerics::HasBlockScale(format)
             ? static_cast<size_t>(numerics::BlockCount(elements, block))
             : 0;
}

}  // namespace

TileRows RowsOf(const sim::Geometry& g, const sim::Convolve& run) {
  const int begin = run.out_row * g.stride_h - g.pad_top;
  const int end = begin + (run.out_rows - 1) * g.stride_h + (g.kernel_h - 1) * g.dilation_h + 1;
  const int first = std::clamp<int>(begin, run.in_row, run.in_row + run.in_rows);
  return {first, std::clamp<int>(end, first, run.in_row + run.in_rows)};
}

void UnpackedTile::ResetWeights(const sim::Geometry& geometry, uint32_t channels) {
  weights_ = WeightLayoutOf(geometry);
  w_blocks_ = Blocks(weights_.format, static_cast<int>(weights_.segment), weights_.block);
  w_codes_.assign(size_t{channels} * weights_.segments * weights_.segment, 0);
  w_scales_.assign(size_t{channels} * weights_.segments * w_blocks_, 0);
}

void UnpackedTile::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                              const uint8_t* scales) {
  const size_t run = size_t{n} * weights_.segments + segment;
  numerics::UnpackCodes(numerics::ElementBits(weights_.format), codes,
                        static_cast<int>(weights_.segment), &w_codes_[run * weights_.segment]);
  UnpackScales(weights_.format, scales, w_blocks_, w_scales_.data() + run * w_blocks_);
}

void UnpackedTile::SetActivations(const sim::Geometry& geometry, const TileRows& rows,
                                  const uint8_t* codes, const uint8_t* scales) {
  geometry_ = geometry;
  first_row_ = rows.first;
  last_row_ = rows.last;
  input_ = InputLayoutOf(geometry);
  const size_t pixels = static_cast<size_t>(rows.last - rows.first) * geometry.in_width;
  a_codes_.resize(pixels * input_.channels);
  if (const int scale_bits = numerics::BlockScaleBits(input_.format); scale_bits > 0) {
    a_scales_.resize(input_.scale_rows(pixels) * input_.scale_row_bytes() * 8 / scale_bits);
    UnpackScales(input_.format, scales, a_scales_.size(), a_scales_.data());
  } else {
    a_scales_.clear();
  }
  for (size_t p = 0; p < pixels; ++p) {
    numerics::UnpackCodes(numerics::ElementBits(input_.format),
                          codes + p * input_.code_bytes_per_pixel(), input_.channels,
                          &a_codes_[p * input_.channels]);
  }
}

int UnpackedTile::term() const { return std::min(input_.block, weights_.block); }

ptrdiff_t UnpackedTile::PixelUnder(int y, int x, int ky, int kx) const {
  const sim::Geometry& g = geometry_;
  const int row = y * g.stride_h - g.pad_top + ky * g.dilation_h;
  const int column = x * g.stride_w - g.pad_left + kx * g.dilation_w;
  if (row < first_row_ || row >= last_row_ || column < 0 || column >= g.in_width) return kPadding;
  return ptrdiff_t{row - first_row_} * g.in_width + column;
}

}  // namespace nibble::accel
