// A study in words and tables.
#pragma once

#include <string>
#include <vector>

#include "sw/study/objectives.h"
#include "sw/study/results.h"

namespace nibble::study {

// How far a study is, what is wrong with its files, and what to do next.
std::string StatusText(const Study& study, const Results& results);

// For each trace the points that no other beats, best in the first objective first, and why others
// have no figures. Throws as ValuesOf.
std::string ReportText(const Study& study, const Results& results,
                       const std::vector<Objective>& objectives);

}  // namespace nibble::study
