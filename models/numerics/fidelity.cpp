#include "models/numerics/fidelity.h"

#include <algorithm>
#include <cmath>

#include "models/numerics/elements.h"
#include "models/numerics/packing.h"

namespace nibble::numerics {
namespace {

// Elements that share their scales.
struct Run {
  size_t begin = 0, count = 0;
  float block_scale = 1, outer = 1;
};

// The least magnitude that rounds to nearest beyond the largest: half a step above it.
double OverflowLimit(Element element) {
  const float largest = ElementMax(element);
  const auto below = static_cast<uint16_t>(EncodeElement(element, largest) - 1);
  return largest + (double{largest} - DecodeElement(element, below)) / 2;
}

void Compare(const BlockTensor& tensor, const std::vector<float>& values, const float* x,
             const Run& run, Fidelity& fidelity) {
  const FormatSpec& spec = SpecOf(tensor.format);
  const bool has_scale = !tensor.scales.empty();
  // Exact: 24 bits of an outer scale, at most 4 of a block scale that has one beside it, at most 12
  // of the limit.
  const double limit = OverflowLimit(spec.element) * run.block_scale * run.outer;
  const bool underflow = has_scale && run.block_scale == 0;
  uint64_t zeros = 0;
  bool any = false;
  for (size_t i = run.begin; i < run.begin + run.count; ++i) {
    zeros += DecodeElement(spec.element, tensor.codes[i]) == 0;
    any = any || x[i] != 0;
    if (!underflow && std::fabs(x[i]) >= limit) ++fidelity.saturated;
    if (!std::isfinite(x[i])) {
      ++fidelity.not_finite;
      continue;
    }
    const double error = double{values[i]} - x[i];
    fidelity.signal += double{x[i]} * x[i];
    fidelity.noise += error * error;
  }
  fidelity.elements += run.count;
  fidelity.zero_codes += zeros;
  if (!has_scale) return;
  ++fidelity.blocks;
  fidelity.zero_blocks += zeros == run.count;
  fidelity.scale_underflows += underflow && any;
}

}  // namespace

Fidelity CompareWithSource(const BlockTensor& tensor, const float* x) {
  const FormatSpec& spec = SpecOf(tensor.format);
  const std::vector<float> values = Dequantize(tensor);
  const auto columns = static_cast<size_t>(tensor.columns);
  // Without block scales a row is one run.
  const size_t step = tensor.scales.empty() ? columns : static_cast<size_t>(tensor.block);
  Fidelity fidelity;
  size_t block = 0;
  for (size_t row = 0; row < static_cast<size_t>(tensor.rows); ++row) {
    for (size_t begin = 0; begin < columns; begin += step) {
      Run run{row * columns + begin, std::min(step, columns - begin)};
      if (!tensor.scales.empty()) {
        run.block_scale = BlockScaleValue(spec.block_scale, tensor.scales[block++]);
      }
      if (!tensor.outer.empty()) {
        run.outer = tensor.outer[spec.outer == OuterScale::kChannel ? row : 0].decode;
      }
      Compare(tensor, values, x, run, fidelity);
    }
  }
  return fidelity;
}

double StoredBitsPerElement(const BlockTensor& tensor, bool with_outer) {
  const auto rows = static_cast<double>(tensor.rows);
  const auto columns = static_cast<size_t>(tensor.columns);
  const auto row_bytes =
      static_cast<double>(PackedBytes(ElementBits(tensor.format), tensor.columns));
  const double scales = static_cast<double>(tensor.scales.size()) * BlockScaleBits(tensor.format);
  const double outer = with_outer ? 32.0 * static_cast<double>(tensor.outer.size()) : 0;
  return (8 * row_bytes * rows + scales + outer) / (rows * static_cast<double>(columns));
}

}  // namespace nibble::numerics
