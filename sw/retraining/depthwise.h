// Depthwise convolution and its gradients over channels that lie side by side: LibTorch's own is
// made for planes, and reorders the tensors back and forth.
#pragma once

namespace nibble::retraining {

struct DepthwiseShape {
  int images = 1;
  int height = 0, width = 0, channels = 0;
  int out_height = 0, out_width = 0;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0;
};

// x [images][height][width][channels], taps [kernel_h * kernel_w][channels], y likewise with the
// output's sides. Each sum goes through the taps in ascending order.
void DepthwiseForward(const DepthwiseShape& shape, const float* x, const float* taps, float* y);
// Adds the gradients to `of_x` and `of_taps`; `g` is that of y.
void DepthwiseBackward(const DepthwiseShape& shape, const float* x, const float* taps,
                       const float* g, float* of_x, float* of_taps);

}  // namespace nibble::retraining
