#include "platforms/params/preset.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "platforms/params/schema.h"
#include "platforms/params/value.h"

namespace nibble::platforms {
namespace {

std::ifstream Open(const std::string& config, std::string& path) {
  std::error_code ignored;
  path = config;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    path = DataFolder() + "/platforms/" + config;
    if (std::filesystem::path(path).extension() != ".cfg") path += ".cfg";
  }
  std::ifstream file(path);
  if (!file || !std::filesystem::is_regular_file(path, ignored)) {
    throw ParameterError("platform file \"" + config + "\": no such file or preset; presets: " +
                         Join(DataFileNames("platforms", ".cfg"), ", "));
  }
  return file;
}

}  // namespace

std::vector<Setting> ReadPreset(const std::string& config, Platform platform) {
  std::string path;
  std::ifstream file = Open(config, path);
  std::vector<Setting> settings;
  std::map<std::string, int> line_of_key;
  std::string section;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string where = fmt::format("{}:{}: ", path, ++number);
    const std::string text = Trim(line.substr(0, line.find('#')));
    if (text.empty()) continue;
    if (text.front() == '[' && text.back() == ']') {
      section = Trim(text.substr(1, text.size() - 2));
      continue;
    }
    const size_t equals = text.find('=');
    std::string key = equals == std::string::npos ? "" : Trim(text.substr(0, equals));
    if (key.empty()) {
      throw ParameterError(
          fmt::format("{}expected \"key = value\" or \"[section]\", found \"{}\"", where, text));
    }
    const std::string value = Trim(text.substr(equals + 1));
    if (section.empty() && key == "platform") {
      if (value != PlatformName(platform)) {
        throw ParameterError(
            fmt::format("{}platform = \"{}\": another platform than the one asked for, {}", where,
                        value, PlatformName(platform)));
      }
      continue;
    }
    if (!section.empty()) key.insert(0, section + ".");
    const auto [first, is_new] = line_of_key.emplace(key, number);
    if (!is_new) {
      throw ParameterError(
          fmt::format("{}{} = \"{}\": given before, in line {}", where, key, value, first->second));
    }
    settings.push_back({key, value, where});
  }
  return settings;
}

}  // namespace nibble::platforms
