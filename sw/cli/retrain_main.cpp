// nibble-retrain: what `sim retrain` becomes.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "platforms/machine.h"
#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/inputs.h"
#include "sw/cli/interrupt.h"
#include "sw/cli/output.h"
#include "sw/cli/progress.h"
#include "sw/cli/retrain_options.h"
#include "sw/cli/trace_file.h"
#include "sw/compiler/compiler.h"
#include "sw/report_html/training_page.h"
#include "sw/retraining/checkpoint.h"
#include "sw/retraining/trainer.h"
#include "sw/trace/file.h"
#include "sw/trace/hash.h"
#include "sw/trace/whole_file.h"

// libsystemc carries a main() of its own that calls this; ours takes precedence.
extern "C" int sc_main(int, char**) { return 0; }

namespace nibble::cli {

namespace {

using retraining::Look;
using retraining::Settings;
using retraining::State;
using Json = nlohmann::ordered_json;

constexpr int kGoldenImages = 4;  // on which what training computed is compared with golden

// The images, and how they are named in a trace.
struct Images {
  Images(const RetrainOptions& options, const trace::Network& net) {
    std::vector<int> labels;
    if (!options.labels.empty()) labels = compiler::ReadLabels(options.labels);
    const int classes =
        static_cast<int>(net.tensors[static_cast<size_t>(net.output)].shape.elements());
    std::string bytes;
    for (const std::string& path : options.images) {
      const compiler::ImageSet all = ReadImages(path, net, std::max(options.count, 1));
      const int count = options.count > 0 ? options.count : all.count();
      if (!labels.empty() && static_cast<int>(labels.size()) != all.count()) {
        throw trace::FileError(fmt::format("{}: {} labels, but {} has {} images", options.labels,
                                           labels.size(), path, all.count()));
      }
      for (int64_t i = 0; i < count; ++i) {
        const auto image = static_cast<int>(i * all.count() / count);
        set.images.push_back(all.Input(image, net));
        const std::vector<float>& x = set.images.back();
        bytes += trace::HashOf({reinterpret_cast<const char*>(x.data()), x.size() * sizeof(float)});
        if (labels.empty()) continue;
        const int label = labels[static_cast<size_t>(image)];
        if (label >= classes) {
          throw trace::FileError(fmt::format("{}: class {} of image {}, but the network has {}",
                                             options.labels, label, image, classes));
        }
        set.labels.push_back(label);
        bytes += fmt::format(" {}\n", label);
      }
      name += fmt::format("{}{} images of {}", name.empty() ? "" : ", ", count, FileName(path));
    }
    hash = trace::HashOf(bytes);
    if (!labels.empty()) name += " with labels";
  }

  retraining::TrainingSet set;
  std::string name, hash;
};

// What decides the result, threads not among it.
retraining::Identity SettingsOf(const Settings& s) {
  const auto number = [](double x) { return fmt::format("{:.9g}", x); };
  return {{"optimiser", s.optimiser == retraining::Optimiser::kAdam ? "adam" : "sgd"},
          {"block_steps", fmt::format("{}", s.block_steps)},
          {"steps", fmt::format("{}", s.steps)},
          {"batch", fmt::format("{}", s.batch)},
          {"rate", number(s.rate)},
          {"block_rate", number(s.block_rate)},
          {"even_block_rate", s.even_block_rate ? "true" : "false"},
          {"warm_up", number(s.warm_up)},
          {"weight_decay", number(s.weight_decay)},
          {"clip", number(s.clip)},
          {"distillation", number(s.distillation)},
          {"temperature", number(s.temperature)},
          {"blocks", number(s.blocks)},
          {"cross_entropy", number(s.labels)},
          {"learn_ranges", s.learn_ranges ? "true" : "false"},
          {"keep", s.keep.empty() ? "nothing" : fmt::format("{}", fmt::join(s.keep, ","))},
          {"crop", number(s.crop)},
          {"flip", s.flip ? "true" : "false"},
          {"colour", number(s.colour)},
          {"mix", number(s.mix)},
          {"held_back_percent", fmt::format("{}", s.held_back)},
          {"interval", fmt::format("{}", s.interval)},
          {"patience", fmt::format("{}", s.patience)},
          {"seed", fmt::format("{}", s.seed)}};
}

class Retraining {
 public:
  explicit Retraining(RetrainOptions& options)
      : options_(options),
        design_(options.Check()),
        path_(FindTrace(options.trace)),
        parent_(trace::Read(path_)),
        datapaths_(parent_, design_.datapath, design_.layer_overrides),
        images_(options, parent_),
        identity_(SettingsOf(options.settings)),
        labelled_(!images_.set.labels.empty()),
        trainer_(parent_, datapaths_, std::move(images_.set), options.settings) {
    if (!options.from.empty()) trainer_.Start(trace::Read(FindTrace(options.from)));
    identity_.insert(identity_.begin(), {{"trace", trace::FileHash(path_)},
                                         {"from", StartHash()},
                                         {"datapath", DatapathText(design_)},
                                         {"images", images_.hash}});
  }

  int Run() {
    const std::string checkpoint = options_.CheckpointPath();
    if (const auto state =
            retraining::ReadCheckpoint(checkpoint, identity_, trainer_.state().parameters)) {
      trainer_.SetState(*state);
      Print(fmt::format("{}: goes on from step {}\n", checkpoint, state->step));
    }
    {
      Progress bar("retrain " + parent_.name);
      while (trainer_.Advance([&](size_t done, size_t all) {
        bar.Update(done, all);
        StopIfInterrupted();
      })) {
        retraining::WriteCheckpoint(checkpoint, identity_, trainer_.state());
        if (!options_.curve.empty()) OutputFile(options_.curve).Write(Curve());
      }
    }
    WriteTrace();
    difference_ = trainer_.FromGolden(kGoldenImages);
    if (!options_.json.empty()) OutputFile(options_.json).Write(Report().dump(1) + "\n");
    if (!options_.html.empty()) OutputFile(options_.html).Write(Page());
    std::error_code ignored;
    std::filesystem::remove(checkpoint, ignored);
    Print(Summary());
    return kDone;
  }

 private:
  std::string StartHash() const {
    return options_.from.empty() ? "itself" : trace::FileHash(FindTrace(options_.from));
  }

  const Look& BestLook() const {
    return trainer_.state().looks[static_cast<size_t>(trainer_.state().best_look)];
  }

  std::string Provenance() const {
    const Settings& s = options_.settings;
    const Look &first = trainer_.state().looks.front(), &best = BestLook();
    std::string text = fmt::format(
        "retrained from {}{}, under {}, with {} (hash {}), seed {}: {} steps block by block and {} "
        "of "
        "the whole network planned, batches of {}, {}, rates {:g} and {:g}, weights {:g} of "
        "distillation at temperature {:g}, {:g} of block outputs",
        trace::FileHash(path_), options_.from.empty() ? "" : ", started at " + StartHash(),
        DatapathText(design_), images_.name, images_.hash, s.seed, s.block_steps, s.steps, s.batch,
        options_.optimiser, s.block_rate, s.rate, s.distillation, s.temperature, s.blocks);
    if (labelled_) text += fmt::format(", {:g} of labels", s.labels);
    if (!s.keep.empty()) text += fmt::format(", {} kept", fmt::join(s.keep, " and "));
    text += fmt::format("; taken at step {}", best.step);
    if (s.held_back > 0) {
      text += fmt::format(
          ", where on {} % of the images, held back, the loss is {:.4g} (before: {:.4g}) and "
          "agreement with FP32 {:.1f} % (before: {:.1f} %)",
          s.held_back, best.held_back, first.held_back, best.agreement, first.agreement);
    }
    return text;
  }

  void WriteTrace() const {
    trace::Network net = trainer_.Best();
    if (!options_.from.empty()) {
      net.posttraining = trace::Read(FindTrace(options_.from), false).posttraining;
    }
    net.posttraining.push_back(Provenance());
    const compiler::ImageSet images(options_.images.front());
    compiler::RecordZeros(net, images.Input(0, net));
    trace::Write(net, options_.output);
  }

  std::string Curve() const {
    std::string text =
        "step,seconds,training_loss,distillation,blocks,cross_entropy,held_back_loss,"
        "held_back_agreement_percent" +
        std::string(labelled_ ? ",held_back_accuracy_percent\n" : "\n");
    for (const Look& l : trainer_.state().looks) {
      text += fmt::format("{},{:.1f},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.2f}", l.step, l.seconds,
                          l.training.total, l.training.distillation, l.training.blocks,
                          l.training.labels, l.held_back, l.agreement);
      text += labelled_ ? fmt::format(",{:.2f}\n", l.accuracy) : "\n";
    }
    return text;
  }

  Json Report() {
    Json json = {{"schema", "nibble.retrain/1"},
                 {"network", parent_.name},
                 {"output", options_.output},
                 {"output_hash", trace::FileHash(options_.output)},
                 {"images", images_.name}};
    for (const auto& [name, value] : identity_) json["identity"][name] = value;
    json["best_step"] = BestLook().step;
    json["golden"] = {{"images", difference_.images},
                      {"same_best_class", difference_.same_class},
                      {"relative_rms_difference", difference_.relative}};
    json["blocks"] = Json::array();  // as training ended
    for (const auto& [tensor, error] : trainer_.BlockErrors()) {
      json["blocks"].push_back({{"output", parent_.tensors[static_cast<size_t>(tensor)].name},
                                {"relative_squared_error", error}});
    }
    json["curve"] = Json::array();
    for (const Look& l : trainer_.state().looks) {
      Json point = {{"step", l.step},
                    {"seconds", l.seconds},
                    {"training_loss", l.training.total},
                    {"distillation", l.training.distillation},
                    {"blocks", l.training.blocks},
                    {"cross_entropy", l.training.labels},
                    {"held_back_loss", l.held_back},
                    {"held_back_agreement_percent", l.agreement}};
      if (labelled_) point["held_back_accuracy_percent"] = l.accuracy;
      json["curve"].push_back(point);
    }
    return json;
  }

  std::string Page() const {
    report_html::TrainingData data;
    data.network = parent_.name;
    data.subtitle = Provenance();
    data.best_step = static_cast<double>(BestLook().step);
    for (const Look& l : trainer_.state().looks) {
      data.points.push_back(
          {static_cast<double>(l.step), l.training.total, l.held_back, l.agreement});
    }
    return report_html::TrainingPage(data);
  }

  std::string Summary() const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const State& state = trainer_.state();
    const Look &first = state.looks.front(), &best = BestLook();
    std::string text = fmt::format("{}: {}, hash {}\n", options_.output, parent_.name,
                                   trace::FileHash(options_.output)) +
                       fmt::format("  {} steps in {}, at most {} MiB; best after {}\n", state.step,
                                   RoughTime(state.seconds), usage.ru_maxrss / 1024, best.step);
    text += fmt::format(
        "  golden, on {} images: outputs differ from those of training by {:.2g} % rms, {} have "
        "the "
        "same best class\n",
        difference_.images, 100 * difference_.relative, difference_.same_class);
    if (options_.settings.held_back == 0) return text;
    text += fmt::format("  held back: loss {:.4g} -> {:.4g}, agreement {:.1f} -> {:.1f} %",
                        first.held_back, best.held_back, first.agreement, best.agreement);
    if (labelled_) text += fmt::format(", top-1 {:.1f} -> {:.1f} %", first.accuracy, best.accuracy);
    return text + "\n";
  }

  RetrainOptions& options_;
  platforms::DesignPoint design_;
  std::string path_;
  trace::Network parent_;
  golden::Datapaths datapaths_;
  Images images_;
  retraining::Identity identity_;
  bool labelled_;
  retraining::Trainer trainer_;
  retraining::Trainer::Difference difference_;
};

int Fail(int code, const std::string& message) {
  std::fprintf(stderr, "sim: %s\n", message.c_str());
  return code;
}

int Main(int argc, char** argv) {
  CatchInterrupts();
  CLI::App app("Trains a trace on the bits of a datapath: see sim retrain.", "sim retrain");
  RetrainOptions options;
  options.AddTo(app);
  try {
    app.parse(argc, argv);
    return Retraining(options).Run();
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : Fail(kUsage, e.what());
  } catch (const UsageError& e) {
    return Fail(kUsage, e.what());
  } catch (const trace::OutputError& e) {
    return Fail(kUsage, e.what());
  } catch (const std::invalid_argument& e) {  // a datapath or a layer that the network has not
    return Fail(kUsage, e.what());
  } catch (const platforms::ParameterError& e) {
    return Fail(kUsage, e.what());
  } catch (const trace::FileError& e) {
    return Fail(kBadInput, e.what());
  } catch (const platforms::Interrupted&) {
    return Fail(kInterrupted, "interrupted; the same command goes on from the last look");
  } catch (const std::exception& e) {
    return Fail(kInternal, std::string("internal error: ") + e.what());
  }
}

}  // namespace

}  // namespace nibble::cli

int main(int argc, char** argv) { return nibble::cli::Main(argc, argv); }
