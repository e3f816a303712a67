#include "platforms/params/preset.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "platforms/params/schema.h"
#include "platforms/params/value.h"

namespace nibble::platforms {
std::string FindPreset(const std::string& config) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(config, ignored)) return config;
  std::string path = DataFolder() + "/platforms/" + config;
  if (std::filesystem::path(path).extension() != ".cfg") path += ".cfg";
  if (std::filesystem::is_regular_file(path, ignored)) return path;
  throw ParameterError("platform file \"" + config + "\": no such file or preset; presets: " +
                       Join(DataFileNames("platforms", ".cfg"), ", "));
}

void ForEachConfigLine(const std::string& path,
                       const std::function<void(const ConfigLine&)>& take) {
  std::ifstream file(path);
  if (!file) throw ParameterError(path + ": cannot be read");
  std::string section;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::string text = Trim(line.substr(0, line.find('#')));
    if (text.empty()) continue;
    if (text.front() == '[' && text.back() == ']') {
      section = Trim(text.substr(1, text.size() - 2));
      continue;
    }
    take({text, section, fmt::format("{}:{}: ", path, number), number});
  }
}

Setting ParseConfigLine(const ConfigLine& line) {
  const size_t equals = line.text.find('=');
  const std::string key = equals == std::string::npos ? "" : Trim(line.text.substr(0, equals));
  if (key.empty()) {
    throw ParameterError(fmt::format("{}expected \"key = value\" or \"[section]\", found \"{}\"",
                                     line.where, line.text));
  }
  return {line.section.empty() ? key : line.section + "." + key, Trim(line.text.substr(equals + 1)),
          line.where, line.number};
}

std::optional<Platform> PlatformOfPreset(const std::string& config) {
  std::optional<Platform> platform;
  ForEachConfigLine(FindPreset(config), [&](const ConfigLine& line) {
    const Setting s = ParseConfigLine(line);
    if (s.key == "platform") platform = ParsePlatform(s.value);
  });
  return platform;
}

void KeysOnce::Add(const Setting& s) {
  const auto [first, is_new] = line_of_key_.emplace(s.key, s.line);
  if (is_new) return;
  throw ParameterError(fmt::format("{}{} = \"{}\": given before, in line {}", s.where, s.key,
                                   s.value, first->second));
}

std::vector<Setting> ReadPreset(const std::string& config, Platform platform) {
  std::vector<Setting> settings;
  KeysOnce once;
  ForEachConfigLine(FindPreset(config), [&](const ConfigLine& line) {
    const Setting s = ParseConfigLine(line);
    if (s.key == "platform") {
      if (s.value != PlatformName(platform)) {
        throw ParameterError(
            fmt::format("{}platform = \"{}\": another platform than the one asked for, {}", s.where,
                        s.value, PlatformName(platform)));
      }
      return;
    }
    once.Add(s);
    settings.push_back(s);
  });
  return settings;
}

}  // namespace nibble::platforms
