#include "sw/study/estimate.h"

#include <map>

namespace nibble::study {

Estimate EstimateTime(const Study& study, Meter& meter, const std::vector<StudyPoint>& points,
                      const RunOptions& options) {
  std::map<uint64_t, std::vector<StudyPoint>> by_block;  // by the first number of the space's block
  for (const StudyPoint& p : points) {
    by_block[study.space().BlockOf(p.number).first].push_back(p);
  }
  std::vector<StudyPoint> tried;
  std::map<std::string, size_t> stands_for;  // by key
  for (const auto& [first, block] : by_block) {
    tried.push_back(block[block.size() / 2]);
    stands_for[tried.back().key] += block.size();
  }
  Estimate estimate;
  estimate.tried = tried.size();
  RunPoints(study, meter, tried, options, [&](const Row& row, const Timing& timing) {
    estimate.cpu_s += timing.cpu_s * static_cast<double>(stands_for[row.key]);
  });
  return estimate;
}

}  // namespace nibble::study
