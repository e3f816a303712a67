// The bytes of a .trc file: header, table, tensor section. What is in them is reader.cpp's and
// writer.cpp's business.
//
//   offset  size  field
//        0     8  magic "NIBTRC\r\n" (the line end shows transfers in text mode)
//        8     4  version of the format, 1
//       12     4  bytes of the header, 64
//       16     8  offset of the table, 64
//       24     8  bytes of the table
//       32     8  offset of the tensor section: the end of the table, rounded up to 64
//       40     8  bytes of the tensor section; it ends the file
//       48    16  XXH3-128, canonical (big-endian), of bytes 0..47 and 64..end
//
// All numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nibble::trace {

inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kHeaderBytes = 64;
inline constexpr size_t kAlignment = 64;
inline constexpr char kFileIdentifier[] = "NTRC";

inline constexpr uint64_t AlignUp(uint64_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

struct Container {
  const uint8_t* table = nullptr;
  size_t table_bytes = 0;
  const uint8_t* tensors = nullptr;
  size_t tensor_bytes = 0;
};

// A whole file; the hash is that of the result.
std::vector<uint8_t> Seal(const uint8_t* table, size_t table_bytes,
                          const std::vector<uint8_t>& tensors);

// Checks everything that the header says, and the hash. Throws FileError naming the field.
Container Open(const std::vector<uint8_t>& file);

// The hash in a header as 32 hex digits. Checks the magic and the length only.
std::string HashDigits(const std::vector<uint8_t>& header);

}  // namespace nibble::trace
