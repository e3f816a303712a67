// A point of a plan: its key, and its row.
#pragma once

#include <string>

#include "sw/study/measure.h"
#include "sw/study/row.h"
#include "sw/study/space.h"

namespace nibble::study {

// 32 hex digits: XXH3-128 of the canonical resolved parameters, the trace's hash, the input, the
// tables and the program's version. Two points that resolve to the same machine have one key. Of a
// combination that the platform refuses: of the values as given.
std::string KeyOf(const Plan& plan, const Point& point, const Meter& meter);

// Never throws for a bad point: its error becomes the row.
Row RunPoint(const Plan& plan, const Point& point, const Meter& meter);

// The row of a point that ended the process that ran it.
Row FailedRow(const Plan& plan, const Point& point, const Meter& meter, const std::string& how);

}  // namespace nibble::study
