// What charts have in common: a frame with axes, legends, colours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sw/report_html/scale.h"
#include "sw/report_html/svg.h"

namespace nibble::report_html {

inline constexpr double kWidth = 860;  // px of every chart's view box

struct Frame {
  double left = 0, top = 0, right = 0, bottom = 0;  // of the plotting area
};

void AxisBelow(Svg& svg, const Scale& scale, const Frame& frame, const std::string& title);
void AxisLeft(Svg& svg, const Scale& scale, const Frame& frame, const std::string& title);

// CSS class of the fill of an energy component or a stall cause. Components of one kind have one
// hue (DRAM blue, scratchpads orange, ...) in several shades, so that a dozen can be told apart,
// also by the colour-blind. In dark mode the same classes have other colours.
std::string ComponentClass(const std::string& component);
std::string CauseClass(const std::string& cause);  // "busy", "load", ..., "rest"
// Of values without an order: of eight, by index.
std::string CategoryClass(size_t index);
inline constexpr size_t kCategories = 8;

// "Key" boxes with names, wrapped to the width, as HTML.
std::string Legend(const std::vector<std::pair<std::string, std::string>>& classes_and_names);

// Bars from left to right, one a row, each of parts one after the other.
struct Bar {
  std::string name;
  std::string tip;  // of the whole
  struct Part {
    std::string css, name;
    double value = 0;
  };
  std::vector<Part> parts;
  double mark = -1;  // a tick across the bar; < 0: none
};
struct BarChart {
  std::string id, label, axis, unit;
  std::vector<Bar> bars;
};
std::string Draw(const BarChart& chart);

}  // namespace nibble::report_html
