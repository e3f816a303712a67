#include "sw/report/quality.h"

#include <cmath>
#include <stdexcept>

#include "sw/golden/compare.h"

namespace nibble::report {

void QualityMeter::Add(const std::vector<float>& output, const std::vector<float>& fp32,
                       int label) {
  if (output.size() != fp32.size() || output.empty()) {
    throw std::invalid_argument("quality: outputs of different sizes");
  }
  for (size_t i = 0; i < output.size(); ++i) {
    const double reference = fp32[i];
    const double difference = output[i] - reference;
    signal_ += reference * reference;
    error_ += difference * difference;
  }
  const int fp32_class = golden::TopK(fp32, 1)[0];
  ++quality_.images;
  quality_.top1_agree += golden::InTopK(output, fp32_class, 1);
  quality_.top5_agree += golden::InTopK(output, fp32_class, 5);
  if (label >= 0) {
    if (!quality_.accuracy) quality_.accuracy.emplace();
    quality_.accuracy->top1 += golden::InTopK(output, label, 1);
    quality_.accuracy->top5 += golden::InTopK(output, label, 5);
    quality_.accuracy->fp32_top1 += golden::InTopK(fp32, label, 1);
    quality_.accuracy->fp32_top5 += golden::InTopK(fp32, label, 5);
  }
}

Quality QualityMeter::Result() const {
  Quality result = quality_;
  result.exact = error_ == 0;
  // Two decimals: what is printed, and coarser than any difference between C libraries.
  if (!result.exact) result.sqnr_db = std::round(1000.0 * std::log10(signal_ / error_)) / 100.0;
  return result;
}

}  // namespace nibble::report
