// Pass "layout": from ONNX's [1][channels][height][width] to [height][width][channels].
#pragma once

#include "sw/compiler/operators.h"

namespace nibble::compiler {

// Sets graph.shapes. Reshapes and transpositions vanish where they say only in what order elements
// are counted: around a fully connected layer (which becomes a convolution that covers the map
// where it has more than one pixel), from a pooled map to a vector and back. Reshape, Transpose,
// Reshape that shuffle channels become one kShuffle. The factor of one pixel of a kMultiply becomes
// its second operand. Throws trace::FileError that names the node where elements would have to move
// in any other way.
void Layout(Graph& graph);

}  // namespace nibble::compiler
