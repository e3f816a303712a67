#include "sw/study/estimate.h"

#include <algorithm>
#include <map>

namespace nibble::study {

// Several, for one alone may be refused at once.
constexpr size_t kTriedOfBlock = 4;

Estimate EstimateTime(const Study& study, Meter& meter, const std::vector<StudyPoint>& points,
                      const RunOptions& options) {
  std::map<uint64_t, std::vector<StudyPoint>> by_block;  // by the first number of the space's block
  for (const StudyPoint& p : points) {
    by_block[study.space().BlockOf(p.number).first].push_back(p);
  }
  std::vector<StudyPoint> tried;
  std::map<std::string, double> stands_for;  // by key
  for (const auto& [first, block] : by_block) {
    const size_t count = std::min(kTriedOfBlock, block.size());
    for (size_t i = 0; i < count; ++i) {
      tried.push_back(block[(2 * i + 1) * block.size() / (2 * count)]);
      stands_for[tried.back().key] +=
          static_cast<double>(block.size()) / static_cast<double>(count);
    }
  }
  Estimate estimate;
  estimate.tried = tried.size();
  RunPoints(study, meter, tried, options, [&](const Row& row, const Timing& timing) {
    estimate.cpu_s += timing.cpu_s * stands_for[row.key];
  });
  return estimate;
}

}  // namespace nibble::study
