// Preset files: `key = value` lines, [sections] that prefix the keys below them, # comments.
#pragma once

#include <string>
#include <vector>

#include "platforms/design_point.h"

namespace nibble::platforms {

struct Setting {
  std::string key, value;
  std::string where;  // "accel.cfg:12: ", or "" for the command line
};

// Reads a path, or NAME or NAME.cfg of DataFolder()/platforms. Throws ParameterError that names
// file and line. A line `platform = NAME` is checked against `platform` and not returned.
std::vector<Setting> ReadPreset(const std::string& config, Platform platform);

}  // namespace nibble::platforms
