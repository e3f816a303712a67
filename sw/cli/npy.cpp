#include "sw/cli/npy.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

namespace nibble::cli {

std::string NpyFloat32(const std::vector<std::vector<float>>& rows) {
  const size_t length = rows.empty() ? 0 : rows.front().size();
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows.size(), length);
  // Magic, version and header length take 10 bytes; the data starts at a multiple of 64.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  for (const std::vector<float>& row : rows) {
    for (float value : row) {
      uint32_t word;
      std::memcpy(&word, &value, sizeof word);
      for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(word >> shift & 0xFF);
    }
  }
  return bytes;
}

}  // namespace nibble::cli
