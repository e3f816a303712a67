// Bias correction: what quantisation adds to the mean of a layer's outputs is taken off its biases
// (Nagel et al. 2019, arXiv 1906.04721, section 4.2, with measured means).
#pragma once

#include <functional>
#include <vector>

#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::posttraining {

// Of the mean errors of a layer's output channels before its activation, over pixels and inputs.
struct BiasChange {
  int layer = 0;
  double error_rms = 0;   // over channels: what was taken off
  double output_rms = 0;  // of the FP32 outputs, in the same place
};

enum class BiasLayers {
  kSpatial,  // those of more than one output pixel
  // And those behind the pooling, whose means are of one value an input: of few inputs these tell
  // the inputs' classes, and the correction adds them to every output.
  kAll,
};

// Layer by layer, over all inputs: the quantised network, with the layers before corrected already,
// runs beside the FP32 one, and the mean difference (FP32 - quantised) of each channel's dot
// product becomes its bias correction, in place of one that is there. One pass, since later layers
// do not change earlier ones. Sums are in double; the results do not depend on the number of
// threads. Keeps the live tensors of all inputs in memory. progress(done, total): called after each
// layer. Throws std::invalid_argument without inputs.
std::vector<BiasChange> CorrectBias(trace::Network& net, const golden::Datapaths& datapaths,
                                    const std::vector<std::vector<float>>& inputs,
                                    BiasLayers layers,
                                    const std::function<void(int, int)>& progress = {});

}  // namespace nibble::posttraining
