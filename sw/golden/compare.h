// How near two results are, and where two that should be equal first differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/numerics/activation_store.h"

namespace nibble::golden {

// Signal-to-quantisation-noise ratio in dB: 10 log10(sum reference^2 / sum (reference - x)^2), sums
// in double. +infinity for equal vectors. The vectors have the same length. For people: no result
// bit depends on it.
double Sqnr(const std::vector<float>& reference, const std::vector<float>& x);

// Indices of the `k` largest elements, largest first; of equal ones the lower index; NaN counts as
// smallest.
std::vector<int> TopK(const std::vector<float>& x, int k);

// Whether `label` is among the k best of `logits`.
bool InTopK(const std::vector<float>& logits, int label, int k);

struct Mismatch {
  std::string tensor;
  std::string field;  // "layout", "scale", "codes" or "scales"
  uint64_t index =
      0;  // element (codes) or block scale (scales) in the stored order, padding not counted
  uint32_t expected_code = 0, actual_code = 0;  // element codes, bits of scales or binary32 words
  float expected_value = 0, actual_value = 0;   // decoded
};
// The first difference, or nothing where all bits agree: layout, tensor scale, block scales, codes.
std::optional<Mismatch> FirstMismatch(const std::string& tensor,
                                      const numerics::StoredActivations& expected,
                                      const numerics::StoredActivations& actual);
// "tensor \"x\" scales[3]: expected 0x38 (1), got 0x40 (2)".
std::string ToString(const Mismatch& mismatch);

}  // namespace nibble::golden
