#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/cli/version.h"
#include "sw/study/estimate.h"
#include "sw/study/launch.h"
#include "sw/study/results.h"
#include "sw/study/run_search.h"
#include "sw/study/sample.h"
#include "sw/study/table.h"
#include "sw/study/text.h"

namespace nibble::cli {

namespace {

struct SweepArguments {
  std::string plan, out;  // or `out` alone, of a subcommand
  std::string launcher = "local", slurm_args, shard = "0/1";
  size_t shards = 1;
  int jobs = 0;  // 0: not given
  uint64_t sample = 0, seed = 0, runs = 500;
  bool dry_run = false, quiet = false;
  std::string pareto, objectives, csv, json;
};

int JobsOf(const SweepArguments& args) {
  if (args.jobs > 0) return args.jobs;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

study::RunOptions OptionsOf(const SweepArguments& args, Progress& bar) {
  return {JobsOf(args), [&bar](size_t done, size_t total) { bar.Update(done, total); },
          &Interrupted()};
}

void RefuseOtherVersion(const study::Study& study) {
  if (study.version() == Version()) return;
  throw study::StudyError(fmt::format(
      "{} was begun by version {}, and this is {}, whose results may differ; give sim sweep PLAN "
      "--out FOLDER again to begin anew, or run that version",
      study.folder(), study.version(), Version()));
}

void SayDamage(const study::Damage& damage) {
  if (damage.why.empty()) return;
  std::fprintf(stderr, "sim: %s; %zu of its rows could be read and are kept\n", damage.why.c_str(),
               damage.rows);
}

int Finish(const study::Study& study, const study::Results& results, bool quiet) {
  if (!quiet) Print(study::StatusText(study, results));
  return study::ProgressOf(study, results).complete() ? kDone : kIncomplete;
}

int Finish(const study::Study& study, bool quiet) {
  return Finish(study, study::ReadResults(study), quiet);
}

// Damage is said; false where some was found.
bool MergeShards(const study::Study& study) {
  bool whole = true;
  for (const study::LedgerState& l : study::Merge(study)) {
    SayDamage(l.damage);
    whole &= l.damage.why.empty();
  }
  return whole;
}

// False where a point failed.
bool RunShard(const study::Study& study, study::Meter& meter, const study::Shard& shard,
              const SweepArguments& args) {
  Progress bar(fmt::format("shard {}/{}", shard.index, shard.count), !args.quiet);
  const study::ShardRun run = study::RunShard(study, meter, shard, OptionsOf(args, bar));
  SayDamage(run.damage);
  return run.tally.failed == 0;
}

int DryRun(const study::Study& study, study::Meter& meter,
           const std::vector<study::StudyPoint>& points, const SweepArguments& args) {
  Progress bar("trying", !args.quiet);
  const auto unique = study::UniquePoints(points);
  const study::Estimate estimate = study::EstimateTime(study, meter, unique, OptionsOf(args, bar));
  const size_t processes = args.launcher == "local"
                               ? static_cast<size_t>(JobsOf(args))
                               : args.shards * static_cast<size_t>(std::max(1, args.jobs));
  std::string text = fmt::format("{} points", points.size());
  if (unique.size() < points.size()) text += fmt::format(", {} different machines", unique.size());
  Print(fmt::format("{}; about {:.2g} s of CPU, {:.2g} s in {} processes, by {} points tried\n",
                    text, estimate.cpu_s, estimate.cpu_s / static_cast<double>(processes),
                    processes, estimate.tried));
  return kDone;
}

int Launch(const study::Study& study, study::Meter& meter, const SweepArguments& args) {
  study::LaunchOptions launch;
  launch.program = std::filesystem::read_symlink("/proc/self/exe").string();
  launch.folder = study.folder();
  launch.shards = args.shards;
  launch.jobs = std::max(1, args.jobs);  // the cores here say nothing of those there
  launch.slurm_args = args.slurm_args;
  if (args.launcher == "slurm") {
    Print(study::SubmitToSlurm(launch) + "\nsim sweep status " + study.folder() +
          " says how far it is\n");
    return kDone;
  }
  if (args.launcher == "print") {
    for (const std::string& command : study::ShardCommands(launch)) Print(command + '\n');
    std::fprintf(stderr, "sim: after these: %s\n", study::MergeCommand(launch).c_str());
    return kDone;
  }
  if (!study.ShardFiles().empty()) MergeShards(study);  // what an earlier run has finished
  for (size_t i = 0; i < args.shards; ++i) RunShard(study, meter, {i, args.shards}, args);
  if (args.shards > 1) MergeShards(study);
  return Finish(study, args.quiet);
}

int Search(study::Study& study, study::Meter& meter, const SweepArguments& args) {
  if (args.launcher != "local" || args.shards > 1) {
    throw UsageError(
        "--pareto chooses points by what others came to: it runs in one piece, "
        "without --launcher and --shards");
  }
  if (args.dry_run) throw UsageError("--dry-run: a search has no list of points to estimate");
  const std::vector<study::Objective> objectives = study::ParseObjectives(args.pareto);
  study::Damage damage;
  {
    Progress bar("searching", !args.quiet);
    study::RunSearch(study, meter, objectives, {args.runs, args.seed}, OptionsOf(args, bar),
                     &damage);
  }
  SayDamage(damage);
  const study::Results results = study::ReadResults(study);
  const int code = Finish(study, results, args.quiet);
  if (!args.quiet) Print(study::ReportText(study, results, objectives));
  return code;
}

int Sweep(const SweepArguments& args) {
  if (args.plan.empty()) throw UsageError("sweep: a plan file is required (see sim sweep --help)");
  if (args.out.empty() && !args.dry_run) throw UsageError("sweep: --out FOLDER is required");
  if (args.seed != 0 && args.sample == 0 && args.pareto.empty()) {
    throw UsageError("--seed: only with --sample or --pareto; the grid has nothing random");
  }
  if (!args.slurm_args.empty() && args.launcher != "slurm") {
    throw UsageError("--slurm-args: only with --launcher slurm");
  }
  study::Study study(args.out, args.plan, FindTrace, Version());
  const std::unique_ptr<study::Meter> meter = study.MakeMeter();
  if (!args.pareto.empty()) return Search(study, *meter, args);
  const std::vector<uint64_t> numbers =
      args.sample > 0 ? study::Sample(study.space(), args.sample, args.seed) : study.space().Grid();
  if (numbers.empty()) throw UsageError(args.plan + ": its constraints leave no point");
  std::vector<study::StudyPoint> points = study::PointsOf(study, *meter, numbers);
  if (args.dry_run) return DryRun(study, *meter, points, args);
  study.Save(std::move(points), false);
  return Launch(study, *meter, args);
}

int Run(const SweepArguments& args) {
  const study::Study study(args.out);
  RefuseOtherVersion(study);
  if (study.is_search()) {
    throw UsageError(
        "a search chooses its points as it goes: give sim sweep PLAN --out FOLDER "
        "--pareto ... again, and it goes on");
  }
  const study::Shard shard = study::ParseShard(args.shard);
  const bool done = RunShard(study, *study.MakeMeter(), shard, args);
  // Of other shards nothing is read here: where they run on other machines, none waits for another.
  if (shard.count > 1) return done ? kDone : kIncomplete;
  return Finish(study, args.quiet);
}

int Status(const SweepArguments& args) { return Finish(study::Study(args.out), false); }

int Merge(const SweepArguments& args) {
  const study::Study study(args.out);
  const bool whole = MergeShards(study);
  const int code = Finish(study, args.quiet);
  return whole ? code : kIncomplete;
}

int Report(const SweepArguments& args) {
  const study::Study study(args.out);
  std::string objectives = args.objectives;
  if (objectives.empty()) {
    objectives = study.plan().timing_only ? "latency,energy" : "accuracy,latency,energy";
  }
  Print(study::ReportText(study, study::ReadResults(study), study::ParseObjectives(objectives)));
  return kDone;
}

int Export(const SweepArguments& args) {
  const OutputFile csv(args.csv), json(args.json);
  if (!csv.wanted() && !json.wanted()) throw UsageError("export: --csv FILE or --json FILE");
  if (csv.is_stdout() && json.is_stdout()) {
    throw UsageError("--csv and --json cannot both go to standard output");
  }
  const study::Study study(args.out);
  const study::Results results = study::ReadResults(study);
  if (csv.wanted()) csv.Write(study::ToCsv(study, results));
  if (json.wanted()) json.Write(study::ToJson(study, results));
  return kDone;
}

void AddJobs(CLI::App& app, SweepArguments& args) {
  app.add_option("-j,--jobs", args.jobs, "points that run at a time")
      ->check(CLI::Range(1, 4096))
      ->option_text("N [cores; of shards elsewhere 1]");
  app.add_flag("-q,--quiet", args.quiet, "no progress bar, no closing lines");
}

CLI::App* AddOfFolder(CLI::App& sweep, const char* name, const char* what, SweepArguments& args) {
  CLI::App* const app = sweep.add_subcommand(name, what);
  app->add_option("folder", args.out, "of the study")->required()->option_text("FOLDER");
  return app;
}

}  // namespace

Command AddSweep(CLI::App& app) {
  auto args = std::make_shared<SweepArguments>();
  CLI::App* const sweep = app.add_subcommand("sweep", "many design points: a study");
  sweep->require_subcommand(0, 1);
  sweep->footer("A study goes on where it was stopped when the same command is given again.");
  sweep->add_option("plan", args->plan, "what to vary, on which networks (docs/studies.md)")
      ->option_text("PLAN.cfg");
  sweep->add_option("-o,--out", args->out, "folder of the study: made, or gone on with")
      ->option_text("FOLDER");
  AddJobs(*sweep, *args);
  sweep
      ->add_option("--launcher", args->launcher,
                   "run here, submit to Slurm, or print a command a shard")
      ->check(CLI::IsMember({"local", "slurm", "print"}))
      ->option_text("local|slurm|print [local]");
  sweep->add_option("--shards", args->shards, "parts that run on their own")
      ->check(CLI::Range(size_t{1}, size_t{100000}))
      ->option_text("N [1]");
  sweep->add_option("--slurm-args", args->slurm_args, "further arguments of sbatch, one string")
      ->option_text("ARGS");
  auto* sample =
      sweep->add_option("--sample", args->sample, "this many points, spread evenly, not all")
          ->check(CLI::PositiveNumber)
          ->option_text("N");
  auto* pareto = sweep
                     ->add_option("--pareto", args->pareto,
                                  "search for the points that no other beats in these: " +
                                      study::ObjectiveNames())
                     ->option_text("LIST")
                     ->excludes(sample);
  sweep->add_option("--runs", args->runs, "points that a search tries at most")
      ->check(CLI::PositiveNumber)
      ->needs(pareto)
      ->option_text("N [500]");
  sweep->add_option("--seed", args->seed, "which sample, or which search")->option_text("S [0]");
  sweep->add_flag("--dry-run", args->dry_run,
                  "number of points and an estimate of time, then stop");

  CLI::App* const run =
      AddOfFolder(*sweep, "run", "run what a study lacks, or one shard of it", *args);
  run->add_option("--shard", args->shard, "part I of N, from 0/N on")->option_text("I/N [0/1]");
  AddJobs(*run, *args);
  CLI::App* const status = AddOfFolder(*sweep, "status", "how far a study is", *args);
  CLI::App* const merge = AddOfFolder(*sweep, "merge", "all shards into one ledger", *args);
  merge->add_flag("-q,--quiet", args->quiet, "no closing lines");
  CLI::App* const report = AddOfFolder(*sweep, "report", "the points that no other beats", *args);
  report->add_option("--objectives", args->objectives, study::ObjectiveNames())
      ->option_text("LIST");
  CLI::App* const exports = AddOfFolder(*sweep, "export", "all rows for other programs", *args);
  exports->add_option("--csv", args->csv, "one line a point; - is stdout")->option_text("FILE");
  exports->add_option("--json", args->json, "with all resolved parameters; - is stdout")
      ->option_text("FILE");

  return [args, run, status, merge, report, exports] {
    std::signal(SIGXFSZ, SIG_IGN);  // a limit of file size is an error like a full disk
    const std::pair<const CLI::App*, int (*)(const SweepArguments&)> commands[] = {
        {run, Run}, {status, Status}, {merge, Merge}, {report, Report}, {exports, Export}};
    for (const auto& [sub, command] : commands) {
      if (sub->parsed()) return command(*args);
    }
    return Sweep(*args);
  };
}

}  // namespace nibble::cli
