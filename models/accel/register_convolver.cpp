#include "models/accel/register_convolver.h"

#include <algorithm>
#include <atomic>

#include "models/numerics/parallel.h"

namespace nibble::accel {

namespace {

// Block scales as their bits.
void UnpackScales(numerics::Format format, const uint8_t* bytes, size_t count, int64_t* scales) {
  const int size = numerics::BlockScaleBits(format) / 8;
  for (size_t i = 0; i < count; ++i) scales[i] = numerics::LoadWord(bytes + i * size, size);
}

size_t Blocks(numerics::Format format, int elements, int block) {
  return numerics::HasBlockScale(format)
             ? static_cast<size_t>(numerics::BlockCount(elements, block))
             : 0;
}

}  // namespace

void RegisterConvolver::ResetWeights(uint32_t channels) {
  weights_ = WeightLayoutOf(geometry());
  w_blocks_ = Blocks(weights_.format, static_cast<int>(weights_.segment), weights_.block);
  codes_.assign(size_t{channels} * weights_.segments * weights_.segment, 0);
  scales_.assign(size_t{channels} * weights_.segments * w_blocks_, 0);
}

void RegisterConvolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                                   const uint8_t* scales) {
  const size_t run = size_t{n} * weights_.segments + segment;
  numerics::UnpackCodes(numerics::ElementBits(weights_.format), codes,
                        static_cast<int>(weights_.segment), &codes_[run * weights_.segment]);
  UnpackScales(weights_.format, scales, w_blocks_, scales_.data() + run * w_blocks_);
}

void RegisterConvolver::Decode(const sim::Convolve&, uint32_t rows, const uint8_t* codes,
                               const uint8_t* scales) {
  input_ = InputLayoutOf(geometry());
  a_blocks_ = Blocks(input_.format, input_.channels, input_.block);
  const size_t pixels = size_t{rows} * geometry().in_width;
  a_codes_.resize(pixels * input_.channels);
  a_scales_.resize(pixels * a_blocks_);
  for (size_t p = 0; p < pixels; ++p) {
    numerics::UnpackCodes(numerics::ElementBits(input_.format),
                          codes + p * input_.code_bytes_per_pixel(), input_.channels,
                          &a_codes_[p * input_.channels]);
    UnpackScales(input_.format, scales + p * input_.scale_bytes_per_pixel(), a_blocks_,
                 a_scales_.data() + p * a_blocks_);
  }
}

void RegisterConvolver::Sum(const sim::Convolve& run, float* sums) {
  const int width = geometry().out_width;
  const size_t pixels = size_t{run.out_rows} * width;
  std::atomic<uint64_t> overflows = 0;
  numerics::ParallelFor(pixels, 1, [&](size_t begin, size_t end) {
    numerics::Accumulator accumulator(spec_, std::min(input_.block, weights_.block));
    for (size_t pixel = begin; pixel < end; ++pixel) {
      const int y = run.out_row + static_cast<int>(pixel) / width;
      for (uint32_t n = 0; n < run.channels; ++n) {
        accumulator.Reset();
        AddBlocks(run, n, y, static_cast<int>(pixel) % width, accumulator);
        sums[(n / kAccGroup * pixels + pixel) * kAccGroup + n % kAccGroup] = accumulator.Result();
      }
    }
    overflows += accumulator.overflows();
  });
  overflows_ += overflows;
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
      // A term ends where a block of either operand does.
      const int length = static_cast<int>(weights_.segment),
                first = geometry().groups > 1
                            ? (run.channel + static_cast<int>(n)) / run.group_outputs * length
                            : 0;
      for (int c = 0, count = 0; c < length; c += count) {
        count = std::min({input_.block - (first + c) % input_.block,
                          weights_.block - c % weights_.block, length - c});
        to.AddBlock(Operands(pixel, first + c, n, tap, c, count));
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
    block.a_scale = a_scales_[pixel * a_blocks_ + c / input_.block];
  }
  block.weights = weights_.format;
  block.w = &codes_[run * weights_.segment + k];
  if (!scales_.empty()) block.w_scale = scales_[run * w_blocks_ + k / weights_.block];
  block.count = count;
  return block;
}

}  // namespace nibble::accel
