#include "sw/cli/retrain_options.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>

#include "sw/cli/design_options.h"
#include "sw/cli/errors.h"
#include "sw/cli/output.h"

namespace nibble::cli {

void RetrainOptions::AddTo(CLI::App& app) {
  app.add_option("trace", trace, "a path, or a name in traces/")
      ->option_text("NET.trc")
      ->required();
  app.add_option("-o,--output", output, "the trace to write")->option_text("OUT.trc")->required();
  app.add_option("-i,--images", images,
                 "to train on: NumPy uint8 or float32 [N][H][W][C], or folders of JPEG and PNG "
                 "files")
      ->option_text("FILE.npy|FOLDER ...")
      ->required();
  app.add_option("--from", from,
                 "start from the weights and ranges of this trace, an earlier retraining's; losses "
                 "still compare with NET.trc")
      ->option_text("START.trc");
  app.add_option("--labels", labels,
                 "true classes of the images, of which there is one file then: cross-entropy is "
                 "added to what is minimised")
      ->option_text("FILE");
  app.add_option("-n,--count", count, "how many of each, spread evenly over it")
      ->check(CLI::PositiveNumber)
      ->option_text("N [all]");
  app.add_option("-c,--config", config,
                 "file of key = value lines, or the name of a preset, of which the datapath counts")
      ->option_text("FILE");
  app.add_option("-s,--set", sets, "one of datapath.*, accumulator.*, layers.*; may be repeated")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false);

  retraining::Settings& s = settings;
  const auto steps = CLI::Range(0, 10000000);
  const auto share = CLI::Range(0.0, 1.0);
  const auto positive = CLI::Range(1e-9, 1e9);
  app.add_option("--steps", s.steps, "steps that train the whole network")
      ->check(steps)
      ->option_text("N [1000]");
  app.add_option("--block-steps", s.block_steps,
                 "steps before these that train each block alone, one after the other")
      ->check(steps)
      ->option_text("N [0]");
  app.add_option("--batch", s.batch, "images a step")
      ->check(CLI::Range(1, 4096))
      ->option_text("N [16]");
  app.add_option("--optimiser", optimiser, "adam, or sgd with momentum 0.9")
      ->check(CLI::IsMember({"adam", "sgd"}))
      ->option_text("adam|sgd [adam]");
  app.add_option("--rate", s.rate,
                 "of the whole network's steps at its height: of Adam, the share of a parameter's "
                 "typical size that a step changes")
      ->check(positive)
      ->option_text("X [0.001]");
  app.add_option("--block-rate", s.block_rate,
                 "the same of the steps block by block, of the block with the most positions")
      ->check(positive)
      ->option_text("X [0.04]");
  app.add_flag(
      "--even-block-rate", s.even_block_rate,
      "the same for all blocks; otherwise it falls with the square root of their positions, "
      "and the last block's is --rate");
  app.add_option("--warm-up", s.warm_up,
                 "share of the steps in which the rate rises; then it falls as half a cosine")
      ->check(share)
      ->option_text("X [0.05]");
  app.add_option("--weight-decay", s.weight_decay, "weights lose rate times this a step")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("X [0]");
  app.add_option("--clip", s.clip, "largest norm of a step's gradient; 0: any")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("X [1]");
  app.add_option("--distillation", s.distillation,
                 "weight of the divergence from the FP32 network's classes")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("X [1]");
  app.add_option("--temperature", s.temperature, "that softens the classes there")
      ->check(CLI::Range(0.01, 1000.0))
      ->option_text("X [2]");
  app.add_option("--blocks", s.blocks, "weight of the squared error at block outputs")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("X [1]");
  app.add_option("--cross-entropy", s.labels, "weight of the labels")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("X [1]");
  app.add_option("--crop", s.crop, "least side of what is cut out of an image, as a share")
      ->check(CLI::Range(0.05, 1.0))
      ->option_text("X [0.6]");
  app.add_option("--colour", s.colour,
                 "how far contrast and brightness of each channel vary, in units of the input")
      ->check(share)
      ->option_text("X [0]");
  app.add_option("--mix", s.mix, "share of the images that are mixed with others; not with labels")
      ->check(share)
      ->option_text("X [0]");
  app.add_flag("--no-flip", no_flip, "no image is flipped left and right; otherwise half of them");
  app.add_flag("--keep-ranges", keep_ranges,
               "static ranges stay; otherwise they are learned with the weights");
  app.add_option(
         "--keep", s.keep,
         "layers whose weights and biases stay, the classifier's, say, which would learn few "
         "images by heart")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("NAME[,NAME...]");
  app.add_option("--held-back", s.held_back,
                 "percent of the images that are not trained on and tell the best state")
      ->check(CLI::Range(0, 90))
      ->option_text("N [10]");
  app.add_option("--interval", s.interval, "steps from one look at these to the next")
      ->check(CLI::Range(1, 1000000))
      ->option_text("N [50]");
  app.add_option("--patience", s.patience, "looks without a better state that end the training")
      ->check(CLI::Range(1, 1000000))
      ->option_text("N [no end]");
  app.add_option("--seed", s.seed, "of the images' order, cuts and flips")->option_text("N [1]");
  app.add_option("-j,--threads", s.threads, "the results are the same bits")
      ->check(CLI::Range(1, 256))
      ->option_text("N [1]");
  app.add_option("--checkpoint", checkpoint,
                 "where the training stands at each look; the same command goes on from there, and "
                 "removes it at the end")
      ->option_text("FILE [OUT.trc.checkpoint]");
  app.add_option("--curve", curve, "losses and agreement over the steps, as CSV")
      ->option_text("FILE.csv");
  app.add_option("--json", json, "the same and all that was set, as JSON")->option_text("FILE");
  app.add_option("--html", html, "the curves as a page")->option_text("FILE.html");
}

platforms::DesignPoint RetrainOptions::Check() {
  const retraining::Settings& s = settings;
  settings.optimiser =
      optimiser == "sgd" ? retraining::Optimiser::kSgd : retraining::Optimiser::kAdam;
  settings.flip = !no_flip;
  settings.learn_ranges = !keep_ranges;
  if (s.steps + s.block_steps == 0) throw UsageError("retrain: no steps");
  if (!labels.empty() && images.size() != 1) {
    throw UsageError("--labels are of one file or folder of images");
  }
  if (labels.empty() && s.distillation == 0 && s.blocks == 0) {
    throw UsageError("retrain: nothing is minimised: all of --distillation and --blocks are 0");
  }
  if (!labels.empty() && s.mix > 0) throw UsageError("--mix: mixed images have no label");
  RequireDatapath(sets);
  CheckWritable(output);
  CheckWritable(CheckpointPath());
  for (const std::string& file : {curve, json, html}) {
    if (!file.empty() && file != "-") CheckWritable(file);
  }
  return platforms::Resolve(platforms::Platform::kAccel, config, sets);
}

std::string RetrainOptions::CheckpointPath() const {
  return checkpoint.empty() ? output + ".checkpoint" : checkpoint;
}

std::string RetrainProgram() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path path = own.parent_path() / "nibble-retrain";
  if (!std::filesystem::exists(path, error)) {
    throw UsageError(path.string() +
                     " is missing: retraining is built where LibTorch is. Install Debian's "
                     "libtorch-dev (./setup.sh --retrain), then build again");
  }
  return path.string();
}

}  // namespace nibble::cli
