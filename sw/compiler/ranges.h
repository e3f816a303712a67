// Which range a tensor is calibrated to, from the magnitudes that were seen: the largest, or less.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "models/numerics/format_spec.h"

namespace nibble::compiler {

struct RangeChoice {
  enum class Method : uint8_t {
    kAmax,          // the largest magnitude
    kPercentile,    // what `percentile` percent of all elements do not exceed
    kSquaredError,  // where elements of `format` under one scale have the least squared error
  };
  Method method = Method::kAmax;
  double percentile = 100;  // above 0, at most 100
  numerics::Format format = numerics::Format::kFp4Tensor;
};

// "amax", "percentile:P", "mse" or "mse:FORMAT", where FORMAT has a scale for the whole tensor and
// none for blocks (fp4-tensor, fp8, fp8-e5m2, int4-channel, int8-channel). Throws
// std::invalid_argument that names what is expected.
RangeChoice ParseRangeChoice(const std::string& text);

// Counts magnitudes in bins of seven mantissa bits: an exact largest one, and everything else to
// one part in 128. NaN and infinities are left out.
class MagnitudeHistogram {
 public:
  MagnitudeHistogram();
  void Add(const std::vector<float>& x);

  float Range(const RangeChoice& choice) const;

 private:
  float Percentile(double percent) const;
  float LeastSquaredError(numerics::Element element) const;

  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
  float amax_ = 0;
};

}  // namespace nibble::compiler
