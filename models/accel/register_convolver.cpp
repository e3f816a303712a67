#include "models/accel/register_convolver.h"

#include <algorithm>
#include <atomic>

#include "models/numerics/parallel.h"

namespace nibble::accel {

void RegisterConvolver::ResetWeights(uint32_t channels) {
  tile_.ResetWeights(geometry(), channels);
}

void RegisterConvolver::SetWeights(uint32_t n, uint32_t segment, const uint8_t* codes,
                                   const uint8_t* scales) {
  tile_.SetWeights(n, segment, codes, scales);
}

void RegisterConvolver::Decode(const sim::Convolve&, uint32_t rows, const uint8_t* codes,
                               const uint8_t* scales) {
  tile_.SetActivations(geometry(), {first_row(), first_row() + static_cast<int>(rows)}, codes,
                       scales);
}

void RegisterConvolver::Sum(const sim::Convolve& run, float* sums) {
  const int width = geometry().out_width;
  const size_t pixels = size_t{run.out_rows} * width;
  std::atomic<uint64_t> overflows = 0;
  numerics::ParallelFor(pixels, 1, [&](size_t begin, size_t end) {
    numerics::Accumulator accumulator(spec_, tile_.term());
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
  const int a_block = tile_.input().block, w_block = tile_.weights().block;
  const int length = static_cast<int>(tile_.weights().segment);
  const int first =  // channel of the group
      g.groups > 1 ? (run.channel + static_cast<int>(n)) / run.group_outputs * length : 0;
  for (int ky = 0; ky < g.kernel_h; ++ky) {
    for (int kx = 0; kx < g.kernel_w; ++kx) {
      const ptrdiff_t under = tile_.PixelUnder(out_y, out_x, ky, kx);
      if (under == UnpackedTile::kPadding) continue;  // adds nothing
      const auto pixel = static_cast<size_t>(under);
      const int tap = ky * g.kernel_w + kx;
      if (g.depthwise) {
        to.AddBlock(Operands(pixel, static_cast<int>(run.channel + n), n, 0, tap, 1));
        continue;
      }
      // A term ends where a block of either operand does.
      for (int c = 0, count = 0; c < length; c += count) {
        count = std::min({a_block - (first + c) % a_block, w_block - c % w_block, length - c});
        to.AddBlock(Operands(pixel, first + c, n, tap, c, count));
      }
    }
  }
}

numerics::OperandBlock RegisterConvolver::Operands(size_t pixel, int c, uint32_t n, int segment,
                                                   int k, int count) const {
  const auto run = static_cast<uint32_t>(segment);
  numerics::OperandBlock block;
  block.activations = tile_.input().format;
  block.a = tile_.Activations(pixel) + c;
  block.a_scale = tile_.ActivationScale(pixel, c);
  block.weights = tile_.weights().format;
  block.w = tile_.Weights(n, run) + k;
  block.w_scale = tile_.WeightScale(n, run, k);
  block.count = count;
  block.multiplier = multiplier_;
  return block;
}

}  // namespace nibble::accel
