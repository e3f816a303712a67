// The operators of a network on LibTorch, [images][height][width][channels] throughout, so that the
// channels of a pixel, which share block scales, lie side by side.
#pragma once

#include <torch/types.h>

#include "sw/retraining/stored_values.h"
#include "sw/trace/network.h"

namespace nibble::retraining {

// activation(x + bias) + residual, as it is stored: what follows the sums of a layer, and any other
// operator whose result is stored.
struct Epilogue {
  trace::Activation activation;
  const StoredTensor* stored = nullptr;  // null: FP32
};
// `bias` (one a channel) and `residual` (as x) may be undefined. Backward: straight through the
// quantiser, but 0 where an element saturates; through the activation by its derivative. `range`,
// a tensor of the one static range, may be undefined; its gradient is that of the saturated
// elements, which lie at the end of the range, and where the range sets the grid's step that of the
// rounding errors too (LSQ, Esser et al. 2020, arXiv 1902.08153).
torch::Tensor Finish(const torch::Tensor& x, const torch::Tensor& bias,
                     const torch::Tensor& residual, const torch::Tensor& range,
                     const Epilogue& epilogue);

// The sums of products of a convolution, depthwise convolution or fully connected layer; weights
// [out][kernel_h][kernel_w][in / groups], depthwise [channels][kernel_h * kernel_w].
torch::Tensor Products(const trace::Layer& l, const torch::Tensor& x, const torch::Tensor& weights);

torch::Tensor MaxPool(const trace::Layer& l, const torch::Tensor& x);
// Of a window without dilation.
torch::Tensor AveragePool(const trace::Layer& l, const torch::Tensor& x);

}  // namespace nibble::retraining
