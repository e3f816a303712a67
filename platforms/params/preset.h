// Preset files: `key = value` lines, [sections] that prefix the keys below them, # comments.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platforms/design_point.h"

namespace nibble::platforms {

struct Setting {
  std::string key, value;
  std::string where;  // "accel.cfg:12: ", or "" for the command line
  int line = 0;       // 12
};

// A line that is neither blank nor a comment nor a [section], comment cut off.
struct ConfigLine {
  std::string text, section, where;
  int number = 0;
};
// Calls `take` for each of the file at `path`. Throws ParameterError when it cannot be read.
void ForEachConfigLine(const std::string& path, const std::function<void(const ConfigLine&)>& take);
// `key = value`, the section put before the key. Throws ParameterError for another form.
Setting ParseConfigLine(const ConfigLine& line);

// Refuses a key that is given twice in a file: throws ParameterError naming the first line.
class KeysOnce {
 public:
  void Add(const Setting& setting);

 private:
  std::map<std::string, int> line_of_key_;
};

// A path, or the path of NAME or NAME.cfg in DataFolder()/platforms. Throws ParameterError.
std::string FindPreset(const std::string& config);
// What its line `platform = NAME` says, where it has one.
std::optional<Platform> PlatformOfPreset(const std::string& config);

// Reads a path, or NAME or NAME.cfg of DataFolder()/platforms. Throws ParameterError that names
// file and line. A line `platform = NAME` is checked against `platform` and not returned.
std::vector<Setting> ReadPreset(const std::string& config, Platform platform);

}  // namespace nibble::platforms
