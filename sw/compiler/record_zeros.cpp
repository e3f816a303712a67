// Shares of zeros under the default datapath, for runs that compute no bits.
#include <algorithm>

#include "models/numerics/density.h"
#include "models/numerics/packing.h"
#include "sw/compiler/compiler.h"
#include "sw/golden/golden.h"
#include "sw/golden/taps.h"
#include "sw/golden/weights.h"

namespace nibble::compiler {
namespace {

using numerics::Format;
using numerics::OperandMask;

float Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0
                    : static_cast<float>(static_cast<double>(part) / static_cast<double>(whole));
}

// Rows of codes, with block scales of one byte.
struct Rows {
  int length = 0, block = 0;
  std::vector<uint16_t> codes;
  std::vector<uint8_t> scales;

  int rows() const { return static_cast<int>(codes.size()) / length; }
  uint64_t Zeros() const {
    uint64_t zeros = 0;
    for (int row = 0; row < rows(); ++row) {
      zeros += numerics::CountZeroCodes(Format::kNvfp4, &codes[size_t(row) * length], length);
    }
    return zeros;
  }
  // Masks of every `term` elements, [row][terms].
  std::vector<OperandMask> Masks(int term) const {
    std::vector<OperandMask> masks;
    for (int row = 0; row < rows(); ++row) {
      for (int k = 0; k < length; k += term) {
        const size_t scale = static_cast<size_t>(row) * numerics::BlockCount(length, block) +
                             static_cast<size_t>(k / block);
        masks.push_back(numerics::MaskOf(Format::kNvfp4, &codes[size_t(row) * length + k],
                                         scales[scale], std::min(term, length - k)));
      }
    }
    return masks;
  }
};

Rows Unpack(const numerics::StoredActivations& stored) {
  const numerics::ActivationLayout& layout = stored.layout;
  Rows rows{layout.channels, layout.block, {}, stored.scales};
  rows.codes.resize(static_cast<size_t>(layout.pixels) * layout.channels);
  for (int p = 0; p < layout.pixels; ++p) {
    numerics::UnpackCodes(numerics::ElementBits(layout.format),
                          &stored.codes[size_t{layout.code_bytes_per_pixel()} * p], layout.channels,
                          &rows.codes[size_t(p) * layout.channels]);
  }
  return rows;
}

Rows Unpack(const numerics::QuantizedWeights& w) {
  Rows rows{w.segment, w.block, {w.codes.begin(), w.codes.end()}, {}};
  for (const auto scale : w.scales) rows.scales.push_back(static_cast<uint8_t>(scale));
  return rows;
}

// Share of the terms of a layer that are zero, taps on padding left out.
float ZeroBlocks(const trace::Network& net, const trace::Layer& l, const Rows& activations,
                 const Rows& weights) {
  const trace::Shape& in = net.tensors[l.input].shape;
  const trace::Shape& out = net.tensors[l.output].shape;
  const bool depthwise = l.op == trace::Op::kDepthwiseConv;
  const int term = depthwise ? 1 : activations.block;
  const int terms = (in.channels + term - 1) / term;  // of a pixel; depthwise: its channels
  const int taps = l.kernel_h * l.kernel_w;
  const std::vector<OperandMask> a = activations.Masks(term), w = weights.Masks(term);
  numerics::ZeroCounts zeros;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      golden::ForEachTap(l, in, y, x, [&](int tap, int pixel) {
        const OperandMask* pixel_masks = &a[static_cast<size_t>(pixel) * terms];
        for (int n = 0; n < out.channels; ++n) {
          if (depthwise) {
            zeros += numerics::CountZeros(pixel_masks[n], w[static_cast<size_t>(n) * taps + tap]);
            continue;
          }
          const OperandMask* run = &w[(static_cast<size_t>(n) * taps + tap) * terms];
          for (int t = 0; t < terms; ++t) zeros += numerics::CountZeros(pixel_masks[t], run[t]);
        }
      });
    }
  }
  return Share(zeros.zero_blocks, zeros.blocks);
}

}  // namespace

void RecordZeros(trace::Network& net, const std::vector<float>& input) {
  const numerics::Datapath datapath;
  const golden::Execution execution = golden::Run(net, datapath, input);
  std::vector<Rows> tensors(net.tensors.size());
  for (size_t t = 0; t < tensors.size(); ++t) {
    if (static_cast<int>(t) == net.output) continue;  // stored in FP32, read by no layer
    tensors[t] = Unpack(execution.tensors[t]);
    net.tensors[t].zeros = Share(tensors[t].Zeros(), tensors[t].codes.size());
  }
  for (trace::Layer& l : net.layers) {
    if (!l.has_products() || l.groups != 1) continue;  // machines count none of groups
    const Rows weights = l.op == trace::Op::kMatMul
                             ? tensors[l.residual]
                             : Unpack(golden::QuantizeLayer(net, l, datapath));
    l.zeros = {Share(weights.Zeros(), weights.codes.size()),
               ZeroBlocks(net, l, tensors[l.input], weights)};
  }
}

}  // namespace nibble::compiler
