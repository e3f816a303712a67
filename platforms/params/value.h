// Text of a parameter value -> typed value, and back.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace nibble::platforms {

// Why a text is no value of its type; the caller adds key, value and range, the range behind
// `range_is`.
class ValueError : public std::runtime_error {
 public:
  explicit ValueError(const std::string& why, const char* range_is = "expected ")
      : std::runtime_error(why), range_is(range_is) {}
  const char* range_is;
};

// A whole number in plain digits. Throws ValueError for signs, fractions, units and numbers beyond
// lo..hi.
uint32_t ParseWhole(const std::string& text, uint32_t lo, uint32_t hi);

// A decimal number, "0.45" or "1e-4". Throws ValueError as ParseWhole does.
double ParseDecimal(const std::string& text, double lo, double hi);

// Bytes: a whole number with B, KiB or MiB behind it; no unit is bytes.
uint32_t ParseSize(const std::string& text, uint32_t lo, uint32_t hi);
std::string FormatSize(uint32_t bytes);  // in the largest unit that divides it: "192KiB"

std::string Trim(const std::string& text);
std::vector<std::string> Split(const std::string& text, char separator);  // trimmed parts
std::string Join(const std::vector<std::string>& parts, const std::string& separator);

// The name nearest to `word` by edit distance, or "" when none is near enough to be meant.
std::string Nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace nibble::platforms
