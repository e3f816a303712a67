#include "sw/report/quality.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace nibble::report {

namespace {

bool Contains(const std::vector<int>& classes, int label) {
  return std::find(classes.begin(), classes.end(), label) != classes.end();
}

}  // namespace

std::vector<int> TopClasses(const std::vector<float>& output, int count) {
  std::vector<int> order(output.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](int i) {
    return std::isnan(output[i]) ? -std::numeric_limits<float>::infinity() : output[i];
  };
  const auto end = order.begin() + std::min<ptrdiff_t>(count, static_cast<ptrdiff_t>(order.size()));
  std::partial_sort(order.begin(), end, order.end(),
                    [&](int a, int b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  order.erase(end, order.end());
  return order;
}

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
  const std::vector<int> top = TopClasses(output, 5);
  const std::vector<int> fp32_top = TopClasses(fp32, 5);
  ++quality_.images;
  quality_.top1_agree += top[0] == fp32_top[0];
  quality_.top5_agree += Contains(top, fp32_top[0]);
  if (label >= 0) {
    if (!quality_.accuracy) quality_.accuracy.emplace();
    quality_.accuracy->top1 += top[0] == label;
    quality_.accuracy->top5 += Contains(top, label);
    quality_.accuracy->fp32_top1 += fp32_top[0] == label;
    quality_.accuracy->fp32_top5 += Contains(fp32_top, label);
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
