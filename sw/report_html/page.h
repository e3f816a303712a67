// Whole pages: one file, no network, light and dark.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sw/report/run_file.h"
#include "sw/report_html/study_data.h"

namespace nibble::report_html {

std::string RunPage(const report::RunFile& run);
std::string StudyPage(const StudyData& data);

// Pieces of both.
struct Page {
  std::string kind;  // CSS class of the body: "run", "study"
  std::string title, subtitle, body;
  std::vector<std::pair<std::string, std::string>> facts;  // value, what it is
  std::string json;                                        // for script.js; empty: none
};
std::string Html(const Page& page);
// Nothing where there is no chart.
std::string Section(const std::string& heading, const std::string& text, const std::string& chart);

}  // namespace nibble::report_html
