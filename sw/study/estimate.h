// How long a study will take.
#pragma once

#include <cstdint>
#include <vector>

#include "sw/study/run_points.h"

namespace nibble::study {

struct Estimate {
  size_t tried = 0;  // points that ran to know
  double cpu_s = 0;  // of all points
};

// Runs a few points of every trace on every machine, spread over the list, and takes the others to
// need as long. Keeps no row. Throws as RunPoints.
Estimate EstimateTime(const Study& study, Meter& meter, const std::vector<StudyPoint>& points,
                      const RunOptions& options);

}  // namespace nibble::study
