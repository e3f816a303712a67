// The command line of `sim retrain`, which two programs read: `sim`, which is built without
// LibTorch, checks it, and hands it on to `nibble-retrain`.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/retraining/settings.h"

namespace nibble::cli {

struct RetrainOptions {
  std::string trace, from, output, config, labels, checkpoint, curve, json, html;
  std::vector<std::string> images, sets;
  int count = 0;  // of each; 0: all
  std::string optimiser = "adam";
  bool no_flip = false, keep_ranges = false;
  retraining::Settings settings;

  void AddTo(CLI::App& app);
  // Throws UsageError for options that exclude each other, sets of parameters that change no bit
  // and outputs that cannot be written; platforms::ParameterError.
  platforms::DesignPoint Check();
  // The checkpoint's file.
  std::string CheckpointPath() const;
};

// The path of `nibble-retrain`, beside this program. Throws UsageError that says what to install
// where it was not built.
std::string RetrainProgram();

}  // namespace nibble::cli
