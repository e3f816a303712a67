#include "sw/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace nibble::report {

namespace {

struct Scaled {
  double value;
  const char* prefix;
};

Scaled Scale(double value) {
  static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  size_t i = 0;
  while (std::abs(value) >= 999.5 && i + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++i;
  }
  return {value, kPrefixes[i]};
}

// Three significant digits of a value below 1000.
std::string ThreeDigits(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 99.95) return fmt::format("{:.0f}", value);
  if (magnitude >= 9.995) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string Fit(const std::string& text, size_t width, Table::Align align) {
  if (text.size() > width)
    return width < 3 ? text.substr(text.size() - width)
                     : ".." + text.substr(text.size() - width + 2);
  const std::string space(width - text.size(), ' ');
  return align == Table::Align::kLeft ? text + space : space + text;
}

void TrimRight(std::string* line) { line->erase(line->find_last_not_of(' ') + 1); }

}  // namespace

std::string Compact(double value) {
  if (std::abs(value) < 9999.5 && value == std::floor(value)) return fmt::format("{:.0f}", value);
  const Scaled s = Scale(value);
  return ThreeDigits(s.value) + s.prefix;
}

std::string WithUnit(double value, const std::string& unit) {
  if (value == 0) return "0 " + unit;
  if (std::abs(value) < 1) {
    static constexpr const char* kPrefixes[] = {"m", "u", "n", "p"};
    for (const char* prefix : kPrefixes) {
      value *= 1000;
      if (std::abs(value) >= 0.9995)
        return fmt::format("{} {}{}", ThreeDigits(value), prefix, unit);
    }
    return fmt::format("{:.3g} p{}", value, unit);
  }
  const Scaled s = Scale(value);
  const bool whole = *s.prefix == '\0' && value == std::floor(value);
  return fmt::format("{} {}{}", whole ? fmt::format("{:.0f}", value) : ThreeDigits(s.value),
                     s.prefix, unit);
}

std::string BinarySize(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB"};
  double value = static_cast<double>(bytes);
  size_t i = 0;
  while (value >= 1024 && i + 1 < std::size(kUnits)) {
    value /= 1024;
    ++i;
  }
  return value == std::floor(value) ? fmt::format("{:.0f} {}", value, kUnits[i])
                                    : fmt::format("{:.1f} {}", value, kUnits[i]);
}

std::string Significant(double value) {
  if (value == 0) return "0";
  int digits = 2 - static_cast<int>(std::floor(std::log10(std::abs(value))));
  digits = std::clamp(digits, 0, 9);
  return fmt::format("{:.{}f}", value, digits);
}

std::string Percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f}", 100 * part / whole) : "-";
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

void Table::AddColumn(std::string heading, std::string unit, Align align) {
  columns_.push_back({std::move(heading), std::move(unit), align});
}

void Table::AddRow(std::vector<std::string> cells) {
  if (cells.size() != columns_.size())
    throw std::logic_error("table row with the wrong number of cells");
  rows_.push_back(std::move(cells));
}

void Table::AddRule() { rows_.emplace_back(); }

std::string Table::Render(size_t max_width) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = std::max(columns_[c].heading.size(), columns_[c].unit.size());
    for (const auto& row : rows_) {
      if (!row.empty()) width = std::max(width, row[c].size());
    }
    widths.push_back(width);
  }
  const auto total = [&](size_t gap) {
    return std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
  };
  const size_t gap = max_width != 0 && total(2) > max_width ? 1 : 2;
  if (max_width != 0 && total(gap) > max_width) {
    constexpr size_t kLeast = 8;
    size_t& elastic = widths[elastic_];
    elastic -= std::min(total(gap) - max_width, elastic > kLeast ? elastic - kLeast : 0);
  }

  std::string text;
  const auto line = [&](const auto& cell) {
    std::string out;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c != 0) out.append(gap, ' ');
      out += Fit(cell(c), widths[c], columns_[c].align);
    }
    TrimRight(&out);
    text += out + '\n';
  };
  const std::string rule = std::string(total(gap), '-') + '\n';
  line([&](size_t c) { return columns_[c].heading; });
  const bool units = std::any_of(columns_.begin(), columns_.end(),
                                 [](const Column& c) { return !c.unit.empty(); });
  if (units) line([&](size_t c) { return columns_[c].unit; });
  text += rule;
  for (const auto& row : rows_) {
    if (row.empty()) {
      text += rule;
    } else {
      line([&](size_t c) { return row[c]; });
    }
  }
  return text;
}

std::string Table::RenderMarkdown() const {
  const auto escaped = [](const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
  };
  std::string heading = "|", rule = "|", body;
  for (const Column& c : columns_) {
    heading += ' ' + escaped(c.unit.empty() ? c.heading : c.heading + ", " + c.unit) + " |";
    rule += c.align == Align::kLeft ? "---|" : "---:|";
  }
  for (const std::vector<std::string>& row : rows_) {
    if (row.empty()) continue;
    body += '|';
    for (const std::string& cell : row) body += ' ' + escaped(cell) + " |";
    body += '\n';
  }
  return heading + '\n' + rule + '\n' + body;
}

}  // namespace nibble::report
