#include "platforms/params/value.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <system_error>
#include <utility>

namespace nibble::platforms {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Splits "192KiB" into digits and the rest; saturates far above every range.
struct Quantity {
  uint64_t number = 0;
  std::string unit;
};
Quantity ParseQuantity(const std::string& text) {
  size_t digits = 0;
  Quantity q;
  for (; digits < text.size() && IsDigit(text[digits]); ++digits) {
    q.number = std::min<uint64_t>(q.number * 10 + static_cast<uint64_t>(text[digits] - '0'),
                                  uint64_t{1} << 40);
  }
  if (digits == 0) {
    const bool negative = text.size() > 1 && text[0] == '-' && IsDigit(text[1]);
    throw ValueError(negative ? "out of range" : "not a whole number");
  }
  q.unit = Trim(text.substr(digits));
  return q;
}

}  // namespace

uint32_t ParseWhole(const std::string& text, uint32_t lo, uint32_t hi) {
  const Quantity q = ParseQuantity(text);
  if (!q.unit.empty()) {
    if (q.unit[0] == '.') throw ValueError("not a whole number");
    throw ValueError("wrong unit \"" + q.unit + "\", use a plain number");
  }
  if (q.number < lo || q.number > hi) throw ValueError("out of range");
  return static_cast<uint32_t>(q.number);
}

double ParseDecimal(const std::string& text, double lo, double hi) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::invalid_argument || rest == text.data()) {
    throw ValueError("not a number");
  }
  if (rest != end) {
    throw ValueError("wrong unit \"" + std::string(rest, end) + "\", use a plain number");
  }
  if (error != std::errc() || !(value >= lo && value <= hi)) throw ValueError("out of range");
  return value;
}

uint32_t ParseSize(const std::string& text, uint32_t lo, uint32_t hi) {
  const Quantity q = ParseQuantity(text);
  uint64_t unit = 1;
  if (q.unit == "KiB") {
    unit = 1u << 10;
  } else if (q.unit == "MiB") {
    unit = 1u << 20;
  } else if (!q.unit.empty() && q.unit != "B") {
    throw ValueError("wrong unit \"" + q.unit + "\", use B, KiB or MiB");
  }
  const uint64_t bytes = q.number * unit;  // below 2^60
  if (bytes < lo || bytes > hi) throw ValueError("out of range");
  return static_cast<uint32_t>(bytes);
}

std::string FormatSize(uint32_t bytes) {
  if (bytes % (1u << 20) == 0) return std::to_string(bytes >> 20) + "MiB";
  if (bytes % (1u << 10) == 0) return std::to_string(bytes >> 10) + "KiB";
  return std::to_string(bytes) + "B";
}

std::string Trim(const std::string& text) {
  const char* const blanks = " \t\r";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1) {
    parts.push_back(Trim(text.substr(begin, end - begin)));
  }
  parts.push_back(Trim(text.substr(begin)));
  return parts;
}

std::string Join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

std::string Nearest(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& name : names) {
    std::vector<size_t> row(name.size() + 1);  // Levenshtein, one row at a time
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j <= name.size(); ++j) {
        const size_t replace = diagonal + (word[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = name;
    }
  }
  return best;
}

}  // namespace nibble::platforms
