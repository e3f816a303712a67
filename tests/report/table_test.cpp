#include "sw/report/table.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>

namespace nibble::report {
namespace {

// Reads a compact number back.
double Parse(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  const std::string prefixes = "kMGTPE";
  if (*end != '\0') value *= std::pow(1000.0, 1 + static_cast<double>(prefixes.find(*end)));
  return value;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("a compact number has five characters at most and three true digits") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto value = static_cast<double>(random() >> (random() % 64));
    const std::string text = Compact(value);
    INFO(value << " as " << text);
    REQUIRE(text.size() <= 5);
    REQUIRE(std::abs(Parse(text) - value) <= 0.005 * value);
  }
  CHECK(Compact(0) == "0");
  CHECK(Compact(9999) == "9999");
  CHECK(Compact(10000) == "10.0k");
  CHECK(Compact(999499) == "999k");
  CHECK(Compact(999500) == "1.00M");
}

TEST_CASE("units take the prefix that leaves one to three digits before the point") {
  CHECK(WithUnit(0.00123, "s") == "1.23 ms");
  CHECK(WithUnit(45.6e-6, "s") == "45.6 us");
  CHECK(WithUnit(3410000, "B") == "3.41 MB");
  CHECK(WithUnit(512, "B") == "512 B");
  CHECK(WithUnit(0, "B") == "0 B");
  CHECK(BinarySize(512 * 1024) == "512 KiB");
  CHECK(BinarySize(1536 * 1024) == "1.5 MiB");
  CHECK(BinarySize(100) == "100 B");
}

TEST_CASE("significant digits") {
  CHECK(Significant(0) == "0");
  CHECK(Significant(0.012345) == "0.0123");
  CHECK(Significant(1.2345) == "1.23");
  CHECK(Significant(123.45) == "123");
  CHECK(Significant(12345.6) == "12346");
}

TEST_CASE(
    "a table that is too wide narrows its elastic column, which keeps the ends of its texts") {
  Table table;
  table.AddColumn("name", "", Table::Align::kLeft);
  table.AddColumn("value", "B");
  table.AddRow({"a/very/long/name/that/goes/on/expand", "1"});
  table.AddRow({"a/very/long/name/that/goes/on/project", "12345"});
  for (const size_t width : {20, 30, 60}) {
    for (const std::string& line : Lines(table.Render(width))) CHECK(line.size() <= width);
  }
  const std::string narrow = table.Render(20);
  CHECK(narrow.find("expand") != std::string::npos);
  CHECK(narrow.find("project") != std::string::npos);
  CHECK(table.Render(0).find("a/very/long/name/that/goes/on/expand") != std::string::npos);
}

TEST_CASE("CSV fields are quoted where they must be") {
  CHECK(CsvField("plain words.1") == "plain words.1");
  CHECK(CsvField("a,b") == "\"a,b\"");
  CHECK(CsvField("the \"first\"") == "\"the \"\"first\"\"\"");
  CHECK(CsvField("two\nlines") == "\"two\nlines\"");
}

TEST_CASE("numbers are aligned right, under their heading") {
  Table table;
  table.AddColumn("name", "", Table::Align::kLeft);
  table.AddColumn("cycles", "1");
  table.AddRow({"a", "1"});
  table.AddRow({"b", "1000"});
  const std::vector<std::string> lines = Lines(table.Render(0));
  REQUIRE(lines.size() == 5);
  for (const size_t line : {0, 1, 3, 4}) CHECK(lines[line].size() == lines[0].size());
}

}  // namespace
}  // namespace nibble::report
