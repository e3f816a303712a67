// The FP32 steps that both executors share: what follows the dot products of a layer, and the
// operators without weights.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::golden {

// Activate or ActivateExactly (golden.h).
using ActivationFunction = float (*)(const trace::Activation&, float);

// y = activation(y + bias) + residual over all pixels; `residual` may be empty.
void Finish(const trace::Layer& l, ActivationFunction activate, const std::vector<float>& bias,
            const std::vector<float>& residual, std::vector<float>& y);

// What a layer without weights makes of its operands (trace::TensorsRead, in that order), each
// [pixels][channels].
std::vector<float> VectorOperator(const trace::Network& net, const trace::Layer& l,
                                  ActivationFunction activate,
                                  const std::vector<const std::vector<float>*>& operands);

}  // namespace nibble::golden
