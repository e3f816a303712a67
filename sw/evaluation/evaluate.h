// A network under a design point, image by image, against its FP32 run.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/sim_core/program.h"
#include "platforms/design_point.h"
#include "platforms/machine.h"
#include "sw/evaluation/dataset.h"
#include "sw/evaluation/result.h"
#include "sw/evaluation/results_file.h"
#include "sw/golden/golden.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

// What computes the bits: the machine of the design point, or the reference executor, which comes
// to the same bits in a way of its own, more slowly.
enum class Engine { kMachine, kGolden };

// Runs images through one network under one design point; both outlive it. What does not depend on
// the image is done once: lowering, with the weights' quantisation, for the machine.
class Executor {
 public:
  // Throws lowering::LoweringError, or std::invalid_argument where the datapath does not fit the
  // network.
  Executor(const trace::Network& net, const platforms::DesignPoint& design, Engine engine);
  // Every tensor as it is stored. `image` numbers the run (platforms::RunOptions::run).
  golden::Execution Run(const std::vector<float>& input, int image,
                        const std::atomic<bool>* stop = nullptr);

 private:
  const trace::Network& net_;
  const platforms::DesignPoint& design_;
  std::optional<sim::Program> program_;         // of the machine
  std::optional<golden::Datapaths> datapaths_;  // of golden
};

// Tensor `index` as the machine left it in memory.
numerics::StoredActivations StoredTensor(const sim::Program& program,
                                         const platforms::ProgramOutcome& outcome, int index);

// What one inference costs on a machine, without the bits: a run of its timing alone, for which
// energy that depends on zeros comes from the shares that the trace records.
struct Cost {
  uint64_t cycles = 0;
  double energy_pj = 0;
  double bits_per_activation = 0, bits_per_weight = 0;  // as stored (docs/results.md)
};
Cost MeasureCost(const trace::Network& net, const platforms::DesignPoint& design);

// What Evaluate compares with FP32: the network's output, or what every layer stores, too.
enum class Scope { kOutput, kEveryLayer };

// For a results file: hashes of the trace's file, of what the design point is made of and of the
// images, and the scope.
Identity IdentityOf(const std::string& trace_hash, const platforms::DesignPoint& design,
                    Engine engine, const Dataset& dataset, Scope scope);

struct WorkOptions {
  int jobs = 1;  // processes
  // Called with (images done, images in all) when one is done.
  std::function<void(size_t, size_t)> progress;
  const std::atomic<bool>* stop = nullptr;  // throws platforms::Interrupted soon after it is set
};

// FP32 outputs of images [first, dataset.count()), by image; empty before `first`.
std::vector<std::vector<float>> Fp32Outputs(const trace::Network& net, const Dataset& dataset,
                                            int first, const WorkOptions& work);

// Adds the images that `file` lacks to it, in order, and returns the results of all of the
// dataset's. With `fp32` outputs given by image the scope is kOutput; without, FP32 runs for each
// image and the scope is kEveryLayer. The file holds the same bytes for any number of jobs. Throws
// as Executor, ForEachInProcesses and ResultsFile.
std::vector<ImageResult> Evaluate(const trace::Network& net, const platforms::DesignPoint& design,
                                  Engine engine, const Dataset& dataset,
                                  const std::vector<std::vector<float>>* fp32, ResultsFile& file,
                                  const WorkOptions& work);

}  // namespace nibble::evaluation
