#include "sw/evaluation/retraining_study.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <stdexcept>

#include "models/numerics/format_spec.h"
#include "sw/lowering/lowering.h"
#include "sw/report/table.h"
#include "sw/trace/file.h"
#include "sw/trace/hash.h"
#include "sw/trace/whole_file.h"

namespace nibble::evaluation {
namespace {

std::vector<std::string> Sets(const std::string& activations, const std::string& weights,
                              int block) {
  return {"datapath.activations=" + activations, "datapath.weights=" + weights,
          fmt::format("datapath.block={}", block)};
}

std::vector<RetrainingCell> MakeCells() {
  const std::string fp4 = "fp4/nvfp4 B=16", nvfp4 = "nvfp4 B=16";
  const auto of_fp4 = Sets("fp4", "nvfp4", 16), of_nvfp4 = Sets("nvfp4", "nvfp4", 16);
  std::vector<RetrainingCell> cells = {{"", {}, fp4, of_fp4},
                                       {fp4, of_fp4, fp4, of_fp4},
                                       {"", {}, nvfp4, of_nvfp4},
                                       {nvfp4, of_nvfp4, nvfp4, of_nvfp4}};
  for (const int block : {8, 32, 64, 128}) {
    cells.push_back(
        {nvfp4, of_nvfp4, fmt::format("nvfp4 B={}", block), Sets("nvfp4", "nvfp4", block)});
  }
  for (const numerics::FormatSpec& spec : numerics::AllFormats()) {
    if (spec.format == numerics::Format::kNvfp4 || spec.format == numerics::Format::kFp32) continue;
    // The block of the formats' definitions: 32 of the Open Compute Project's.
    const int block = spec.block_scale == numerics::BlockScale::kE8M0 ? 32 : 16;
    const std::string name =
        numerics::HasBlockScale(spec.format) ? fmt::format("{} B={}", spec.name, block) : spec.name;
    const auto sets = Sets(spec.name, spec.name, block);
    cells.push_back({"", {}, name, sets});
    cells.push_back({name, sets, name, sets});
  }
  return cells;
}

class Run {
 public:
  Run(const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve,
      const Train& train, const RetrainingOptions& options)
      : resolve_(resolve), train_(train), options_(options), work_(options.work) {
    work_.progress = [this](size_t done, size_t) {
      if (options_.work.progress) options_.work.progress(done_ + done, all_);
    };
    trace::MakeFolder(options.folder);
  }

  std::vector<AblationRow> Of(const std::vector<RetrainingNetwork>& networks) {
    for (const RetrainingNetwork& network : networks) rows_.push_back(Prepare(network));
    std::vector<AblationRow> results;
    for (auto& row : rows_) {
      RunRow(*row);
      results.push_back(std::move(row->result));
    }
    return results;
  }

 private:
  struct Row {
    explicit Row(const RetrainingNetwork& given, int count)
        : network(given),
          net(trace::Read(given.evaluated.trace_path)),
          hash(trace::FileHash(given.evaluated.trace_path)),
          dataset(given.evaluated.files, net, 0, count) {}
    RetrainingNetwork network;
    trace::Network net;
    std::string hash;
    Dataset dataset;
    AblationRow result;
  };

  // What the machine refuses is found before anything is trained.
  std::unique_ptr<Row> Prepare(const RetrainingNetwork& network) {
    auto row = std::make_unique<Row>(network, options_.count);
    row->result.network = row->net.name;
    row->result.images = row->dataset.count();
    for (const RetrainingCell& cell : RetrainingCells()) {
      CellResult result;
      result.design = resolve_(cell.run_sets);
      try {
        result.cost = MeasureCost(row->net, result.design);
      } catch (const lowering::LoweringError& error) {
        result.refused = error.what();
      } catch (const std::invalid_argument& error) {
        result.refused = error.what();
      }
      row->result.cells.push_back(std::move(result));
    }
    all_ += RetrainingCells().size() * static_cast<size_t>(row->dataset.count());
    return row;
  }

  std::string Path(const std::string& name) const {
    return (std::filesystem::path(options_.folder) / name).string();
  }

  // The trace of a cell, trained now where it is not there.
  std::string TraceOf(const Row& row, const RetrainingCell& cell) const {
    if (cell.trained.empty()) return row.network.evaluated.trace_path;
    std::string text = row.hash + options_.training + row.network.training.images + "\n" +
                       row.network.training.labels;
    for (const platforms::Parameter& p : resolve_(cell.trained_sets).parameters) {
      text += "\n" + p.name + "=" + p.value;
    }
    std::string path =
        Path(fmt::format("{}.{}.trc", row.net.name, trace::HashOf(text).substr(0, 16)));
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) train_(row.network, cell.trained_sets, path);
    return path;
  }

  void RunRow(Row& row) {
    const WorkOptions quiet{work_.jobs, {}, work_.stop};
    const auto fp32 = Fp32Outputs(row.net, row.dataset, 0, quiet);
    for (size_t c = 0; c < RetrainingCells().size(); ++c) {
      CellResult& cell = row.result.cells[c];
      if (cell.refused.empty()) RunCell(row, RetrainingCells()[c], fp32, cell);
      done_ += static_cast<size_t>(row.dataset.count());
    }
  }

  void RunCell(Row& row, const RetrainingCell& which, const std::vector<std::vector<float>>& fp32,
               CellResult& cell) const {
    const std::string path = TraceOf(row, which);
    const trace::Network net = trace::Read(path);
    Identity identity = IdentityOf(trace::FileHash(path), cell.design, Engine::kMachine,
                                   row.dataset, Scope::kOutput);
    if (!which.trained.empty()) identity.emplace_back("reference", row.hash);
    ResultsFile file(Path(fmt::format("{}.{}.results", row.net.name,
                                      trace::HashOf(ToText(identity)).substr(0, 16))),
                     identity);
    cell.summary =
        Summarise(Evaluate(net, cell.design, Engine::kMachine, row.dataset, &fp32, file, work_),
                  row.dataset.labels());
  }

  const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve_;
  const Train& train_;
  const RetrainingOptions& options_;
  WorkOptions work_;
  std::vector<std::unique_ptr<Row>> rows_;
  size_t done_ = 0, all_ = 0;  // images
};

std::string Share(const Proportion& p) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", p.percent(), p.low(), p.high());
}

}  // namespace

const std::vector<RetrainingCell>& RetrainingCells() {
  static const std::vector<RetrainingCell> cells = MakeCells();
  return cells;
}

std::vector<AblationRow> AblateRetraining(
    const std::vector<RetrainingNetwork>& networks,
    const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve,
    const Train& train, const RetrainingOptions& options) {
  for (size_t i = 0; i < networks.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (networks[i].evaluated.trace_path != networks[j].evaluated.trace_path) continue;
      throw std::invalid_argument("the same network twice: " + networks[i].evaluated.trace_path);
    }
  }
  return Run(resolve, train, options).Of(networks);
}

std::string RetrainingTable(const std::vector<AblationRow>& rows, TableStyle style) {
  report::Table table;
  table.AddColumn("retrained for", "", report::Table::Align::kLeft);
  table.AddColumn("run in", "", report::Table::Align::kLeft);
  for (const AblationRow& row : rows) {
    table.AddColumn(row.network + " top-1", "%");
    table.AddColumn("agreement", "%");
    table.AddColumn("SQNR", "dB");
  }
  const auto add = [&](const std::string& trained, const std::string& run, const auto& cell_of) {
    std::vector<std::string> cells{trained, run};
    for (const AblationRow& row : rows) cell_of(row, cells);
    table.AddRow(cells);
  };
  add("-", "FP32", [](const AblationRow& row, std::vector<std::string>& cells) {
    std::string top1 = "-";
    for (const CellResult& cell : row.cells) {
      if (cell.summary.fp32_top1) top1 = Share(*cell.summary.fp32_top1);
    }
    cells.insert(cells.end(), {top1, "", ""});
  });
  std::string refusals;
  for (size_t c = 0; c < RetrainingCells().size(); ++c) {
    const RetrainingCell& which = RetrainingCells()[c];
    add(which.trained.empty() ? "-" : which.trained, which.run,
        [&](const AblationRow& row, std::vector<std::string>& cells) {
          const CellResult& cell = row.cells[c];
          if (!cell.refused.empty()) {
            cells.insert(cells.end(), {"-", "-", "-"});
            if (which.trained.empty()) {
              refusals +=
                  fmt::format("{}, {}: refused, {}\n", row.network, which.run, cell.refused);
            }
            return;
          }
          const Summary& s = cell.summary;
          cells.insert(cells.end(), {s.top1 ? Share(*s.top1) : "-", Share(s.agreement),
                                     fmt::format("{:.2f}", s.sqnr_db)});
        });
  }
  return (style == TableStyle::kMarkdown ? table.RenderMarkdown() : table.Render(0)) + refusals;
}

std::string RetrainingCsv(const std::vector<AblationRow>& rows) {
  std::string text =
      "network,retrained_for,run_in,images,top1_percent,fp32_top1_percent,agreement_percent,"
      "agreement_low_percent,agreement_high_percent,sqnr_db,refused\n";
  const auto percent = [](const std::optional<Proportion>& p) {
    return p ? fmt::format("{:.4f}", p->percent()) : std::string();
  };
  for (const AblationRow& row : rows) {
    for (size_t c = 0; c < row.cells.size(); ++c) {
      const RetrainingCell& which = RetrainingCells()[c];
      const CellResult& cell = row.cells[c];
      text += fmt::format("{},{},{},", report::CsvField(row.network), which.trained, which.run);
      if (!cell.refused.empty()) {
        text += fmt::format(",,,,,,,{}\n", report::CsvField(cell.refused));
        continue;
      }
      const Summary& s = cell.summary;
      text += fmt::format("{},{},{},{:.4f},{:.4f},{:.4f},{:.4f},\n", s.images, percent(s.top1),
                          percent(s.fp32_top1), s.agreement.percent(), s.agreement.low(),
                          s.agreement.high(), s.sqnr_db);
    }
  }
  return text;
}

}  // namespace nibble::evaluation
