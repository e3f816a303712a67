#include "sw/study/value_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>

#include "platforms/params/value.h"

namespace nibble::study {

using platforms::Trim;

namespace {

constexpr int kMaxDecimals = 9;
constexpr int64_t kMaxNumber = int64_t{1} << 40;

// A number as an integer of decimal places, so that steps of 0.1 do not add up errors.
struct Decimal {
  int64_t mantissa = 0;
  int places = 0;
  std::string unit;  // "", "B", "KiB", "MiB"
};

Decimal ParseDecimal(const std::string& text, const std::string& item) {
  Decimal d;
  size_t at = 0, digits = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    ++digits;
    d.mantissa = d.mantissa * 10 + (c - '0');
    if (point) ++d.places;
    if (d.mantissa > kMaxNumber || d.places > kMaxDecimals) {
      throw ListError(fmt::format("\"{}\": the number {} has too many digits", item, text));
    }
  }
  d.unit = Trim(text.substr(at));
  const bool known = d.unit.empty() || d.unit == "B" || d.unit == "KiB" || d.unit == "MiB";
  if (digits == 0 || !known) {
    throw ListError(fmt::format("\"{}\": \"{}\" is no number", item, text));
  }
  return d;
}

void Scale(Decimal& d, int places) {
  for (; d.places < places; ++d.places) {
    if (d.mantissa > kMaxNumber * 1000) throw ListError("a range of too many digits");
    d.mantissa *= 10;
  }
}

std::string Text(int64_t mantissa, int places, const std::string& unit) {
  std::string digits = std::to_string(mantissa);
  if (places > 0) {
    if (digits.size() <= static_cast<size_t>(places)) {
      digits.insert(0, static_cast<size_t>(places) + 1 - digits.size(), '0');
    }
    digits.insert(digits.size() - static_cast<size_t>(places), ".");
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  return digits + unit;
}

int64_t UnitBytes(const std::string& unit) {
  return unit == "MiB" ? 1 << 20 : unit == "KiB" ? 1 << 10 : 1;
}

// FIRST..LAST xFACTOR or FIRST..LAST +STEP
std::vector<std::string> ParseRange(const std::string& item) {
  const size_t dots = item.find("..");
  const std::string rest = Trim(item.substr(dots + 2));
  const size_t space = rest.find_first_of(" x+");
  const std::string step = space == std::string::npos ? "" : Trim(rest.substr(space));
  if (step.size() < 2 || (step[0] != 'x' && step[0] != '+')) {
    throw ListError(
        fmt::format("\"{}\": a range has a step: FIRST..LAST xFACTOR or FIRST..LAST +STEP", item));
  }
  Decimal first = ParseDecimal(Trim(item.substr(0, dots)), item);
  Decimal last = ParseDecimal(Trim(rest.substr(0, space)), item);
  Decimal by = ParseDecimal(Trim(step.substr(1)), item);
  const bool multiply = step[0] == 'x';
  if (multiply && (!by.unit.empty() || by.places > 0 || by.mantissa < 2)) {
    throw ListError(fmt::format("\"{}\": a factor is a whole number of at least 2", item));
  }
  // Sizes in different units become bytes. A number without one beside them is an error: it could
  // mean bytes, and it could mean the unit of the other.
  const bool same_unit = first.unit == last.unit && (multiply || first.unit == by.unit);
  std::string unit = first.unit;
  if (!same_unit) {
    for (Decimal* d : {&first, &last, &by}) {
      if (multiply && d == &by) continue;
      if (d->unit.empty() || d->places > 0) {
        throw ListError(fmt::format("\"{}\": the numbers have different units", item));
      }
      d->mantissa *= UnitBytes(d->unit);
    }
    unit = "B";
  }
  const int places = multiply ? std::max(first.places, last.places)
                              : std::max({first.places, last.places, by.places});
  Scale(first, places);
  Scale(last, places);
  if (!multiply) Scale(by, places);
  if (!multiply && by.mantissa == 0) {
    throw ListError(fmt::format("\"{}\": a step of 0 never ends", item));
  }
  if (multiply && first.mantissa == 0) {
    throw ListError(fmt::format("\"{}\": multiples of 0 never end", item));
  }
  if (last.mantissa < first.mantissa) {
    throw ListError(fmt::format("\"{}\": runs backwards", item));
  }
  std::vector<std::string> values;
  for (int64_t m = first.mantissa; m <= last.mantissa;
       m = multiply ? m * by.mantissa : m + by.mantissa) {
    values.push_back(Text(m, places, unit));
    if (values.size() > kMaxValues) {
      throw ListError(fmt::format("\"{}\": more than {} values", item, kMaxValues));
    }
    if (multiply && m > last.mantissa / by.mantissa) break;  // the product could overflow
  }
  return values;
}

}  // namespace

std::vector<std::string> ParseValueList(const std::string& text) {
  std::vector<std::string> values;
  for (size_t at = 0; at <= text.size();) {
    at = std::min(text.find_first_not_of(" \t", at), text.size());
    size_t end = 0;
    if (at < text.size() && text[at] == '"') {
      end = text.find('"', at + 1);
      if (end == std::string::npos) throw ListError("a quote does not end");
      values.push_back(text.substr(at + 1, end - at - 1));
      const size_t next = std::min(text.find(',', end), text.size());
      const std::string between = Trim(text.substr(end + 1, next - end - 1));
      if (!between.empty()) {
        throw ListError(fmt::format("\"{}\": expected a comma after the quote", between));
      }
      at = next + 1;
    } else {
      end = std::min(text.find(',', at), text.size());
      const std::string item = Trim(text.substr(at, end - at));
      if (item.find("..") != std::string::npos) {
        for (std::string& value : ParseRange(item)) values.push_back(std::move(value));
      } else {
        values.push_back(item);
      }
      at = end + 1;
    }
  }
  if (values.size() > kMaxValues) {
    throw ListError(fmt::format("more than {} values", kMaxValues));
  }
  std::set<std::string> seen;
  for (const std::string& value : values) {
    if (value.empty()) throw ListError("an empty value");
    if (!seen.insert(value).second) throw ListError(fmt::format("\"{}\" is given twice", value));
  }
  return values;
}

}  // namespace nibble::study
