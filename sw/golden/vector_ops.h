// The FP32 steps that both executors share.
#pragma once

#include <vector>

#include "sw/trace/network.h"

namespace nibble::golden {

// y = activation(y + bias) + residual over all pixels; `residual` may be empty.
void Finish(const trace::Layer& l, const std::vector<float>& bias,
            const std::vector<float>& residual, std::vector<float>& y);

// activation(a + b), element by element.
std::vector<float> Add(const trace::Layer& l, const std::vector<float>& a,
                       const std::vector<float>& b);

// Mean over the pixels of [pixels][channels].
std::vector<float> AveragePool(const std::vector<float>& x, int channels);

}  // namespace nibble::golden
