// Mixed precision found by measurement: which slots of a network may have how few bits.
//
// 1. Every choice of every slot is tried alone in an otherwise exact network (emulator.h): what
//    error does it add to the output?
// 2. From all slots at their most exact choice on, the move that adds the least error per bit (or
//    picojoule) saved is made, again and again: the walk. Its points make the front.
// 3. At the budget's limit the errors are measured anew, now in the quantised network, where they
//    are no longer independent, and the walk is repeated with them, as long as that helps.
// 4. Points of the front are run on the machine, on images other than those measured with.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sw/evaluation/dataset.h"
#include "sw/evaluation/emulator.h"
#include "sw/evaluation/evaluate.h"
#include "sw/evaluation/precision.h"
#include "sw/evaluation/walk.h"

namespace nibble::evaluation {

// Mean over the images of Emulator::Run, which it is called for in processes. `fp32`: outputs by
// image.
Emulator::Errors MeanErrors(Emulator& emulator, const Dataset& dataset,
                            const std::vector<std::vector<float>>& fp32,
                            const Assignment& assignment, bool with_changes,
                            const WorkOptions& work);

struct FrontPoint {
  Assignment assignment;
  platforms::DesignPoint design;
  Cost cost;         // of the machine
  Summary measured;  // on the images that the choice was made with
  Summary checked;   // on others
  bool chosen = false;
};

struct TuneOptions {
  Budget budget = Budget::kBits;
  std::optional<double> limit;             // Budget's
  std::optional<double> target_agreement;  // 0 to 1, on the measured images
  int points = 8;                          // of the walk that run on the machine
  int rounds = 3;                          // at most, of step 3
  // Keeps each point of the front: N.cfg, N.measured.results and N.checked.results, N from 1;
  // empty: nothing. `trace_hash` is that of the trace's file (trace::FileHash).
  std::string folder, trace_hash;
  WorkOptions work;
  std::function<void(const std::string& what)> phase;  // called when a part of the work begins
};

// The front, most exact point first, of the points of the walk and, with a limit, the refined one.
// That is chosen; without a limit the cheapest that reaches the target, or else the most exact of
// all. Throws std::invalid_argument where the limit cannot be kept, and as Evaluate.
std::vector<FrontPoint> Tune(const trace::Network& net, const Dataset& measure,
                             const Dataset& check, const PrecisionSpace& space,
                             const Resolver& resolve, const TuneOptions& options);

}  // namespace nibble::evaluation
