// NVFP4 weights of a layer as any profile quantises them, or as they were quantised elsewhere.
#pragma once

#include "models/numerics/profiles.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {

// A tensor whose rows are runs of the reduction axis, [rows * segments][segment], as the weights of
// a layer; its format must be kNvfp4.
QuantizedWeights WeightsOf(const BlockTensor& tensor, int segments);

// Throws std::invalid_argument where the datapath asks for a scale per output channel and its
// weights have no FP32 scale: by their format, their profile, or scale source kNone.
void CheckWeightScale(const Datapath& datapath);

// `x` is [rows][segments][segment]; blocks start anew at each run. The profile's tensor scale is
// the layer's, or, for `scale` kChannel, each output channel a tensor of its own. Where the
// profile's tensor scale is not a positive number, as the decode forms have it for zeros alone,
// profile kNv takes its place, under which they have values.
QuantizedWeights QuantizeWeightsByProfile(const float* x, int rows, int segments, int segment,
                                          int block, Profile profile,
                                          WeightScale scale = WeightScale::kTensor);

}  // namespace nibble::numerics
