#include <fmt/format.h>
#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "models/numerics/parallel.h"
#include "models/sim_core/clock.h"
#include "platforms/energy_model.h"
#include "platforms/machine.h"
#include "platforms/params/core_parameters.h"
#include "platforms/sram_model.h"
#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/firmware_options.h"
#include "sw/cli/inputs.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/cli/verify.h"
#include "sw/cli/version.h"
#include "sw/evaluation/evaluate.h"
#include "sw/golden/golden.h"
#include "sw/lowering/lowering.h"
#include "sw/report/report.h"
#include "sw/timeline/recording.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

struct RunArguments {
  DesignOptions design;
  std::vector<std::string> traces;
  InputOptions inputs;
  FirmwareOptions firmware;
  std::string json, csv, timeline, vcd, outputs, fp32_outputs;
  bool timing_only = false, verify = false, no_quality = false;
  int threads = 1;
  bool wide = false, quiet = false, dry_run = false;
  bool break_datapath = false;
};

// What the images of a run add up to; the report's counts are those of the first.
struct Results {
  sim::RunStats first;
  uint64_t first_jobs = 0;
  report::QualityMeter quality;
  std::vector<std::vector<float>> outputs, fp32_outputs;  // by image
  size_t verified_tensors = 0;
};

struct Network {
  Network(std::string file, const RunArguments& args)
      : path(std::move(file)),
        net(trace::Read(path, !args.timing_only)),
        inputs(args.inputs, net) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  std::string path;
  trace::Network net;
  Inputs inputs;
  Results results;
};
using Networks = std::deque<Network>;

std::string NamesOf(const Networks& networks) {
  std::string names;
  for (const Network& n : networks) names += (names.empty() ? "" : ", ") + n.net.name;
  return names;
}

void AddResults(const RunArguments& args, int image, const sim::Program& program,
                const std::vector<float>& input, platforms::ProgramOutcome& outcome, Network& n) {
  Results& results = n.results;
  if (!args.timing_only && outcome.jobs > 0) {
    CheckRan(n.net, outcome, true);
    results.outputs.push_back(
        numerics::LoadTensor(evaluation::StoredTensor(program, outcome, program.output)));
  }
  if (!args.timing_only && !args.no_quality && outcome.jobs > 0) {
    results.fp32_outputs.push_back(golden::RunFp32(n.net, input)[n.net.output]);
    results.quality.Add(results.outputs.back(), results.fp32_outputs.back(), n.inputs.Label(image));
  }
  if (image > 0) return;
  results.first = std::move(outcome.stats);
  results.first_jobs = outcome.jobs;
}

// Fills the networks' results; what the host did for the first image.
platforms::HostOutcome RunImages(const RunArguments& args, const platforms::DesignPoint& design,
                                 Networks& networks, std::vector<sim::Program>& programs,
                                 std::optional<Firmware>& firmware, sim::Recorder* recorder) {
  platforms::HostOutcome first_host;
  const bool text_only =
      args.json != "-" && args.csv != "-" && args.timeline != "-" && args.vcd != "-";
  std::FILE* const console = args.quiet ? nullptr : text_only ? stdout : stderr;
  Progress bar(fmt::format("{} on {}", NamesOf(networks), args.design.platform), !args.quiet);
  std::vector<const sim::Program*> pointers;
  pointers.reserve(programs.size());
  for (const sim::Program& program : programs) pointers.push_back(&program);
  for (int i = 0; i < args.inputs.count; ++i) {
    platforms::RunOptions options;
    options.timing_only = args.timing_only;
    options.run = static_cast<uint64_t>(i);
    options.break_datapath = args.break_datapath;
    options.stop = &Interrupted();
    if (i == 0) options.recorder = recorder;
    options.progress = [&](size_t done, size_t total) {
      bar.Update(static_cast<size_t>(i) * total + done,
                 static_cast<size_t>(args.inputs.count) * total);
    };
    std::vector<std::vector<float>> inputs(networks.size());
    std::vector<std::optional<golden::Execution>> expected(networks.size());
    std::vector<firmware::BootProgram> boot;
    for (size_t k = 0; k < networks.size(); ++k) {
      const Network& n = networks[k];
      if (!args.timing_only) {
        inputs[k] = n.inputs.Image(i);
        lowering::SetInput(programs[k], n.net, design, inputs[k]);
      }
      boot.push_back({programs[k], n.net.name});
      if (!args.verify) continue;
      expected[k] = RunGolden(n.net, design, inputs[k]);
      const auto& output = expected[k]->tensors[static_cast<size_t>(n.net.output)];
      boot.back().hash = firmware::HashOf(output.codes, output.scales);
    }
    if (firmware) firmware->Apply(boot, console, options);
    platforms::ProgramsOutcome outcome = platforms::RunPrograms(design, pointers, options);
    for (size_t k = 0; k < networks.size() && args.verify; ++k) {
      networks[k].results.verified_tensors +=
          Verify(networks[k].net, programs[k], outcome.programs[k], *expected[k]);
    }
    if (firmware) Firmware::Check(outcome.host);
    for (size_t k = 0; k < networks.size(); ++k) {
      AddResults(args, i, programs[k], inputs[k], outcome.programs[k], networks[k]);
    }
    StopIfInterrupted();
    if (i == 0) first_host = std::move(outcome.host);
  }
  return first_host;
}

// What is about one network, or one image after the other.
void CheckSeveral(const RunArguments& args) {
  if (args.traces.size() > firmware::kMostBootPrograms) {
    throw UsageError(fmt::format("--trace: {} networks; a machine takes {}", args.traces.size(),
                                 firmware::kMostBootPrograms));
  }
  const std::pair<const char*, bool> refused[] = {
      {"--input", !args.inputs.images.empty()}, {"--csv", !args.csv.empty()},
      {"--timeline", !args.timeline.empty()},   {"--vcd", !args.vcd.empty()},
      {"--outputs", !args.outputs.empty()},     {"--fp32-outputs", !args.fp32_outputs.empty()}};
  for (const auto& [name, given] : refused) {
    if (given) throw UsageError(fmt::format("{} is for one network; give --trace once", name));
  }
}

void CheckArguments(const RunArguments& args) {
  if (args.traces.empty()) throw UsageError("--trace is required (see sim --help)");
  if (args.traces.size() > 1) CheckSeveral(args);
  int to_stdout = 0;
  for (const std::string* path : {&args.json, &args.csv, &args.timeline, &args.vcd}) {
    to_stdout += *path == "-" ? 1 : 0;
  }
  if (to_stdout > 1) {
    throw UsageError(
        "of --json, --csv, --timeline and --vcd one at most can go to standard output");
  }
  if (args.outputs == "-" || args.fp32_outputs == "-")
    throw UsageError("--outputs and --fp32-outputs take a file: they are binary");
  if (args.firmware.gdb && args.inputs.count > 1)
    throw UsageError("--gdb debugs the run of one image; leave --count out");
}

void WriteTimeline(timeline::Recording& recording, const trace::Network& net,
                   const platforms::DesignPoint& design, const sim::Program& program,
                   const OutputFile& events, const OutputFile& vcd) {
  recording.Finish();
  timeline::Labels labels;
  for (const sim::LayerEntry& layer : program.layers) labels.layers.push_back(layer.name);
  labels.cycle_ps = sim::Clock(design.clock_mhz).period_ps();
  labels.title = fmt::format("{} on {}", net.name, platforms::PlatformName(design.platform));
  if (events.wanted()) events.Write(timeline::ToTraceEvents(recording, labels));
  if (vcd.wanted()) vcd.Write(timeline::ToVcd(recording, labels));
}

// The golden executor has no memory whose bits could be wrong.
void CheckVerifiable(const platforms::DesignPoint& design) {
  for (const auto& [name, sram] : platforms::SramsOf(design)) {
    if (sram->error_rate == 0) continue;
    throw UsageError(fmt::format(
        "--verify: golden does not model bits that a scratchpad does not hold, and sram.{} has an "
        "error rate of {:.3g} at {:g} V; compare with FP32 instead, or set sram.{}.error_rate=0",
        name, sram->error_rate, sram->vdd, name));
  }
}

report::FirmwareRun FirmwareRunOf(const FirmwareOptions& options,
                                  const platforms::DesignPoint& design,
                                  const platforms::HostOutcome& host) {
  return {options.firmware, options.wait,         options.runs, host.register_accesses,
          host.cycles,      design.cpu.clock_mhz, host.core};
}

report::Report ReportOf(const RunArguments& args, const platforms::DesignPoint& design,
                        const sim::Program& program, const platforms::EnergyModel& energy,
                        const Network& n) {
  report::Report report =
      report::BuildReport({Version(), n.path, trace::FileHash(n.path), args.timing_only}, n.net,
                          design, program, n.results.first, energy);
  if (!args.timing_only && !args.no_quality) report.quality = n.results.quality.Result();
  if (args.verify) report.verified_tensors = n.results.verified_tensors;
  return report;
}

int Run(const RunArguments& args) {
  numerics::SetThreads(args.threads);
  const platforms::DesignPoint design = args.design.ResolveWithCore();
  if (args.dry_run) {
    Print(ConfigText(design));
    return kDone;
  }
  CheckArguments(args);
  if (!args.firmware.on_core()) platforms::RefuseCoreParameters(design);
  if (args.verify) CheckVerifiable(design);
  const OutputFile json(args.json), csv(args.csv), events(args.timeline), vcd(args.vcd);
  const OutputFile outputs(args.outputs), fp32_outputs(args.fp32_outputs);
  const platforms::EnergyModel energy(design);
  Networks networks;
  for (const std::string& name : args.traces) networks.emplace_back(FindTrace(name), args);
  std::vector<const trace::Network*> nets;
  for (const Network& n : networks) nets.push_back(&n.net);
  std::vector<sim::Program> programs = lowering::LowerSideBySide(nets, design, !args.timing_only);
  StopIfInterrupted();
  std::optional<Firmware> firmware;
  if (args.firmware.wanted()) firmware.emplace(args.firmware);
  std::optional<timeline::Recording> recording;
  if (events.wanted() || vcd.wanted()) recording.emplace(design.dram.burst_bytes);
  const platforms::HostOutcome host =
      RunImages(args, design, networks, programs, firmware, recording ? &*recording : nullptr);
  if (firmware) firmware->Finish();

  std::optional<report::FirmwareRun> firmware_run;
  if (args.firmware.wanted()) firmware_run = FirmwareRunOf(args.firmware, design, host);
  std::vector<report::Report> reports;
  std::string text;
  const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  for (size_t k = 0; k < networks.size(); ++k) {
    const Network& n = networks[k];
    if (k > 0) text += '\n';
    if (n.results.first_jobs == 0) {  // nothing to report
      if (json.wanted() || csv.wanted() || outputs.wanted() || fp32_outputs.wanted()) {
        CheckRan(n.net, {}, false);
      }
      text += n.net.name + ": the firmware ran no job of it to its end\n";
      continue;
    }
    reports.push_back(ReportOf(args, design, programs[k], energy, n));
    text += report::ToText(reports.back(), {args.wide, colour});
  }
  if (firmware_run) text += report::FirmwareText(*firmware_run);

  const Network& first = networks.front();
  if (json.wanted() && networks.size() == 1) {
    reports.front().firmware = firmware_run;
    json.Write(report::ToJson(reports.front()));
  } else if (json.wanted()) {
    json.Write(report::ToJson(reports, firmware_run));
  }
  if (csv.wanted()) csv.Write(report::ToCsv(reports.front()));
  if (recording) WriteTimeline(*recording, first.net, design, programs.front(), events, vcd);
  if (outputs.wanted()) outputs.Write(NpyRows(first.results.outputs));
  if (fp32_outputs.wanted()) fp32_outputs.Write(NpyRows(first.results.fp32_outputs));
  const bool stdout_taken =
      json.is_stdout() || csv.is_stdout() || events.is_stdout() || vcd.is_stdout();
  if (!args.quiet && !stdout_taken) Print(text);
  return kDone;
}

}  // namespace

Command AddRun(CLI::App& app) {
  auto args = std::make_shared<RunArguments>();
  args->design.AddTo(app);
  args->firmware.AddTo(app);
  app.add_option("-t,--trace", args->traces,
                 "compiled network: a path, or a name in traces/; several, each with a --trace of "
                 "its own, share the machine and run back to back")
      ->allow_extra_args(false)
      ->option_text("FILE");

  const char* input = "Input";
  auto* images =
      app.add_option(
             "-i,--input", args->inputs.images,
             "images: NumPy uint8 or float32 [N][H][W][C], or a folder of JPEG and PNG files")
          ->option_text("FILE.npy|FOLDER")
          ->group(input);
  auto* labels = app.add_option("--labels", args->inputs.labels,
                                "true classes of the images: reports accuracy")
                     ->option_text("FILE")
                     ->needs(images)
                     ->group(input);
  app.add_option("-n,--count", args->inputs.count,
                 "run this many images; counts are those of the first")
      ->check(CLI::PositiveNumber)
      ->needs(images)
      ->option_text("N [1]")
      ->group(input);
  auto* seed = app.add_option("--seed", args->inputs.seed,
                              "which generated input, where no images are given")
                   ->check(CLI::NonNegativeNumber)
                   ->excludes(images)
                   ->option_text("N [0]")
                   ->group(input);

  const char* mode = "What to do";
  auto* timing = app.add_flag("--timing-only", args->timing_only,
                              "cycles, traffic and energy, without the bits");
  timing->excludes(images, seed)->group(mode);
  app.add_flag("--verify", args->verify,
               "compare every stored tensor with the golden executor's, bit for bit")
      ->excludes(timing)
      ->group(mode);
  auto* no_quality = app.add_flag("--no-quality", args->no_quality,
                                  "skip the FP32 golden run and the comparison with it");
  no_quality->excludes(labels)->group(mode);
  app.add_option("-j,--threads", args->threads,
                 "threads that share output tiles and golden runs; the results are the same bits")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]")
      ->group(mode);
  app.add_flag("--dry-run", args->dry_run,
               "print the resolved design point (in the form --config reads) and stop")
      ->group(mode);
  app.add_flag("--break-datapath", args->break_datapath,
               "flip one accumulator bit: --verify must fail")
      ->group("");

  const char* output = "Output";
  app.add_option("--json", args->json,
                 "everything, with units and the resolved design point; - is stdout")
      ->option_text("FILE")
      ->group(output);
  app.add_option("--csv", args->csv, "one line per layer; - is stdout")
      ->option_text("FILE")
      ->group(output);
  app.add_option("--timeline", args->timeline,
                 "what each engine and DRAM bank group did when, for Perfetto; of the first image")
      ->option_text("FILE.json")
      ->group(output);
  app.add_option("--vcd", args->vcd, "the same as waveforms, for GTKWave")
      ->option_text("FILE.vcd")
      ->group(output);
  app.add_option("--outputs", args->outputs, "the machine's output of each image, NumPy float32")
      ->option_text("FILE.npy")
      ->excludes(timing)
      ->group(output);
  app.add_option("--fp32-outputs", args->fp32_outputs, "the FP32 golden run's, NumPy float32")
      ->option_text("FILE.npy")
      ->excludes(timing, no_quality)
      ->group(output);
  app.add_flag("-w,--wide", args->wide, "all columns, not only those that fit 120 characters")
      ->group(output);
  app.add_flag("-q,--quiet", args->quiet, "no table, no progress bar")->group(output);
  return [args] { return Run(*args); };
}

}  // namespace nibble::cli
