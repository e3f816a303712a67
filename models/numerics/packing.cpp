#include "models/numerics/packing.h"

#include <algorithm>

namespace nibble::numerics {
namespace {

// Any width, in groups that fill whole bytes.
template <typename Code>
void PackGroups(int bits, const Code* codes, int count, uint8_t* packed) {
  std::fill_n(packed, PackedBytes(bits, count), uint8_t{0});
  const uint32_t mask = (1u << bits) - 1;
  for (int i = 0, bit = 0; i < count; ++i, bit += bits) {
    const uint32_t code = (codes[i] & mask) << (bit % 8);
    packed[bit / 8] = static_cast<uint8_t>(packed[bit / 8] | code);
    for (int byte = 1; bit % 8 + bits > 8 * byte; ++byte) {
      packed[bit / 8 + byte] = static_cast<uint8_t>(packed[bit / 8 + byte] | code >> (8 * byte));
    }
  }
}

template <typename Code>
void UnpackGroups(int bits, const uint8_t* packed, int count, Code* codes) {
  const uint32_t mask = (1u << bits) - 1;
  for (int i = 0, bit = 0; i < count; ++i, bit += bits) {
    uint32_t code = packed[bit / 8];
    for (int byte = 1; bit % 8 + bits > 8 * byte; ++byte) {
      code |= static_cast<uint32_t>(packed[bit / 8 + byte]) << (8 * byte);
    }
    codes[i] = static_cast<Code>(code >> (bit % 8) & mask);
  }
}

}  // namespace

template <typename Code>
void PackCodes(int bits, const Code* codes, int count, uint8_t* packed) {
  switch (bits) {
    case 4:
      for (int i = 0; i + 1 < count; i += 2) {
        packed[i / 2] = static_cast<uint8_t>((codes[i] & 15) | (codes[i + 1] << 4));
      }
      if (count % 2 != 0) packed[count / 2] = codes[count - 1] & 15;
      return;
    case 8:
      for (int i = 0; i < count; ++i) packed[i] = static_cast<uint8_t>(codes[i]);
      return;
    default:
      PackGroups(bits, codes, count, packed);
  }
}

template <typename Code>
void UnpackCodes(int bits, const uint8_t* packed, int count, Code* codes) {
  switch (bits) {
    case 4:
      for (int i = 0; i + 1 < count; i += 2) {
        codes[i] = packed[i / 2] & 15;
        codes[i + 1] = packed[i / 2] >> 4;
      }
      if (count % 2 != 0) codes[count - 1] = packed[count / 2] & 15;
      return;
    case 8:
      std::copy_n(packed, count, codes);
      return;
    default:
      UnpackGroups(bits, packed, count, codes);
  }
}

std::vector<uint8_t> PackRows(const std::vector<uint16_t>& codes, size_t rows, int bits) {
  const size_t columns = rows == 0 ? 0 : codes.size() / rows;
  const size_t row_bytes = PackedBytes(bits, static_cast<int>(columns));
  std::vector<uint8_t> packed(rows * row_bytes);
  for (size_t row = 0; row < rows; ++row) {
    PackCodes(bits, &codes[row * columns], static_cast<int>(columns), &packed[row * row_bytes]);
  }
  return packed;
}

template void PackCodes(int, const uint8_t*, int, uint8_t*);
template void PackCodes(int, const uint16_t*, int, uint8_t*);
template void UnpackCodes(int, const uint8_t*, int, uint8_t*);
template void UnpackCodes(int, const uint8_t*, int, uint16_t*);

}  // namespace nibble::numerics
