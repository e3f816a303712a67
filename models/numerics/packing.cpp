#include "models/numerics/packing.h"

namespace nibble::numerics {

std::vector<uint8_t> PackRows(const std::vector<uint16_t>& codes, size_t rows, int bits) {
  const size_t columns = rows == 0 ? 0 : codes.size() / rows;
  const size_t row_bytes = PackedRowBytes(columns, bits);
  const auto width = static_cast<size_t>(bits);
  std::vector<uint8_t> packed(rows * row_bytes);
  for (size_t row = 0; row < rows; ++row) {
    uint8_t* bytes = &packed[row * row_bytes];
    for (size_t k = 0; k < columns; ++k) {
      const uint32_t code = codes[row * columns + k] & ((1u << width) - 1);
      // A code of at most 16 bits reaches into three bytes at most.
      const size_t at = k * width / 8;
      const uint32_t shifted = code << (k * width % 8);
      for (size_t b = 0; b < 3 && shifted >> (8 * b) != 0; ++b) {
        bytes[at + b] = static_cast<uint8_t>(bytes[at + b] | shifted >> (8 * b));
      }
    }
  }
  return packed;
}

std::vector<uint8_t> PackScales(const BlockTensor& tensor) {
  const int bits = BlockScaleBits(tensor.format);
  std::vector<uint8_t> bytes;
  bytes.reserve(tensor.scales.size() * static_cast<size_t>(bits) / 8);
  for (uint32_t scale : tensor.scales) {
    for (int shift = 0; shift < bits; shift += 8) {
      bytes.push_back(static_cast<uint8_t>(scale >> shift));
    }
  }
  return bytes;
}

}  // namespace nibble::numerics
