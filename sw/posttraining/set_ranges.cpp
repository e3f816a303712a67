#include "sw/posttraining/set_ranges.h"

namespace nibble::posttraining {
namespace {

// Least squared error of a format with one scale for the tensor alone; else all of the range.
compiler::RangeChoice ChoiceOf(numerics::Format format) {
  compiler::RangeChoice choice;
  const bool scaled = numerics::SpecOf(format).outer != numerics::OuterScale::kNone;
  if (!scaled || numerics::HasBlockScale(format)) return choice;
  choice.method = compiler::RangeChoice::Method::kSquaredError;
  choice.format = format;
  return choice;
}

}  // namespace

std::vector<RangeChange> SetRanges(trace::Network& net, const golden::Datapaths& datapaths,
                                   const std::vector<compiler::MagnitudeHistogram>& seen,
                                   const std::optional<compiler::RangeChoice>& choice) {
  std::vector<RangeChange> changes;
  for (size_t t = 0; t < net.tensors.size(); ++t) {
    float& amax = net.tensors[t].amax;
    const float range = seen[t].Range(choice ? *choice : ChoiceOf(datapaths.tensors[t].format));
    if (range != amax) changes.push_back({static_cast<int>(t), amax, range});
    amax = range;
  }
  return changes;
}

}  // namespace nibble::posttraining
