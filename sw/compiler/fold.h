// Pass "fold": what is constant is computed, and dimensions are found for all that is not.
#pragma once

#include "sw/compiler/onnx_graph.h"

namespace nibble::compiler {

// Drops nodes that the output does not depend on; then, node by node in their order, replaces those
// of constants by constants - the arithmetic on shapes with which exporters write a Reshape or a
// Slice: Shape, Gather, Slice, Concat, Unsqueeze, Squeeze, Reshape, Transpose, Cast, Add, Sub, Mul,
// Div - and infers the dimensions of the others. Throws trace::FileError that names the node.
void Fold(OnnxGraph& graph);

}  // namespace nibble::compiler
