// Which tensors are stored in strips of pixels (numerics::ActivationLayout).
#pragma once

#include "sw/golden/datapaths.h"

namespace nibble::golden {

// Sets the layouts of tensors that depthwise layers read in strips (numerics::DepthwiseBlocks).
// Only the requantiser behind sums of products makes strips, and only the depthwise path of a
// tensor unit reads them. Throws std::invalid_argument that names the layer where such a tensor has
// another reader or writer, or where it has no block scales, a dynamic tensor scale or stochastic
// rounding.
void PlaceStrips(const trace::Network& net, Datapaths& datapaths);

}  // namespace nibble::golden
