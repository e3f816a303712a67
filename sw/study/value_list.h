// The values that a plan gives a parameter: `8, 16, 32`, `8..64 x2`, `64KiB..512KiB x2`,
// `0.5..0.8 +0.1`, and any of these after one another.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace nibble::study {

// Why a text is no list; the caller adds key and place.
class ListError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// In the order given, each as --set takes it. Commas and ranges do not count inside double quotes,
// which are taken off. A range ends at the last value that is not beyond its end. Throws ListError
// for an empty value, a value given twice, a range without a step or that runs backwards, and lists
// of more than kMaxValues.
std::vector<std::string> ParseValueList(const std::string& text);

inline constexpr size_t kMaxValues = 100000;

}  // namespace nibble::study
