// One line per operator: what `sim compile --dump-passes` prints after each pass.
#pragma once

#include <string>

#include "sw/compiler/operators.h"
#include "sw/trace/network.h"

namespace nibble::compiler {

std::string Listing(const OnnxGraph& graph);  // after "fold": nodes, constants left out
std::string Listing(const Graph& graph);      // after "fuse" and "layout"
std::string LivenessListing(const Graph& graph);
std::string CalibrationListing(const trace::Network& net);

}  // namespace nibble::compiler
