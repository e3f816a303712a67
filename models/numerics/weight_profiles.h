// NVFP4 weights of a layer as any profile quantises them, or as they were quantised elsewhere.
#pragma once

#include "models/numerics/profiles.h"
#include "models/numerics/quantize.h"

namespace nibble::numerics {

// A tensor whose rows are runs of the reduction axis, [rows * segments][segment], as the weights of
// a layer; its format must be kNvfp4.
QuantizedWeights WeightsOf(const BlockTensor& tensor, int segments);

// `x` is [rows][segments][segment]: one tensor scale for the layer, blocks start anew at each run.
// Where the profile's tensor scale is not a positive number, as the decode forms have it for a
// layer of zeros, profile kNv takes its place, under which such a layer has values.
QuantizedWeights QuantizeWeightsByProfile(const float* x, int rows, int segments, int segment,
                                          int block, Profile profile);

}  // namespace nibble::numerics
