// sim calibrate: a trace made fit for few bits, without training: equalisation, ranges, biases.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>
#include <optional>

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
#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "sw/posttraining/correct_bias.h"
#include "sw/posttraining/equalise.h"
#include "sw/posttraining/set_ranges.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace {

struct CalibrateArguments {
  std::string trace, output, config;
  std::vector<std::string> images, sets;
  int count = 32;
  bool no_equalise = false, through_clips = false;
  std::string range = "mse", bias = "spatial";
  int threads = 1;
};

// The steps, each of which changes the network, writes to its provenance and says what it did.
class Calibration {
 public:
  Calibration(const CalibrateArguments& args, trace::Network& net) : args_(args), net_(net) {
    for (const std::string& path : args.images) {
      const compiler::ImageSet images = ReadImages(path, net, args.count);
      // Spread over the set, which may be in the order of its classes.
      for (int64_t i = 0; i < args.count; ++i) {
        inputs_.push_back(images.Input(static_cast<int>(i * images.count() / args.count), net));
      }
      sources_ += (sources_.empty() ? "" : ", ") + CountOf(args.count, path);
    }
    design_ = platforms::Resolve(platforms::Platform::kAccel, args.config, args.sets);
  }

  void Equalise() {
    posttraining::ChannelStatistics seen;
    ForEachRun("equalise", [&](const auto& tensors) { seen.Add(net_, tensors); });
    const posttraining::Equalisation done = posttraining::Equalise(net_, seen, args_.through_clips);
    size_t tensors = 0, channels = 0;
    std::string list;
    for (const auto& group : done.groups) {
      tensors += group.tensors.size();
      channels += static_cast<size_t>(group.channels) * group.tensors.size();
      for (const int t : group.tensors) {
        list += fmt::format("  {:<32} {:>5} of {:>5} channels by 2^{}..2^{}\n", Name(t),
                            group.channels, net_.tensors[static_cast<size_t>(t)].shape.channels,
                            group.least, group.most);
      }
    }
    std::string what =
        fmt::format("equalised {} channels of {} tensors, {}", channels, tensors, sources_);
    if (done.bounded_channels > 0) {
      what +=
          fmt::format(", {} channels behind clips as far as they were seen", done.bounded_channels);
    }
    Done(what, list);
  }

  // None: where each tensor's own format has the least squared error.
  void SetRanges(const std::optional<compiler::RangeChoice>& choice) {
    std::vector<compiler::MagnitudeHistogram> seen(net_.tensors.size());
    ForEachRun("ranges", [&](const auto& tensors) {
      for (size_t t = 0; t < tensors.size(); ++t) seen[t].Add(tensors[t]);
    });
    std::string list;
    const auto changes = posttraining::SetRanges(net_, Datapaths(), seen, choice);
    for (const auto& change : changes) {
      list += fmt::format("  {:<32} {:>12.6g} -> {:.6g}\n", Name(change.tensor), change.before,
                          change.after);
    }
    Done(fmt::format("ranges of {} tensors changed, by {}, {}, under {}", changes.size(),
                     args_.range, sources_, DatapathText(design_)),
         list);
  }

  void CorrectBias() {
    Progress bar("bias");
    const auto changes = posttraining::CorrectBias(
        net_, Datapaths(), inputs_,
        args_.bias == "all" ? posttraining::BiasLayers::kAll : posttraining::BiasLayers::kSpatial,
        [&](int done, int total) {
          bar.Update(static_cast<size_t>(done), static_cast<size_t>(total));
          StopIfInterrupted();
        });
    std::string list;
    for (const auto& change : changes) {
      list += fmt::format("  {:<32} mean errors of {:.3g} rms, outputs {:.3g} rms\n",
                          net_.layers[static_cast<size_t>(change.layer)].name, change.error_rms,
                          change.output_rms);
    }
    Done(fmt::format("biases of {} layers corrected, {}, under {}", changes.size(), sources_,
                     DatapathText(design_)),
         list);
  }

  // Counts of zeros belong to weights and biases as they were.
  void RecordZeros() { compiler::RecordZeros(net_, inputs_.front()); }

 private:
  golden::Datapaths Datapaths() const try {
    return {net_, design_.datapath, design_.layer_overrides};
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }

  const std::string& Name(int tensor) const {
    return net_.tensors[static_cast<size_t>(tensor)].name;
  }

  template <class Visit>
  void ForEachRun(const char* what, Visit visit) const {
    Progress bar(what);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      visit(golden::RunFp32(net_, inputs_[i]));
      bar.Update(i + 1, inputs_.size());
      StopIfInterrupted();
    }
  }

  void Done(const std::string& what, const std::string& list) {
    net_.posttraining.push_back(what);
    Print(what + "\n" + list);
  }

  const CalibrateArguments& args_;
  trace::Network& net_;
  std::vector<std::vector<float>> inputs_;
  std::string sources_;
  platforms::DesignPoint design_;
};

int Calibrate(const CalibrateArguments& args) {
  if (args.no_equalise && args.through_clips) {
    throw UsageError("--through-clips and --no-equalise exclude each other");
  }
  if (args.no_equalise && args.bias == "off" && args.range == "keep") {
    throw UsageError("calibrate: every step is left out");
  }
  std::optional<compiler::RangeChoice> range;  // one for all tensors
  if (args.range != "mse" && args.range != "keep") range = ParseRange(args.range);
  CheckWritable(args.output);
  RequireDatapath(args.sets);
  numerics::SetThreads(args.threads);
  trace::Network net = trace::Read(FindTrace(args.trace));
  Calibration calibration(args, net);
  if (!args.no_equalise) calibration.Equalise();
  if (args.range != "keep") calibration.SetRanges(range);
  if (args.bias != "off") calibration.CorrectBias();
  calibration.RecordZeros();
  trace::Write(net, args.output);
  Print(fmt::format("{}: {}, hash {}\n", args.output, net.name, trace::FileHash(args.output)));
  return kDone;
}

}  // namespace

Command AddCalibrate(CLI::App& app) {
  auto args = std::make_shared<CalibrateArguments>();
  CLI::App* sub = app.add_subcommand(
      "calibrate", "make a trace fit for few bits: equalised channels, ranges, corrected biases");
  AddTraceArgument(*sub, args->trace);
  AddTraceOutput(*sub, args->output);
  sub->add_option("-i,--images", args->images,
                  "images: NumPy uint8 or float32 [N][H][W][C], or folders of JPEG and PNG files")
      ->option_text("FILE.npy|FOLDER ...")
      ->required();
  sub->add_option("-n,--count", args->count, "how many of each, spread evenly over it")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  sub->add_flag("--no-equalise", args->no_equalise,
                "leave channels as they are; otherwise factors between layers even them out, and "
                "FP32 results stay the same");
  sub->add_flag("--through-clips", args->through_clips,
                "equalise behind Relu6 too, on channels that stay below its bound on all images");
  sub->add_option("--range", args->range,
                  "what of their magnitudes the tensors' static ranges cover: where the tensor's "
                  "own format has the least squared error (all, if its blocks have scales), or as "
                  "in compile")
      ->option_text("mse|keep|amax|percentile:P|mse:FORMAT [mse]");
  sub->add_option("--bias", args->bias,
                  "layers whose biases take up the mean error of each output channel under the "
                  "datapath: those with more than one output pixel, or all")
      ->check(CLI::IsMember({"spatial", "all", "off"}))
      ->option_text("spatial|all|off [spatial]");
  sub->add_option("-c,--config", args->config,
                  "file of key = value lines, or the name of a preset, of which the datapath "
                  "counts")
      ->option_text("FILE");
  sub->add_option("-s,--set", args->sets,
                  "one of datapath.*, accumulator.*, layers.*; may be repeated")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false);
  sub->add_option("-j,--threads", args->threads, "the results are the same bits")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  return [args] { return Calibrate(*args); };
}

}  // namespace nibble::cli
