#include "sw/evaluation/ablation_tables.h"

#include <fmt/format.h>

#include <functional>

#include "sw/report/table.h"

namespace nibble::evaluation {
namespace {

constexpr int kInputs = 4096;  // at which bits are given in closed form
constexpr double kPjPerUj = 1e6;

std::string WithInterval(const Proportion& p) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", p.percent(), p.low(), p.high());
}

class Tables {
 public:
  Tables(const Study& study, const std::vector<AblationRow>& rows, TableStyle style)
      : study_(study), rows_(rows), style_(style) {}

  // `reference`: heading and text of a column before the cells', or none.
  void Add(const std::string& title, const std::function<std::string(const CellResult&)>& text,
           const std::string& reference = "",
           const std::function<std::string(const AblationRow&)>& of_row = {}) {
    report::Table table;
    table.AddColumn("network", "", report::Table::Align::kLeft);
    if (of_row) table.AddColumn(reference, "");
    for (const Cell& cell : study_.cells) table.AddColumn(cell.name, "");
    for (const AblationRow& row : rows_) {
      std::vector<std::string> cells{row.network};
      if (of_row) cells.push_back(of_row(row));
      for (const CellResult& cell : row.cells) {
        cells.push_back(cell.refused.empty() ? text(cell) : "-");
      }
      table.AddRow(cells);
    }
    Put(title, table);
  }

  void Put(const std::string& title, const report::Table& table) {
    text_ += style_ == TableStyle::kMarkdown
                 ? fmt::format("{}:\n\n{}\n", title, table.RenderMarkdown())
                 : fmt::format("{}\n{}\n", title, table.Render(0));
  }

  void AddRefusals() {
    for (const AblationRow& row : rows_) {
      for (size_t c = 0; c < row.cells.size(); ++c) {
        if (row.cells[c].refused.empty()) continue;
        text_ += fmt::format("{}, {}: refused, {}\n", row.network, study_.cells[c].name,
                             row.cells[c].refused);
      }
    }
  }

  std::string Take() && { return std::move(text_); }

 private:
  const Study& study_;
  const std::vector<AblationRow>& rows_;
  TableStyle style_;
  std::string text_;
};

// FP32's own top-1 of a row, from any cell that ran.
std::string Fp32Top1(const AblationRow& row) {
  for (const CellResult& cell : row.cells) {
    if (cell.summary.fp32_top1) return fmt::format("{:.1f}", cell.summary.fp32_top1->percent());
  }
  return "-";
}

bool AnyLabels(const std::vector<AblationRow>& rows) {
  for (const AblationRow& row : rows) {
    for (const CellResult& cell : row.cells) {
      if (cell.summary.top1) return true;
    }
  }
  return false;
}

}  // namespace

std::string AblationTables(const Study& study, const std::vector<AblationRow>& rows,
                           TableStyle style) {
  Tables tables(study, rows, style);
  if (AnyLabels(rows)) {
    tables.Add(
        "Top-1, % (95 % interval)",
        [](const CellResult& c) { return c.summary.top1 ? WithInterval(*c.summary.top1) : "-"; },
        "FP32", Fp32Top1);
  }
  tables.Add(
      "Agreement with FP32's top-1, % (95 % interval)",
      [](const CellResult& c) { return WithInterval(c.summary.agreement); }, "images",
      [](const AblationRow& row) { return std::to_string(row.images); });
  tables.Add("SQNR of the output, dB",
             [](const CellResult& c) { return fmt::format("{:.2f}", c.summary.sqnr_db); });

  report::Table closed;
  closed.AddColumn("", "", report::Table::Align::kLeft);
  std::vector<std::string> bits{fmt::format("N = {}", kInputs)};
  for (size_t c = 0; c < study.cells.size(); ++c) {
    closed.AddColumn(study.cells[c].name, "");
    bits.push_back(
        rows.empty()
            ? "-"
            : fmt::format("{:.4f}", BitsPerInput(rows[0].cells[c].design.datapath, kInputs)));
  }
  closed.AddRow(bits);
  tables.Put("Bits per input, in closed form: element + scale / B + tensor scale / N", closed);
  tables.Add("Bits per stored activation, over the network",
             [](const CellResult& c) { return fmt::format("{:.4f}", c.cost.bits_per_activation); });
  tables.Add("Bits per stored weight",
             [](const CellResult& c) { return fmt::format("{:.4f}", c.cost.bits_per_weight); });
  tables.Add("Cycles per inference",
             [](const CellResult& c) { return std::to_string(c.cost.cycles); });
  tables.Add("Energy per inference, uJ", [](const CellResult& c) {
    return fmt::format("{:.1f}", c.cost.energy_pj / kPjPerUj);
  });
  tables.AddRefusals();
  return std::move(tables).Take();
}

std::string AblationCsv(const Study& study, const std::vector<AblationRow>& rows) {
  std::string text =
      "study,network,cell,images,top1_percent,top1_low_percent,top1_high_percent,"
      "fp32_top1_percent,agreement_percent,agreement_low_percent,agreement_high_percent,sqnr_db,"
      "bits_per_input_4096,bits_per_activation,bits_per_weight,cycles,energy_pj,refused\n";
  const auto percent = [](const std::optional<Proportion>& p, double value) {
    return p ? fmt::format("{:.4f}", value) : std::string();
  };
  for (const AblationRow& row : rows) {
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const CellResult& cell = row.cells[c];
      text += fmt::format("{},{},{}", study.name, report::CsvField(row.network),
                          report::CsvField(study.cells[c].name));
      if (!cell.refused.empty()) {
        text += fmt::format(",{},{}\n", std::string(13, ','), report::CsvField(cell.refused));
        continue;
      }
      const Summary& s = cell.summary;
      const Proportion top1 = s.top1.value_or(Proportion{});
      text += fmt::format(
          ",{},{},{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},{:.6f},{:.6f},{:.6f},{},{:.6g},\n", s.images,
          percent(s.top1, top1.percent()), percent(s.top1, top1.low()),
          percent(s.top1, top1.high()),
          percent(s.fp32_top1, s.fp32_top1.value_or(Proportion{}).percent()), s.agreement.percent(),
          s.agreement.low(), s.agreement.high(), s.sqnr_db,
          BitsPerInput(cell.design.datapath, kInputs), cell.cost.bits_per_activation,
          cell.cost.bits_per_weight, cell.cost.cycles, cell.cost.energy_pj);
    }
  }
  return text;
}

}  // namespace nibble::evaluation
