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
#include "sw/cli/retrain_options.h"
#include "sw/cli/run_retrain.h"
#include "sw/cli/trace_file.h"
#include "sw/evaluation/ablation.h"
#include "sw/evaluation/ablation_tables.h"
#include "sw/evaluation/retraining_study.h"
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
  std::string train_images, train_labels, retrain;
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

constexpr char kRetraining[] = "retraining";

std::string Render(const AblateArguments& args, const std::vector<evaluation::AblationRow>& rows,
                   std::string (*csv)(const std::vector<evaluation::AblationRow>&),
                   std::string (*table)(const std::vector<evaluation::AblationRow>&,
                                        evaluation::TableStyle)) {
  if (args.format == "csv") return csv(rows);
  return table(rows, args.format == "markdown" ? evaluation::TableStyle::kMarkdown
                                               : evaluation::TableStyle::kText);
}

// Trains with nibble-retrain, and evaluates beside the untrained.
int AblateRetraining(const AblateArguments& args) {
  if (args.train_images.empty()) throw UsageError("ablate retraining: give --train-images");
  if (args.folder.empty()) throw UsageError("ablate retraining: give --out, for its traces");
  RetrainProgram();
  const Study varied{
      kRetraining, "", {{"", {"datapath.activations=", "datapath.weights=", "datapath.block="}}}};
  RefuseVaried(varied, args.design.sets);
  std::vector<evaluation::RetrainingNetwork> networks;
  for (const AblationNetwork& network : Networks(args)) {
    networks.push_back({network, {args.train_images, args.train_labels}});
  }
  const auto resolve = [&](const std::vector<std::string>& sets) {
    DesignOptions cell = args.design;
    cell.sets.insert(cell.sets.end(), sets.begin(), sets.end());
    return cell.Resolve();
  };
  const auto train = [&](const evaluation::RetrainingNetwork& network,
                         const std::vector<std::string>& sets, const std::string& output) {
    std::vector<std::string> words{network.evaluated.trace_path, "-o", output, "--images",
                                   network.training.images};
    if (!network.training.labels.empty()) {
      words.insert(words.end(), {"--labels", network.training.labels});
    }
    if (!args.design.config.empty()) words.insert(words.end(), {"--config", args.design.config});
    for (const std::string& set : args.design.sets) {
      const auto begins = [&](const char* prefix) { return set.rfind(prefix, 0) == 0; };
      if (begins("datapath.") || begins("accumulator.") || begins("layers.")) {
        words.insert(words.end(), {"--set", set});
      }
    }
    for (const std::string& set : sets) words.insert(words.end(), {"--set", set});
    for (const std::string& word : Split(args.retrain, ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    words.insert(words.end(), {"-j", std::to_string(args.jobs)});
    RunRetrain(words);
  };
  Progress bar("ablate retraining");
  evaluation::RetrainingOptions options;
  options.count = args.count;
  options.folder = args.folder;
  options.training = args.retrain;
  options.work = {args.jobs, [&](size_t done, size_t all) { bar.Update(done, all); },
                  &Interrupted()};
  const auto rows = evaluation::AblateRetraining(networks, resolve, train, options);
  Print(Render(args, rows, evaluation::RetrainingCsv, evaluation::RetrainingTable));
  return kDone;
}

int Ablate(const AblateArguments& args) {
  if (args.study == kRetraining) return AblateRetraining(args);
  if (!args.train_images.empty() || !args.retrain.empty()) {
    throw UsageError("--train-images and --retrain are of the study retraining");
  }
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
  std::vector<std::string> names{kRetraining};
  std::string meanings = "retraining: what training on a datapath's bits brings";
  for (const Study& study : evaluation::Studies()) {
    names.push_back(study.name);
    meanings += fmt::format("; {}: {}", study.name, study.varies);
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
  auto* train = sub->add_option("--train-images", args->train_images,
                                "retraining: what every network is trained with")
                    ->option_text("FILE.npy|FOLDER");
  sub->add_option("--train-labels", args->train_labels, "their true classes")
      ->option_text("FILE")
      ->needs(train);
  sub->add_option("--retrain", args->retrain,
                  "retraining: options of sim retrain, as one word: \"--steps 600 --batch 32\"")
      ->option_text("OPTIONS")
      ->needs(train);
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
