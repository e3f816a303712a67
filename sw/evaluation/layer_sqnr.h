// Where in a network accuracy is lost.
#pragma once

#include <vector>

#include "platforms/design_point.h"
#include "sw/evaluation/dataset.h"
#include "sw/evaluation/evaluate.h"
#include "sw/trace/network.h"

namespace nibble::evaluation {

// SQNR in dB of what a layer computes, before that is stored, against what it computes in FP32;
// means over images.
struct LayerSqnr {
  double alone = 0;       // from inputs of the FP32 run, quantised as they are stored, with its
                          // weights quantised: what this layer adds
  double cumulative = 0;  // from the inputs that the network under the design point has stored
};

// Of every layer of one image, by the golden executor, layer by layer; `executor` is that of the
// same design point.
std::vector<LayerSqnr> LayerSqnrs(const trace::Network& net, const platforms::DesignPoint& design,
                                  Executor& executor, const std::vector<float>& input, int image);

// Means over all images of the dataset.
std::vector<LayerSqnr> MeanLayerSqnrs(const trace::Network& net,
                                      const platforms::DesignPoint& design, const Dataset& dataset,
                                      const WorkOptions& work);

}  // namespace nibble::evaluation
