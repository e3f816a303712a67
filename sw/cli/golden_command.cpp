// sim golden: networks in FP32 and under a datapath, without a machine.
#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "models/numerics/parallel.h"
#include "platforms/design_point.h"
#include "sw/cli/commands.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/inputs.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/golden/golden.h"
#include "sw/report/quality.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

struct GoldenArguments {
  std::string trace, config, outputs, fp32_outputs;
  std::vector<std::string> sets;
  InputOptions inputs;
  int threads = 1;
  bool fp32_only = false;
};

golden::Datapaths DatapathsOf(const trace::Network& net, const GoldenArguments& args) try {
  const platforms::DesignPoint design =
      platforms::Resolve(platforms::Platform::kAccel, args.config, args.sets);
  return {net, design.datapath, design.layer_overrides};
} catch (const std::invalid_argument& error) {
  throw UsageError(error.what());
}

std::string QualityText(const report::Quality& q, bool fp32_only) {
  std::string text;
  const auto line = [&](const char* what, const std::string& rest) {
    text += fmt::format("  {:<10}{}\n", what, rest);
  };
  if (q.accuracy) {
    line("FP32", fmt::format("right on {} of {}, among its first five on {}", q.accuracy->fp32_top1,
                             q.images, q.accuracy->fp32_top5));
  }
  if (fp32_only) return text;
  if (q.accuracy) {
    line("datapath", fmt::format("right on {} of {}, among its first five on {}", q.accuracy->top1,
                                 q.images, q.accuracy->top5));
  }
  line("SQNR", q.exact ? "no error" : fmt::format("{:.2f} dB against FP32", q.sqnr_db));
  line("agreement", fmt::format("FP32's class is first on {} of {}, among the first five on {}",
                                q.top1_agree, q.images, q.top5_agree));
  return text;
}

int Golden(const GoldenArguments& args) {
  if (args.outputs == "-" || args.fp32_outputs == "-") {
    throw UsageError("--outputs and --fp32-outputs take a file: they are binary");
  }
  RequireDatapath(args.sets);
  numerics::SetThreads(args.threads);
  const OutputFile outputs(args.outputs), fp32_outputs(args.fp32_outputs);
  const trace::Network net = trace::Read(FindTrace(args.trace));
  const golden::Datapaths datapaths = DatapathsOf(net, args);
  const Inputs inputs(args.inputs, net);
  std::vector<std::vector<float>> fp32, quantised;
  report::QualityMeter quality;
  Progress bar(net.name);
  for (int i = 0; i < inputs.count(); ++i) {
    const std::vector<float> input = inputs.Image(i);
    fp32.push_back(golden::RunFp32(net, input)[static_cast<size_t>(net.output)]);
    if (!args.fp32_only) {
      const golden::Execution e = golden::Run(net, datapaths, input);
      quantised.push_back(numerics::LoadTensor(e.tensors[static_cast<size_t>(net.output)]));
    }
    quality.Add(args.fp32_only ? fp32.back() : quantised.back(), fp32.back(), inputs.Label(i));
    bar.Update(static_cast<size_t>(i) + 1, static_cast<size_t>(inputs.count()));
    StopIfInterrupted();
  }
  if (outputs.wanted()) outputs.Write(NpyRows(quantised));
  if (fp32_outputs.wanted()) fp32_outputs.Write(NpyRows(fp32));
  Print(fmt::format("{}, {} image{}\n{}", net.name, inputs.count(), inputs.count() == 1 ? "" : "s",
                    QualityText(quality.Result(), args.fp32_only)));
  return kDone;
}

}  // namespace

Command AddGolden(CLI::App& app) {
  auto args = std::make_shared<GoldenArguments>();
  CLI::App* sub = app.add_subcommand(
      "golden", "run a trace in FP32 and under a datapath, without a machine: bits, no time");
  AddTraceArgument(*sub, args->trace);
  auto* images =
      sub->add_option(
             "-i,--input", args->inputs.images,
             "images: NumPy uint8 or float32 [N][H][W][C], or a folder of JPEG and PNG files")
          ->option_text("FILE.npy|FOLDER");
  sub->add_option("--labels", args->inputs.labels, "true classes of the images: reports accuracy")
      ->option_text("FILE")
      ->needs(images);
  sub->add_option("-n,--count", args->inputs.count, "run this many images")
      ->check(CLI::PositiveNumber)
      ->needs(images)
      ->option_text("N [1]");
  sub->add_option("--seed", args->inputs.seed, "which generated input, where no images are given")
      ->check(CLI::NonNegativeNumber)
      ->excludes(images)
      ->option_text("N [0]");
  auto* fp32_only = sub->add_flag("--fp32", args->fp32_only, "FP32 only");
  auto* config = sub->add_option("-c,--config", args->config,
                                 "file of key = value lines, or the name of a preset, of which "
                                 "the datapath counts")
                     ->option_text("FILE");
  auto* sets = sub->add_option("-s,--set", args->sets,
                               "one of datapath.*, accumulator.*, layers.*; may be repeated")
                   ->option_text("KEY=VALUE")
                   ->allow_extra_args(false);
  sub->add_option("-j,--threads", args->threads, "the results are the same bits")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  auto* outputs =
      sub->add_option("--outputs", args->outputs, "the datapath's outputs, NumPy float32")
          ->option_text("FILE.npy");
  sub->add_option("--fp32-outputs", args->fp32_outputs, "FP32's outputs, NumPy float32")
      ->option_text("FILE.npy");
  for (CLI::Option* option : {config, sets, outputs}) fp32_only->excludes(option);
  return [args] { return Golden(*args); };
}

}  // namespace nibble::cli
