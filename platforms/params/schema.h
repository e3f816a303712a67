// The typed schema: every parameter of a platform with its range, default, meaning and place in
// DesignPoint.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platforms/design_point.h"

namespace nibble::platforms {

struct SchemaEntry {
  Parameter info;  // value == default_value
  // Parses the text into the design point and returns it in canonical form. Throws ValueError.
  std::function<std::string(const std::string& text, DesignPoint& design)> set;
};

std::vector<SchemaEntry> Schema(Platform platform);

// Names (without the folder and the ending) of the files in DataFolder()/`folder` that end in
// `ending`, sorted.
std::vector<std::string> DataFileNames(const std::string& folder, const std::string& ending);

}  // namespace nibble::platforms
