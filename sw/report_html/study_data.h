// A study as the report needs it: figures of its points, what varies, and layers of some.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sw/report/run_file.h"

namespace nibble::report_html {

struct Metric {
  std::string id, name, unit;
  bool most = false;  // the more the better
};

// Something that differs between points: network, platform, preset, or a parameter.
struct Column {
  std::string key;
  std::vector<std::string> values;  // in order of appearance, or of the plan
  bool planned = false;             // the plan varies it; else it follows from what does
};

struct StudyPoint {
  std::string key, command;     // ledger key; the command that runs it again
  std::vector<int> values;      // by column: index of its value; -1: the platform has none
  std::vector<double> metrics;  // by metric; NaN: none
  std::string platform;
};

struct StudyData {
  std::string folder, version;
  std::vector<Metric> metrics;
  std::vector<Column> columns;     // the network's is the first
  std::vector<StudyPoint> points;  // ok ones, in the order of the study
  size_t refused = 0, failed = 0, missing = 0;
  // Parameters that are the same at all points, by platform.
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> constants;
  std::map<size_t, report::RunFile> runs;  // by point: those with layers
};

// Reads the study in `folder`. Layers are read for the points of each network's front in latency
// and energy, and for others in their order until there are `most_layers` points with layers.
// Throws as study::Study and study::ReadResults.
StudyData ReadStudy(const std::string& folder, size_t most_layers);

// Indices of the points among `of` that no other beats in metrics `x` and `y`, in order of x.
// Points that lack one are left out; of equal ones the first counts.
std::vector<size_t> FrontOf(const StudyData& data, const std::vector<size_t>& of, size_t x,
                            size_t y);

}  // namespace nibble::report_html
