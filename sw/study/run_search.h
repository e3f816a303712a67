// A search, run: its points are those of the study, as they come.
#pragma once

#include <vector>

#include "sw/study/objectives.h"
#include "sw/study/run_points.h"
#include "sw/study/search.h"

namespace nibble::study {

// Searches for the front of `objectives`. Rows are committed to the merged ledger, the study is
// saved with the points so far before each generation runs, and points with a finished row there do
// not run again: a search that was stopped goes on by being started again. Throws as Search,
// RunPoints, Ledger and ValuesOf.
Tally RunSearch(Study& study, Meter& meter, const std::vector<Objective>& objectives,
                const SearchOptions& search, const RunOptions& options, Damage* damage);

}  // namespace nibble::study
