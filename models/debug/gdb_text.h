// Numbers and bytes as GDB's remote protocol writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nibble::debug {

// Two digits a byte.
std::string ToHex(std::string_view bytes);
// Nothing when it is not hexadecimal, or of odd length.
std::optional<std::string> FromHex(std::string_view hex);
// 32 bits as bytes in the target's order, little-endian.
std::string WordToHex(uint32_t value);
std::optional<uint32_t> WordFromHex(std::string_view hex);

// Reads a command from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  // True, and goes behind it, when `literal` comes next.
  bool Skip(std::string_view literal);
  // A hexadecimal number of at most 32 bits; nothing when none comes next.
  std::optional<uint32_t> Number();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace nibble::debug
