// sim tune: mixed precision by measurement.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <optional>

#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/cli/verify.h"
#include "sw/evaluation/tune.h"
#include "sw/report/table.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

using evaluation::Budget;
using evaluation::FrontPoint;
using evaluation::Operand;
using evaluation::PrecisionSpace;
using evaluation::Proportion;

constexpr double kPjPerUj = 1e6;

struct TuneArguments {
  DesignOptions design;
  std::string trace, budget = "bits", target, out, folder, format = "text";
  std::string activations, weights;  // empty: DefaultChoices
  evaluation::DatasetFiles files, check;
  int measure = 8, count = 0, jobs = 1, points = 8, rounds = 3;
  double limit = 0;  // 0: none
};

std::optional<double> TargetAgreement(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::string key = "agreement=";
  double share = 0;
  if (text.rfind(key, 0) != 0 || !CLI::detail::lexical_cast(text.substr(key.size()), share) ||
      !(share >= 0 && share <= 1)) {
    throw UsageError(fmt::format("--target {}: expected agreement=SHARE, a share of 0 to 1", text));
  }
  return share;
}

std::string Share(const Proportion& p) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", p.percent(), p.low(), p.high());
}

report::Table FrontTable(const std::vector<FrontPoint>& front) {
  report::Table table;
  table.AddColumn("", "");
  table.AddColumn("", "", report::Table::Align::kLeft);
  table.AddColumn("activations", "bits");
  table.AddColumn("weights", "bits");
  table.AddColumn("energy", "uJ");
  table.AddColumn("cycles", "");
  table.AddColumn("agreement, measured", "%");
  table.AddColumn("agreement, others", "%");
  table.AddColumn("SQNR", "dB");
  const bool labels = front.front().checked.top1.has_value();
  if (labels) table.AddColumn("top-1", "%");
  int number = 0;  // as the files of --front have it
  for (const FrontPoint& p : front) {
    std::vector<std::string> cells{std::to_string(++number),
                                   p.chosen ? "*" : "",
                                   fmt::format("{:.3f}", p.cost.bits_per_activation),
                                   fmt::format("{:.3f}", p.cost.bits_per_weight),
                                   fmt::format("{:.1f}", p.cost.energy_pj / kPjPerUj),
                                   std::to_string(p.cost.cycles),
                                   Share(p.measured.agreement),
                                   Share(p.checked.agreement),
                                   fmt::format("{:.2f}", p.checked.sqnr_db)};
    if (labels) cells.push_back(fmt::format("{:.1f}", p.checked.top1->percent()));
    table.AddRow(cells);
  }
  return table;
}

std::string FrontCsv(const std::vector<FrontPoint>& front) {
  std::string text =
      "point,chosen,bits_per_activation,bits_per_weight,energy_pj,cycles,measured_images,"
      "measured_agreement_percent,images,agreement_percent,agreement_low_percent,"
      "agreement_high_percent,sqnr_db,top1_percent\n";
  int number = 0;
  for (const FrontPoint& p : front) {
    text += fmt::format(
        "{},{},{:.6f},{:.6f},{:.6g},{},{},{:.4f},{},{:.4f},{:.4f},{:.4f},{:.4f},{}\n", ++number,
        p.chosen ? 1 : 0, p.cost.bits_per_activation, p.cost.bits_per_weight, p.cost.energy_pj,
        p.cost.cycles, p.measured.images, p.measured.agreement.percent(), p.checked.images,
        p.checked.agreement.percent(), p.checked.agreement.low(), p.checked.agreement.high(),
        p.checked.sqnr_db, p.checked.top1 ? fmt::format("{:.4f}", p.checked.top1->percent()) : "");
  }
  return text;
}

// "chosen: activations 3 fp16, 40 nvfp4:16; weights ...": slots by choice.
std::string ChosenText(const PrecisionSpace& space, const evaluation::Assignment& assignment) {
  const auto count = [&](Operand operand, const std::vector<evaluation::Choice>& choices) {
    std::string text;
    for (size_t c = 0; c < choices.size(); ++c) {
      int slots = 0;
      for (size_t s = 0; s < space.slots.size(); ++s) {
        const bool counts = space.slots[s].operand == operand;
        if (counts && assignment[s] == static_cast<int>(c)) ++slots;
      }
      if (slots != 0)
        text += fmt::format("{} {} {}", text.empty() ? "" : ",", slots, choices[c].name);
    }
    return text;
  };
  return fmt::format("* activations:{}; weights:{}\n",
                     count(Operand::kActivations, space.activations),
                     count(Operand::kWeights, space.weights));
}

PrecisionSpace SpaceOf(const trace::Network& net, const TuneArguments& args) {
  const platforms::Platform platform = platforms::ParsePlatform(args.design.platform);
  const auto choices = [&](Operand operand, const std::string& list) {
    return ParseChoices(operand, list.empty() ? DefaultChoices(operand, platform) : list);
  };
  return {evaluation::FindSlots(net), choices(Operand::kActivations, args.activations),
          choices(Operand::kWeights, args.weights)};
}

int Tune(const TuneArguments& args) {
  evaluation::TuneOptions options;
  options.target_agreement = TargetAgreement(args.target);
  const bool others = !args.check.images.empty();
  if (others && !args.files.labels.empty() && args.check.labels.empty()) {
    throw UsageError("--labels: top-1 is told of the images of --check; give --check-labels");
  }
  const OutputFile out(args.out);
  const std::string path = FindTrace(args.trace);
  const trace::Network net = trace::Read(path);
  const evaluation::Dataset measure(args.files, net, 0, args.measure);
  const evaluation::Dataset check =
      others ? evaluation::Dataset(args.check, net, 0, args.count)
             : evaluation::Dataset(measure, net, args.measure, args.count);
  const auto resolve = [&](const std::vector<std::string>& sets) {
    DesignOptions design = args.design;
    design.sets.insert(design.sets.end(), sets.begin(), sets.end());
    return design.Resolve();
  };
  std::unique_ptr<Progress> bar;
  options.budget = args.budget == "bits" ? Budget::kBits : Budget::kEnergy;
  const double unit = options.budget == Budget::kBits ? 1 : kPjPerUj;
  if (args.limit > 0) options.limit = args.limit * unit;
  options.points = args.points;
  options.rounds = args.rounds;
  options.phase = [&](const std::string& what) {
    bar = nullptr;  // clears its line before the next is drawn
    bar = std::make_unique<Progress>(what);
  };
  options.work = {args.jobs,
                  [&](size_t done, size_t all) {
                    if (bar) bar->Update(done, all);
                  },
                  &Interrupted()};
  options.folder = args.folder;
  options.trace_hash = trace::FileHash(path);
  PrecisionSpace space;
  std::vector<FrontPoint> front;
  try {
    space = SpaceOf(net, args);
    front = evaluation::Tune(net, measure, check, space, resolve, options);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  bar = nullptr;
  const FrontPoint& chosen =
      *std::find_if(front.begin(), front.end(), [](const FrontPoint& p) { return p.chosen; });
  if (out.wanted()) out.Write(ConfigText(chosen.design));
  if (args.format == "csv") {
    Print(FrontCsv(front));
  } else {
    const report::Table table = FrontTable(front);
    Print(
        fmt::format("{} on {}: choices measured on {} images, checked on {} others; * is chosen\n",
                    net.name, args.design.platform, measure.count(), check.count()) +
        (args.format == "markdown" ? "\n" + table.RenderMarkdown() + "\n" : table.Render(0)) +
        ChosenText(space, chosen.assignment));
  }
  if (options.target_agreement &&
      chosen.checked.agreement.percent() < 100 * *options.target_agreement) {
    throw CheckFailed(
        fmt::format("the chosen point agrees on {:.1f} % of the images checked, {} asks for more",
                    chosen.checked.agreement.percent(), args.target));
  }
  return kDone;
}

}  // namespace

Command AddTune(CLI::App& app) {
  auto args = std::make_shared<TuneArguments>();
  const auto list_of = [](Operand operand) {
    return fmt::format("LIST [{}]", DefaultChoices(operand, platforms::Platform::kAccel));
  };
  CLI::App* sub = app.add_subcommand(
      "tune", "find mixed precision: formats layer by layer, from measured sensitivity");
  AddTraceArgument(*sub, args->trace);
  sub->add_option("-i,--images", args->files.images, "images to measure with: .npy or a folder")
      ->option_text("FILE.npy|FOLDER")
      ->required();
  sub->add_option("--labels", args->files.labels, "their true classes: tells top-1, too")
      ->option_text("FILE");
  sub->add_option("-m,--measure", args->measure, "the first so many of them")
      ->check(CLI::PositiveNumber)
      ->option_text("N [8]");
  auto* check = sub->add_option("--check", args->check.images,
                                "images to check with, instead of those of --images behind the "
                                "measured ones")
                    ->option_text("FILE.npy|FOLDER");
  sub->add_option("--check-labels", args->check.labels, "their true classes")
      ->option_text("FILE")
      ->needs(check);
  sub->add_option("-n,--count", args->count, "check with so many")
      ->check(CLI::PositiveNumber)
      ->option_text("N [all]");
  sub->add_option("--budget", args->budget, "what is saved: bits stored, or energy")
      ->check(CLI::IsMember({"bits", "energy"}))
      ->option_text("NAME [bits]");
  auto* limit =
      sub->add_option("--limit", args->limit,
                      "of the budget: average bits of activations and of weights each, or uJ")
          ->check(CLI::PositiveNumber)
          ->option_text("X");
  sub->add_option("--target", args->target,
                  "agreement=SHARE with FP32's top-1: without a limit the cheapest point that "
                  "reaches it is chosen; exit code 1 where the images checked with miss it")
      ->option_text("agreement=SHARE");
  sub->add_option("--activations", args->activations,
                  "choices, most exact first, each FORMAT[:BLOCK][:FIELD=VALUE] of layers.*")
      ->option_text(list_of(Operand::kActivations));
  sub->add_option("--weights", args->weights,
                  "the same of weights; near the memory none of 6 bits unless asked for")
      ->option_text(list_of(Operand::kWeights));
  sub->add_option("--points", args->points, "of the walk that run on the machine")
      ->check(CLI::Range(1, 100))
      ->option_text("N [8]");
  sub->add_option("--rounds", args->rounds, "of refinement at the limit, at most")
      ->check(CLI::Range(0, 100))
      ->needs(limit)
      ->option_text("N [3]");
  sub->add_option("-j,--jobs", args->jobs, "processes; the results are the same bytes")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  args->design.AddTo(*sub);
  sub->add_option("-o,--out", args->out, "the chosen design point, for --config")
      ->option_text("FILE");
  sub->add_option("--front", args->folder,
                  "keeps each point: N.cfg for --config, and the results of its images")
      ->option_text("FOLDER");
  sub->add_option("--format", args->format, "of the front: text, csv or markdown")
      ->check(CLI::IsMember({"text", "csv", "markdown"}))
      ->option_text("NAME [text]");
  return [args] { return Tune(*args); };
}

}  // namespace nibble::cli
