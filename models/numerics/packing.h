// Codes as they lie in memory: element i takes bits [i * bits, (i + 1) * bits) of a little-endian
// string of bits, so that two 4-bit codes share a byte (the even element in bits 3:0) and four
// 6-bit codes three bytes. The unused bits of the last byte are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::numerics {

// Bytes of `count` codes of `bits` bits.
constexpr uint32_t PackedBytes(int bits, int count) {
  return (static_cast<uint32_t>(count) * static_cast<uint32_t>(bits) + 7) / 8;
}

// `bits` is 4, 6, 8 or 16; codes that do not fit lose their upper bits. `Code`: uint8_t or
// uint16_t.
template <typename Code>
void PackCodes(int bits, const Code* codes, int count, uint8_t* packed);
template <typename Code>
void UnpackCodes(int bits, const uint8_t* packed, int count, Code* codes);

// [rows][PackedBytes(bits, columns)] of codes [rows][columns]: each row starts at a whole byte.
std::vector<uint8_t> PackRows(const std::vector<uint16_t>& codes, size_t rows, int bits);

// A binary32 or any other word of `bytes` bytes, little-endian.
inline void StoreWord(uint32_t word, int bytes, uint8_t* to) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<uint8_t>(word >> (8 * i));
}
inline uint32_t LoadWord(const uint8_t* from, int bytes) {
  uint32_t word = 0;
  for (int i = 0; i < bytes; ++i) word |= static_cast<uint32_t>(from[i]) << (8 * i);
  return word;
}

}  // namespace nibble::numerics
