// The study's last table: what retraining brings, format by format.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sw/evaluation/ablation.h"
#include "sw/evaluation/ablation_tables.h"

namespace nibble::evaluation {

// One line of the table.
struct RetrainingCell {
  std::string trained;                    // a name of the datapath; empty: not retrained
  std::vector<std::string> trained_sets;  // parameters of it, as --set takes them
  std::string run;                        // that of the run
  std::vector<std::string> run_sets;
};
// Unscaled FP4 and NVFP4 without and with retraining; retrained at B = 16 and run at B = 8 to 128;
// retrained and run in every format that platforms run, weights and activations alike.
const std::vector<RetrainingCell>& RetrainingCells();

// What a network is retrained with.
struct TrainingFiles {
  std::string images, labels;  // labels empty: none
};

struct RetrainingNetwork {
  AblationNetwork evaluated;
  TrainingFiles training;
};

// Trains the trace under `sets` and writes the trace `output`; the same call goes on where one was
// stopped.
using Train = std::function<void(const RetrainingNetwork& network,
                                 const std::vector<std::string>& sets, const std::string& output)>;

struct RetrainingOptions {
  int count = 0;       // images to evaluate on; 0: all
  std::string folder;  // keeps retrained traces and results: the same call goes on
  // What else the training depends on, for the names of what is kept.
  std::string training;
  WorkOptions work;  // progress counts evaluated images of all cells
};

// One row a network; its cells as RetrainingCells. Everything is compared with the FP32 run of the
// network as it was given. Throws as Ablate, and what `train` does.
std::vector<AblationRow> AblateRetraining(
    const std::vector<RetrainingNetwork>& networks,
    const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve,
    const Train& train, const RetrainingOptions& options);

// A line a cell, columns for each network: top-1 where there are labels, agreement, SQNR.
std::string RetrainingTable(const std::vector<AblationRow>& rows, TableStyle style);
std::string RetrainingCsv(const std::vector<AblationRow>& rows);

}  // namespace nibble::evaluation
