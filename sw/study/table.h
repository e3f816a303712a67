// The rows of a study for other programs, in the order of its points. The same bytes from one
// process and from any number of shards: no times, no hosts.
#pragma once

#include <string>

#include "sw/study/results.h"
#include "sw/study/study.h"

namespace nibble::study {

// A line of headings, and one line for each point: what the plan gives it, status, error, and the
// totals of docs/results.md, those within others as NAME.PART. Points without a row have the status
// "missing".
std::string ToCsv(const Study& study, const Results& results);

// Schema "nibble.sweep/1": besides, every resolved parameter.
std::string ToJson(const Study& study, const Results& results);

}  // namespace nibble::study
