// What tells contents apart: traces, images, design points, results.
#pragma once

#include <string>
#include <string_view>

namespace nibble::trace {

// 32 hex digits: XXH3-128, canonical (big-endian), of the bytes.
std::string HashOf(std::string_view bytes);
std::string HashOfFile(const std::string& path);  // of its bytes; throws FileError

}  // namespace nibble::trace
