#include "models/accel/register_convolver.h"

#include <algorithm>

namespace nibble::accel {

void RegisterConvolver::ResetWeights(uint32_t channels) {
  weights_ = WeightLayoutOf(geometry());
  codes_.assign(size_t{channels} * weights_.segments * weights_.segment, 0);
  scales_.assign(size_t{channels} * weights_.segments * weights_.scale_bytes(), 0);
}

void RegisterConvolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                                   const uint8_t* scales) {
  const size_t run = size_t{n} * weights_.segments + segment;
  uint16_t* to = &codes_[run * weights_.segment];
  const int bits = numerics::ElementBits(weights_.format);
  for (uint32_t k = 0; k < weights_.segment; ++k) {
    if (bits == 4) {
      to[k] = codes[k / 2] >> (k % 2 * 4) & 15;
    } else if (bits == 8) {
      to[k] = codes[k];
    } else {
      to[k] = static_cast<uint16_t>(codes[2 * k] | codes[2 * k + 1] << 8);
    }
  }
  std::copy_n(scales, weights_.scale_bytes(), scales_.data() + run * weights_.scale_bytes());
}

void RegisterConvolver::Decode(const sim::Convolve&, uint32_t rows, const uint8_t* codes,
                               const uint8_t* scales) {
  input_ = InputLayoutOf(geometry());
  const size_t pixels = size_t{rows} * geometry().in_width;
  a_codes_.resize(pixels * input_.channels);
  for (size_t p = 0; p < pixels; ++p) {
    numerics::UnpackCodes(codes + p * input_.code_bytes_per_pixel(), input_.channels,
                          &a_codes_[p * input_.channels]);
  }
  a_scales_.assign(scales, scales + pixels * input_.scale_bytes_per_pixel());
}

void RegisterConvolver::Sum(const sim::Convolve& run, float* sums) {
  numerics::Accumulator accumulator(spec_, geometry().block);
  const int width = geometry().out_width;
  const size_t pixels = size_t{run.out_rows} * width;
  for (size_t pixel = 0; pixel < pixels; ++pixel) {
    const int y = run.out_row + static_cast<int>(pixel) / width;
    for (uint32_t n = 0; n < run.channels; ++n) {
      accumulator.Reset();
      AddBlocks(run, n, y, static_cast<int>(pixel) % width, accumulator);
      sums[(n / kAccGroup * pixels + pixel) * kAccGroup + n % kAccGroup] = accumulator.Result();
    }
  }
  overflows_ += accumulator.overflows();
}

void RegisterConvolver::AddBlocks(const sim::Convolve& run, uint32_t n, int out_y, int out_x,
                                  numerics::Accumulator& to) const {
  const sim::Geometry& g = geometry();
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    const int y = out_y * g.stride_h - g.pad_top + ky * g.dilation_h;
    if (y < 0 || y >= g.in_height) continue;  // padding adds nothing
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      const int x = out_x * g.stride_w - g.pad_left + kx * g.dilation_w;
      if (x < 0 || x >= g.in_width) continue;
      const size_t pixel = static_cast<size_t>(y - first_row()) * g.in_width + x;
      const int tap = ky * g.kernel_w + kx;
      if (g.depthwise) {
        to.AddBlock(Operands(pixel, static_cast<int>(run.channel + n), n, 0, tap, 1));
        continue;
      }
      for (int c = 0; c < input_.channels; c += input_.block) {
        to.AddBlock(Operands(pixel, c, n, tap, c, std::min(input_.block, input_.channels - c)));
      }
    }
  }
}

numerics::OperandBlock RegisterConvolver::Operands(size_t pixel, int c, uint32_t n, int segment,
                                                   int k, int count) const {
  const size_t run = size_t{n} * weights_.segments + static_cast<size_t>(segment);
  numerics::OperandBlock block;
  block.activations = input_.format;
  block.a = &a_codes_[pixel * input_.channels + c];
  if (!a_scales_.empty()) {
    block.a_scale = a_scales_[pixel * input_.scale_bytes_per_pixel() + c / input_.block];
  }
  block.weights = weights_.format;
  block.w = &codes_[run * weights_.segment + k];
  if (!scales_.empty()) block.w_scale = scales_[run * weights_.scale_bytes() + k / weights_.block];
  block.count = count;
  return block;
}

}  // namespace nibble::accel
