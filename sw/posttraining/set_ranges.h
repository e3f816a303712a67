// Ranges of static tensor scales, chosen anew for the formats in which tensors are stored.
#pragma once

#include <optional>
#include <vector>

#include "sw/compiler/ranges.h"
#include "sw/golden/datapaths.h"
#include "sw/trace/network.h"

namespace nibble::posttraining {

struct RangeChange {
  int tensor = 0;
  float before = 0, after = 0;
};

// Sets each tensor's amax from the histogram of what the FP32 executor saw of it, by `choice`; by
// squared error in the tensor's own format where there is no choice: formats with block scales, or
// without any, keep the largest magnitude, for their large values would be cut and no other gain.
// Returns the tensors whose amax changed.
std::vector<RangeChange> SetRanges(trace::Network& net, const golden::Datapaths& datapaths,
                                   const std::vector<compiler::MagnitudeHistogram>& seen,
                                   const std::optional<compiler::RangeChoice>& choice);

}  // namespace nibble::posttraining
