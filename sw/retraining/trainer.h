// The training loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sw/golden/datapaths.h"
#include "sw/retraining/model.h"
#include "sw/retraining/parameters.h"
#include "sw/retraining/settings.h"
#include "sw/retraining/state.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

struct TrainingSet {
  std::vector<std::vector<float>> images;  // inputs of the network
  std::vector<int> labels;                 // one an image, or empty
};

class Trainer {
 public:
  // Throws trace::FileError where fewer than two images are there or a layer cannot be retrained,
  // std::invalid_argument where a layer that is to be kept is none with weights.
  Trainer(const trace::Network& parent, const golden::Datapaths& datapaths, TrainingSet set,
          const Settings& settings);

  // Before the first step: parameters of another network of the same layers, one that was retrained
  // already, say; but for the layers that are kept. Throws trace::FileError where it has others.
  void Start(const trace::Network& net);

  const State& state() const { return state_; }
  void SetState(const State& state);  // of a training with the same parent, images and settings

  // Steps up to the next look. False where training has ended. progress(steps done, steps in all).
  bool Advance(const std::function<void(size_t, size_t)>& progress);

  // Of the images held back, by block: its output's tensor, and its relative squared error
  // (Model::BlockErrors) as training stands. Without such images, of the first.
  std::vector<std::pair<int, double>> BlockErrors();

  // The best state as training computes it, beside golden's own bits, on the first images held back
  // (or of all): sums in another order flip codes here and there.
  struct Difference {
    int images = 0, same_class = 0;
    double relative = 0;  // root mean square of the outputs' difference over that of the outputs
  };
  Difference FromGolden(int images);

  // The best state as a network; what is stored of it is exactly what was looked at.
  trace::Network Best() const;

 private:
  void TakeStep();
  void TakeLook();
  int64_t BlockSteps() const;  // of all blocks
  double BlockRate(int block) const;
  Objective ObjectiveOf(int block) const;
  void TakeSizes();

  Settings settings_;
  TrainingSet set_;
  std::vector<int> training_, held_back_;  // images
  const golden::Datapaths& datapaths_;
  trace::Network parent_, student_;
  std::vector<bool> keep_;  // by layer
  Parameters sizes_;
  State state_;
  Losses since_look_;
  Model model_;
};

}  // namespace nibble::retraining
