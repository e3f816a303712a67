// The weights of a layer as a datapath takes them: the one place where they are quantised, for the
// golden executor and for lowering alike.
#pragma once

#include "models/numerics/datapath.h"
#include "models/numerics/quantize.h"
#include "sw/trace/network.h"

namespace nibble::golden {

// Of a layer that has weights.
numerics::QuantizedWeights QuantizeLayer(const trace::Network& net, const trace::Layer& layer,
                                         const numerics::Datapath& datapath);

}  // namespace nibble::golden
