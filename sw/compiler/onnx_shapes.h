// Dimensions of what ONNX nodes compute.
#pragma once

#include <optional>
#include <vector>

#include "sw/compiler/onnx_graph.h"

namespace nibble::compiler {

// One entry an output; nothing for an operator that is not known here, and where the dimensions of
// an input are not known. Throws trace::FileError that names the node for inputs that do not fit.
std::optional<std::vector<Dims>> InferDims(const OnnxGraph& graph, const OnnxNode& node);

}  // namespace nibble::compiler
