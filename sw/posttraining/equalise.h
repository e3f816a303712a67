// Cross-layer equalisation: factors on channels between layers, which leave what a network computes
// as it is and make the channels that share a block or a scale more alike (Nagel et al. 2019,
// "Data-Free Quantization through Weight Equalization and Bias Correction", arXiv 1906.04721,
// section 4.1; activations by their measured magnitude as in Xiao et al. 2023, "SmoothQuant",
// arXiv 2211.10438, section 4).
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::posttraining {

// What the FP32 executor sees of each channel of each tensor, [tensor][channel].
struct ChannelStatistics {
  std::vector<std::vector<double>> squares;  // summed over pixels and inputs
  std::vector<std::vector<float>> amax;

  void Add(const trace::Network& net, const std::vector<std::vector<float>>& tensors);
};

struct Equalisation {
  struct Group {
    std::vector<int> tensors;  // have the same factors, since they are added or pooled
    int channels = 0;          // with a factor other than 1
    int least = 0, most = 0;   // of the factors, as powers of two
  };
  std::vector<Group> groups;  // of which a channel has such a factor
  // Channels behind a clip whose factor holds only where no value exceeds the largest one seen.
  int bounded_channels = 0;
};

// Multiplies each channel of a tensor by a power of two, and divides the weights that read it by
// the same: FP32 results are the same bits, short of overflow and subnormal numbers. The factor
// evens out root mean squares r of the channels: where only depthwise layers read, each of whose
// channels has weights of its own, f = max r / r; elsewhere f = sqrt(w / r), w the largest weight
// that reads the channel in units of its layer's largest. Factors are 2^-8 to 2^8.
//
// Through additions, pooling and Relu, which commute with a positive factor. Through a clip at 0
// and an upper bound (Relu6) only with `through_clips`, and only on channels that did not reach the
// bound: f * largest value <= bound. All other tensors are left as they are: the input, the output,
// constants, those behind other activations, what layers with imported codes read and write, and
// all that other operators do. Tensors' amax follow; layers with a factor are no longer synthetic.
Equalisation Equalise(trace::Network& net, const ChannelStatistics& seen, bool through_clips);

}  // namespace nibble::posttraining
