// Plain text tables, and the numbers and fields in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nibble::report {

// At most five characters: 0, 9999, 10.2k, 112k, 3.41M, 25.0G. Decimal prefixes.
std::string Compact(double value);
// With prefix and unit: "3.41 MB", "512 B", "12.3 uJ". `value` is in the base unit.
std::string WithUnit(double value, const std::string& unit);
// "512 KiB", "1.5 MiB": sizes of memories.
std::string BinarySize(uint64_t bytes);
// Three significant digits without an exponent: "0.0123", "1.23", "12.3", "123", "1234".
std::string Significant(double value);
// "12.3", or "-" when there is nothing to give a share of.
std::string Percent(double part, double whole);
// A field of comma-separated values (RFC 4180): in quotes where it holds a comma, a quote or a line
// break.
std::string CsvField(const std::string& text);

class Table {
 public:
  enum class Align { kLeft, kRight };
  // A heading of two lines (name, unit).
  void AddColumn(std::string heading, std::string unit, Align align = Align::kRight);
  // The one column that gives way when a table is wider than it may be; its texts keep their ends,
  // which tell names of one network apart ("...expand", "...project").
  void set_elastic(size_t column) { elastic_ = column; }
  void AddRow(std::vector<std::string> cells);
  void AddRule();  // a line between rows
  // Lines that end in '\n'. Columns are two spaces apart, one where `max_width` (0: any width) asks
  // for it.
  std::string Render(size_t max_width) const;
  // The same for a document: headings of one line, no rules, '|' escaped.
  std::string RenderMarkdown() const;

 private:
  struct Column {
    std::string heading, unit;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
  size_t elastic_ = 0;
};

}  // namespace nibble::report
