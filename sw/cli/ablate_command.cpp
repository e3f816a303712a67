// sim ablate: the tables of the study.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fstream>
#include <memory>
#include <sstream>

#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/evaluation/ablation.h"
#include "sw/evaluation/ablation_tables.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

using evaluation::AblationNetwork;
using evaluation::Study;

struct AblateArguments {
  DesignOptions design;
  std::string study, list, folder, format = "text";
  std::vector<std::string> nets;
  evaluation::DatasetFiles files;  // of networks that name none of their own
  int count = 0, jobs = 1;
};

// TRACE[:IMAGES[:LABELS]] or, in a list, words between spaces.
AblationNetwork ParseNetwork(const std::vector<std::string>& words, const AblateArguments& args,
                             const std::string& where) {
  if (words.empty() || words.size() > 3 || words[0].empty()) {
    throw UsageError(where + ": expected a trace, its images and its labels");
  }
  AblationNetwork network{FindTrace(words[0]), args.files};
  if (words.size() > 1) network.files = {words[1], words.size() > 2 ? words[2] : ""};
  if (network.files.images.empty()) {
    throw UsageError(fmt::format("{}: no images: give --images, or TRACE:IMAGES[:LABELS]", where));
  }
  return network;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, separator);) words.push_back(word);
  return words;
}

std::vector<AblationNetwork> Networks(const AblateArguments& args) {
  std::vector<AblationNetwork> networks;
  for (const std::string& net : args.nets) {
    networks.push_back(ParseNetwork(Split(net, ':'), args, "--nets " + net));
  }
  if (!args.list.empty()) {
    std::ifstream in(args.list);
    if (!in) throw trace::FileError(args.list + ": cannot be read");
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      std::istringstream fields(line.substr(0, line.find('#')));
      std::vector<std::string> words;
      for (std::string word; fields >> word;) words.push_back(word);
      if (words.empty()) continue;
      networks.push_back(ParseNetwork(words, args, fmt::format("{}:{}", args.list, number)));
    }
  }
  if (networks.empty()) throw UsageError("ablate: no networks: give --nets or --list");
  return networks;
}

// What the study varies is not the command line's to set.
void RefuseVaried(const Study& study, const std::vector<std::string>& sets) {
  const auto key = [](const std::string& set) { return set.substr(0, set.find('=')); };
  for (const std::string& set : sets) {
    for (const evaluation::Cell& cell : study.cells) {
      for (const std::string& varied : cell.sets) {
        if (key(set) != key(varied)) continue;
        throw UsageError(fmt::format("--set {}: the study {} varies it", set, study.name));
      }
    }
  }
}

int Ablate(const AblateArguments& args) {
  const Study& study = evaluation::FindStudy(args.study);
  RefuseVaried(study, args.design.sets);
  const auto resolve = [&](const std::vector<std::string>& sets) {
    DesignOptions cell = args.design;
    cell.sets.insert(cell.sets.end(), sets.begin(), sets.end());
    return cell.Resolve();
  };
  Progress bar("ablate " + study.name);
  evaluation::AblationOptions options;
  options.count = args.count;
  options.folder = args.folder;
  options.work = {args.jobs, [&](size_t done, size_t all) { bar.Update(done, all); },
                  &Interrupted()};
  try {
    const auto rows = evaluation::Ablate(study, Networks(args), resolve, options);
    using evaluation::TableStyle;
    Print(args.format == "csv" ? AblationCsv(study, rows)
                               : AblationTables(study, rows,
                                                args.format == "markdown" ? TableStyle::kMarkdown
                                                                          : TableStyle::kText));
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  return kDone;
}

}  // namespace

Command AddAblate(CLI::App& app) {
  auto args = std::make_shared<AblateArguments>();
  CLI::App* sub = app.add_subcommand(
      "ablate", "the study's tables: one design choice varied over several networks");
  std::vector<std::string> names;
  std::string meanings;
  for (const Study& study : evaluation::Studies()) {
    names.push_back(study.name);
    meanings += fmt::format("{}{}: {}", meanings.empty() ? "" : "; ", study.name, study.varies);
  }
  sub->add_option("study", args->study, meanings)
      ->check(CLI::IsMember(names))
      ->option_text("STUDY")
      ->required();
  sub->add_option("--nets", args->nets, "networks, each with images of its own if --images are not")
      ->option_text("NET.trc[:IMAGES[:LABELS]],...")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub->add_option("--list", args->list, "the same in a file: NET.trc [IMAGES [LABELS]] a line")
      ->option_text("FILE");
  auto* images = sub->add_option("-i,--images", args->files.images,
                                 "of networks that name none: .npy [N][H][W][C] or a folder")
                     ->option_text("FILE.npy|FOLDER");
  sub->add_option("--labels", args->files.labels, "their true classes")
      ->option_text("FILE")
      ->needs(images);
  sub->add_option("-n,--count", args->count, "the first so many images of each network")
      ->check(CLI::PositiveNumber)
      ->option_text("N [all]");
  sub->add_option("-j,--jobs", args->jobs, "processes; the results are the same bytes")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  args->design.AddTo(*sub);
  sub->add_option("--out", args->folder,
                  "keeps each cell: NETWORK.STUDY.CELL.cfg for --config, and the results of its "
                  "images; the same command goes on where it stopped")
      ->option_text("FOLDER");
  sub->add_option("--format", args->format, "text, csv or markdown")
      ->check(CLI::IsMember({"text", "csv", "markdown"}))
      ->option_text("NAME [text]");
  return [args] { return Ablate(*args); };
}

}  // namespace nibble::cli
