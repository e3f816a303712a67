// How much each parameter matters by itself.
#pragma once

#include <string>
#include <vector>

#include "sw/report_html/study_data.h"

namespace nibble::report_html {

// Points that agree in all that the plan varies but one parameter are compared with each other:
// `ratio` is, for each value of that parameter, the geometric mean over such groups of a point's
// metric over the geometric mean of its group.
struct Sensitivity {
  std::string key;
  std::vector<std::pair<std::string, double>> ratios;  // by value, ascending in ratio
  size_t groups = 0;
  double span() const { return ratios.empty() ? 1 : ratios.back().second / ratios.front().second; }
};
// Of the planned columns but the network's, largest span first. Those without a group of two are
// left out.
std::vector<Sensitivity> SensitivitiesOf(const StudyData& data, size_t metric);

std::string Tornado(const StudyData& data, size_t metric);

}  // namespace nibble::report_html
