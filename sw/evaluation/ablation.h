// The tables of the study: one design choice varied, everything else held, over several networks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platforms/design_point.h"
#include "sw/evaluation/dataset.h"
#include "sw/evaluation/evaluate.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

// One value of the choice: parameters as --set takes them.
struct Cell {
  std::string name;  // a heading, and part of the names of files
  std::vector<std::string> sets;
};

struct Study {
  std::string name;
  std::string varies;  // one line
  std::vector<Cell> cells;
};

// "block", "weights", "scaling", "formats".
const std::vector<Study>& Studies();
// Throws std::invalid_argument naming the known ones.
const Study& FindStudy(const std::string& name);

struct AblationNetwork {
  std::string trace_path;
  DatasetFiles files;
};

struct CellResult {
  std::string refused;  // why the platform does not run it; empty: it does
  platforms::DesignPoint design;
  Summary summary;
  Cost cost;
};

struct AblationRow {
  std::string network;
  int images = 0;
  std::vector<CellResult> cells;  // as in the study
};

struct AblationOptions {
  int count = 0;  // images of each network; 0: all
  // Keeps each cell's NETWORK.STUDY.CELL.cfg, and NETWORK.HASH.results of what that comes to;
  // empty: nothing.
  std::string folder;
  WorkOptions work;  // progress counts images of all cells, those of FP32 among them
};

// `resolve` makes a design point of further sets. Cells that the platform refuses are found before
// anything runs. Throws trace::FileError for bad files, and as Evaluate.
std::vector<AblationRow> Ablate(
    const Study& study, const std::vector<AblationNetwork>& networks,
    const std::function<platforms::DesignPoint(const std::vector<std::string>&)>& resolve,
    const AblationOptions& options);

// Stored bits of one of `n` activations in a row under a datapath: element, its part of a block
// scale, its part of the tensor scale; 4 + 8 / B + 32 / n for NVFP4 where B divides n.
double BitsPerInput(const numerics::Datapath& datapath, int n);

}  // namespace nibble::evaluation
