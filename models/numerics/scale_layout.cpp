#include "models/numerics/scale_layout.h"

#include <stdexcept>
#include <string>

namespace nibble::numerics {
namespace {

constexpr int kTileRows = 128;
constexpr int kTileBlocks = 4;
constexpr size_t kTileBytes = size_t{kTileRows} * kTileBlocks;

size_t Tiles(int count, int tile) { return static_cast<size_t>((count + tile - 1) / tile); }

void CheckSize(size_t size, size_t expected) {
  if (size == expected) return;
  throw std::invalid_argument(std::to_string(size) + " scale bytes, expected " +
                              std::to_string(expected));
}

}  // namespace

size_t SwizzledScaleBytes(int rows, int blocks) {
  return Tiles(rows, kTileRows) * Tiles(blocks, kTileBlocks) * kTileBytes;
}

size_t SwizzledScaleOffset(int row, int block, int blocks) {
  const auto m = static_cast<size_t>(row), k = static_cast<size_t>(block);
  const size_t tile = m / kTileRows * Tiles(blocks, kTileBlocks) + k / kTileBlocks;
  return tile * kTileBytes + m % 32 * 16 + m / 32 % 4 * 4 + k % kTileBlocks;
}

std::vector<uint8_t> SwizzleScales(const std::vector<uint8_t>& linear, int rows, int blocks) {
  CheckSize(linear.size(), static_cast<size_t>(rows) * static_cast<size_t>(blocks));
  std::vector<uint8_t> swizzled(SwizzledScaleBytes(rows, blocks));
  size_t i = 0;
  for (int row = 0; row < rows; ++row) {
    for (int b = 0; b < blocks; ++b) swizzled[SwizzledScaleOffset(row, b, blocks)] = linear[i++];
  }
  return swizzled;
}

std::vector<uint8_t> UnswizzleScales(const std::vector<uint8_t>& swizzled, int rows, int blocks) {
  CheckSize(swizzled.size(), SwizzledScaleBytes(rows, blocks));
  std::vector<uint8_t> linear;
  for (int row = 0; row < rows; ++row) {
    for (int b = 0; b < blocks; ++b) {
      linear.push_back(swizzled[SwizzledScaleOffset(row, b, blocks)]);
    }
  }
  return linear;
}

}  // namespace nibble::numerics
