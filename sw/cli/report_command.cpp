#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"
#include "sw/report_html/page.h"

namespace nibble::cli {

namespace {

struct ReportArguments {
  std::string input, out;
  std::optional<size_t> layers;  // not given: kLayers
};

constexpr size_t kLayers = 200;

int Report(const ReportArguments& args) {
  namespace fs = std::filesystem;
  // Absolute, for a study takes the program to the folder where it was begun.
  const OutputFile out(args.out == "-" ? args.out : fs::absolute(args.out).string());
  std::error_code ignored;
  if (fs::is_directory(args.input, ignored)) {
    out.Write(
        report_html::StudyPage(report_html::ReadStudy(args.input, args.layers.value_or(kLayers))));
    return kDone;
  }
  if (args.layers) throw UsageError("--layers: only of a study; the page of a run has them all");
  out.Write(report_html::RunPage(report::ReadRun(args.input)));
  return kDone;
}

}  // namespace

Command AddReport(CLI::App& app) {
  auto args = std::make_shared<ReportArguments>();
  CLI::App* sub = app.add_subcommand("report", "a run or a study as one HTML page of pictures");
  sub->add_option("input", args->input, "what `sim --json` wrote, or the folder of a study")
      ->option_text("RUN.json|FOLDER")
      ->required();
  sub->add_option("-o,--out", args->out, "the page; - is stdout")
      ->option_text("FILE.html")
      ->required();
  sub->add_option("--layers", args->layers,
                  "points of a study whose layers the page holds, those of the fronts first")
      ->option_text(fmt::format("N [{}]", kLayers));
  return [args] { return Report(*args); };
}

}  // namespace nibble::cli
