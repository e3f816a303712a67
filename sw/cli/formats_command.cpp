#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "models/numerics/sqnr.h"
#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/report/table.h"

namespace nibble::cli {

namespace {

using numerics::Distribution;
using numerics::FormatRow;

std::string Text(const std::vector<FormatRow>& rows) {
  report::Table table;
  table.AddColumn("format", "", report::Table::Align::kLeft);
  table.AddColumn("bits", "/element");
  table.AddColumn("largest", "");
  table.AddColumn("step", "");
  for (int d = 0; d < numerics::kDistributions; ++d) {
    table.AddColumn(numerics::DistributionName(static_cast<Distribution>(d)), "dB");
  }
  for (const FormatRow& row : rows) {
    std::vector<std::string> cells{row.name, fmt::format("{:.4f}", row.bits_per_element),
                                   fmt::format("{:.6g}", row.range),
                                   fmt::format("{:.3g}", row.step)};
    for (double db : row.sqnr_db) cells.push_back(fmt::format("{:.2f}", db));
    table.AddRow(cells);
  }
  return table.Render(120);
}

std::string Csv(const std::vector<FormatRow>& rows) {
  std::string text = "format,bits_per_element,range,step";
  for (int d = 0; d < numerics::kDistributions; ++d) {
    text += fmt::format(",{}_db", numerics::DistributionName(static_cast<Distribution>(d)));
  }
  text += '\n';
  for (const FormatRow& row : rows) {
    text +=
        fmt::format("{},{:.6f},{:.9g},{:.9g}", row.name, row.bits_per_element, row.range, row.step);
    for (double db : row.sqnr_db) text += fmt::format(",{:.2f}", db);
    text += '\n';
  }
  return text;
}

}  // namespace

Command AddFormats(CLI::App& app) {
  auto csv = std::make_shared<bool>(false);
  CLI::App* sub = app.add_subcommand(
      "formats", "list number formats: bits, range, step, and SQNR on reference data");
  sub->add_flag("--csv", *csv, "comma-separated values");
  sub->footer(
      "Bits include scales, in rows of 4096 elements. Range and step are those under tensor scale "
      "1. SQNR is of 64 x 4096\n"
      "samples, each row scaled as a tensor of its own.");
  return [csv] {
    const std::vector<FormatRow> rows = numerics::DescribeFormats(numerics::ReferenceChoices());
    Print(*csv ? Csv(rows) : Text(rows));
    return kDone;
  };
}

}  // namespace nibble::cli
