// Pass "fuse": fewer operators, each of which a layer of a Network can be. The order stays: an
// operator stands behind those that it reads from.
#pragma once

#include "sw/compiler/operators.h"

namespace nibble::compiler {

// All of the following, in this order.
void Fuse(Graph& graph);

// Activations that exporters take apart, where nothing else reads the parts:
//   clip(x + 3, 0, 6) / 6, or * 1/6     hardsigmoid(x)
//   x * clip(x + 3, 0, 6) / 6           hardswish(x), in either order of the factors
//   x * hardsigmoid(x)                  hardswish(x), where the slope is 1/6 and the offset 1/2
//   x * sigmoid(x)                      silu(x)
//   x * (1 + erf(x / sqrt(2))) / 2      gelu(x), the half in any place
void RecogniseActivations(Graph& graph);

// d / sqrt(mean(d^2) + epsilon), d = x - mean(x), along the last axis, is a layer normalization.
void RecogniseNormalizations(Graph& graph);

// Throws trace::FileError that names a part of neither, which nothing computes.
void RefuseParts(const Graph& graph);

// One factor for a whole operand or result of a matrix product goes into its scale.
void FoldFactors(Graph& graph);

// Scales and shifts go into the weights and biases of the layer or layer normalization that they
// follow, in double,
// rounded once. Where there is none, they become a depthwise convolution of one tap.
void FoldScaleShifts(Graph& graph);

// Activations go into the convolution, fully connected layer, addition or multiplication that they
// follow, where nothing else reads it and it has none.
void FuseActivations(Graph& graph);

// Also after "layout", where there are no reshapes between the two. An addition that is not
// activated itself goes, as a residual, into the layer without activation of which it is the only
// reader; of two such layers into the later.
void FuseResiduals(Graph& graph);

}  // namespace nibble::compiler
