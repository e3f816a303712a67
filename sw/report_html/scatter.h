// Points of a study in two metrics, with the front. script.js draws the same picture again when
// axes or filters change.
#pragma once

#include <string>
#include <vector>

#include "sw/report_html/study_data.h"

namespace nibble::report_html {

struct Scatter {
  std::string id, label;
  size_t x = 0, y = 1;     // metrics
  size_t colour = 0;       // column whose values colour the points
  std::vector<size_t> of;  // points that are shown
};
std::string Draw(const StudyData& data, const Scatter& scatter);

}  // namespace nibble::report_html
