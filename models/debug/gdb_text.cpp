#include "models/debug/gdb_text.h"

#include <charconv>

namespace nibble::debug {

std::string ToHex(std::string_view bytes) {
  static const char* const digits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<uint8_t>(c) >> 4];
    hex += digits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t k = 0; k < hex.size(); k += 2) {
    uint8_t value = 0;
    const char* const end = hex.data() + k + 2;
    const auto [at, error] = std::from_chars(hex.data() + k, end, value, 16);
    if (error != std::errc() || at != end) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string WordToHex(uint32_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
  return ToHex(bytes);
}

std::optional<uint32_t> WordFromHex(std::string_view hex) {
  const std::optional<std::string> bytes = FromHex(hex);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  uint32_t value = 0;
  for (size_t k = 0; k < 4; ++k) value |= uint32_t{static_cast<uint8_t>((*bytes)[k])} << 8 * k;
  return value;
}

bool Scanner::Skip(std::string_view literal) {
  if (rest_.substr(0, literal.size()) != literal) return false;
  rest_.remove_prefix(literal.size());
  return true;
}

std::optional<uint32_t> Scanner::Number() {
  uint32_t value = 0;
  const auto [at, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, 16);
  if (error != std::errc()) return std::nullopt;
  rest_.remove_prefix(static_cast<size_t>(at - rest_.data()));
  return value;
}

}  // namespace nibble::debug
