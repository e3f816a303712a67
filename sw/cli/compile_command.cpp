#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "sw/cli/commands.h"
#include "sw/cli/errors.h"
#include "sw/cli/inputs.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/trace_file.h"
#include "sw/compiler/compiler.h"
#include "sw/compiler/listing.h"
#include "sw/compiler/weight_files.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

struct CompileArguments {
  std::string model, builtin, output;
  int resolution = 224;
  std::string calibrate = "random";
  int count = 2;  // of calibration inputs: what the committed traces are made with
  std::vector<float> mean, stddev;
  int resize = 0;
  std::string weights;  // directory
  int weights_block = 16;
  bool dump_passes = false;
  std::string range = "amax";
};

std::vector<float> PerChannel(const std::vector<float>& values, const trace::Network& net,
                              const char* option) {
  const auto channels = static_cast<size_t>(net.tensors[net.input].shape.channels);
  if (values.size() == 1) return std::vector<float>(channels, values[0]);
  if (values.size() != channels) {
    throw UsageError(
        fmt::format("{}: {} values for an input of {} channels", option, values.size(), channels));
  }
  return values;
}

void SetPreprocess(const CompileArguments& args, trace::Network& net) {
  if (!args.mean.empty()) net.preprocess.mean = PerChannel(args.mean, net, "--mean");
  if (!args.stddev.empty()) net.preprocess.stddev = PerChannel(args.stddev, net, "--std");
  net.preprocess.resize = args.resize;
  for (float s : net.preprocess.stddev) {
    if (!(s > 0)) throw UsageError(fmt::format("--std: {} is not positive", s));
  }
}

void CalibrateOn(const CompileArguments& args, const compiler::RangeChoice& range,
                 trace::Network& net) {
  std::vector<std::vector<float>> inputs;
  if (args.calibrate == "random") {
    for (int i = 0; i < args.count; ++i)
      inputs.push_back(compiler::GeneratedInput(net, static_cast<uint64_t>(i)));
    net.calibration = fmt::format("{} generated inputs", args.count);
  } else {
    const compiler::ImageSet images = ReadImages(args.calibrate, net, args.count);
    for (int i = 0; i < args.count; ++i) inputs.push_back(images.Input(i, net));
    net.calibration = CountOf(args.count, args.calibrate);
  }
  if (args.range != "amax") net.calibration += ", " + args.range;
  Progress bar("calibrating");
  compiler::Calibrate(
      net, inputs,
      [&](int done, int total) {
        bar.Update(static_cast<size_t>(done), static_cast<size_t>(total));
        StopIfInterrupted();
      },
      range);
  compiler::RecordZeros(net, inputs.front());
}

void PrintPass(const std::string& pass, const std::string& listing) {
  Print(fmt::format("after {}:\n{}\n", pass, listing));
}

trace::Network Import(const CompileArguments& args) {
  if (args.model.empty() == args.builtin.empty()) {
    throw UsageError("compile: give either a model file or --builtin NAME");
  }
  if (args.builtin.empty()) {
    compiler::PassListener listener;
    if (args.dump_passes) listener = PrintPass;
    return compiler::ImportOnnx(args.model, listener);
  }
  try {
    return compiler::BuildNetwork(args.builtin, args.resolution);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("--builtin: ") + error.what());
  }
}

int Compile(const CompileArguments& args) {
  const compiler::RangeChoice range = ParseRange(args.range);
  CheckWritable(args.output);
  trace::Network net = Import(args);
  SetPreprocess(args, net);
  CalibrateOn(args, range, net);
  if (args.dump_passes) PrintPass("calibrate", compiler::CalibrationListing(net));
  // After the calibration: ranges are those of the model, however its weights are quantised.
  std::string imported;
  if (!args.weights.empty()) {
    imported = fmt::format(", codes of {} imported",
                           compiler::ImportWeights(args.weights, args.weights_block, net));
  }
  trace::Write(net, args.output);
  Print(fmt::format("{}: {}, {} layers{}, calibrated on {}, hash {}\n", args.output, net.name,
                    net.layers.size(), imported, net.calibration, trace::FileHash(args.output)));
  return kDone;
}

}  // namespace

Command AddCompile(CLI::App& app) {
  auto args = std::make_shared<CompileArguments>();
  CLI::App* sub =
      app.add_subcommand("compile", "make a trace from an ONNX model or a built-in network");
  auto* model = sub->add_option("model", args->model, "ONNX model, opset 11 to 17")
                    ->option_text("MODEL.onnx");
  auto* builtin =
      sub->add_option("--builtin", args->builtin,
                      "built-in network with synthetic weights: " +
                          fmt::format("{} or {}", fmt::join(compiler::BuiltInNetworks(), ", "),
                                      compiler::kGemvPattern))
          ->option_text("NAME")
          ->excludes(model);
  sub->add_option("-r,--resolution", args->resolution,
                  "height and width of a built-in network's input")
      ->check(CLI::Range(compiler::kMinResolution, compiler::kMaxResolution))
      ->needs(builtin)
      ->capture_default_str();
  AddTraceOutput(*sub, args->output);
  sub->add_flag("--dump-passes", args->dump_passes,
                "print what each pass leaves of the model, a line an operator")
      ->needs(model);
  sub->add_option("--calibrate", args->calibrate,
                  "inputs to find the ranges with: images, or `random`")
      ->option_text("FILE.npy|FOLDER|random [random]");
  sub->add_option("-n,--count", args->count, "how many of them")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  sub->add_option("--range", args->range,
                  "what of their magnitudes a tensor's range covers: all, a percentage of the "
                  "elements, or where FORMAT under one scale has the least squared error")
      ->option_text("amax|percentile:P|mse[:FORMAT] [amax]");
  sub->add_option("--mean", args->mean,
                  "of the preprocessing (u8 / 255 - mean) / std: one value, or one a channel")
      ->delimiter(',')
      ->option_text("M[,M...]");
  sub->add_option("--std", args->stddev, "of the preprocessing")
      ->delimiter(',')
      ->option_text("S[,S...]");
  sub->add_option("--resize", args->resize,
                  "of image files: pixels of the shorter side before the input is cropped from the "
                  "middle")
      ->check(CLI::Range(1, trace::kMaxSide))
      ->option_text("N [8/7 of the input's height]");
  auto* weights =
      sub->add_option(
             "--weights", args->weights,
             "NVFP4 weights that are quantised already: LAYER.codes.npy, LAYER.scales.npy, "
             "LAYER.s_dec.npy of any layers")
          ->option_text("DIR");
  sub->add_option("--weights-block", args->weights_block, "their block size")
      ->check(CLI::Range(1, trace::kMaxQuantizedBlock))
      ->needs(weights)
      ->capture_default_str();
  return [args] { return Compile(*args); };
}

}  // namespace nibble::cli
