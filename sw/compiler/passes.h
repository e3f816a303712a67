// Rewrites of a list of operators. Each keeps the order: an operator stays behind those that it
// reads from.
#pragma once

#include <string>
#include <vector>

#include "sw/compiler/operators.h"

namespace nibble::compiler {

// Scales and shifts go into the weights and biases of the layer that they follow, in double,
// rounded once.
void FoldScaleShift(std::vector<Operator>& operators, const std::string& output);

// Activations go into the convolution, fully connected layer or addition that they follow.
void FuseActivations(std::vector<Operator>& operators, const std::string& output);

// An addition that is not activated itself goes, as a residual, into the layer without activation
// of which it is the only reader; of two such layers into the later.
void FuseResiduals(std::vector<Operator>& operators, const std::string& output);

}  // namespace nibble::compiler
