// The FP32 steps that both executors share: what follows the dot products of a layer, and the
// operators without weights.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::golden {

// Functions as the datapath has them, or exact.
struct Functions {
  float (*activate)(const trace::Activation&, float);  // golden.h
  // models/numerics/row_functions.h
  void (*softmax)(const float* x, int count, float* y);
  void (*layer_norm)(const float* x, int count, float epsilon, const float* gamma,
                     const float* beta, float* y);
};
extern const Functions kDatapathFunctions, kExactFunctions;

// y = activation(y + bias) + residual over all pixels; `residual` may be empty.
void Finish(const trace::Layer& l, const Functions& functions, const std::vector<float>& bias,
            const std::vector<float>& residual, std::vector<float>& y);

// What a layer without dot products makes of its operands (trace::TensorsRead, in that order), each
// [pixels][channels].
std::vector<float> VectorOperator(const trace::Network& net, const trace::Layer& l,
                                  const Functions& functions,
                                  const std::vector<const std::vector<float>*>& operands);

}  // namespace nibble::golden
