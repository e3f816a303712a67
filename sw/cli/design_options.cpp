#include "sw/cli/design_options.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>

#include "platforms/params/core_parameters.h"
#include "sw/cli/errors.h"

namespace nibble::cli {

void DesignOptions::AddTo(CLI::App& app) {
  const char* group = "Design point";
  app.add_option("-p,--platform", platform, "accel or nearmem")
      ->capture_default_str()
      ->group(group);
  app.add_option("-c,--config", config, "file of key = value lines, or the name of a preset")
      ->option_text("FILE")
      ->group(group);
  app.add_option("-s,--set", sets,
                 "one parameter, see `sim params`; may be repeated, the last one counts")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(group);
}

platforms::DesignPoint DesignOptions::Resolve() const {
  platforms::DesignPoint design = ResolveWithCore();
  platforms::RefuseCoreParameters(design);
  return design;
}

platforms::DesignPoint DesignOptions::ResolveWithCore() const {
  return platforms::Resolve(platforms::ParsePlatform(platform), config, sets);
}

void RequireDatapath(const std::vector<std::string>& sets) {
  for (const std::string& set : sets) {
    const bool known = set.rfind("datapath.", 0) == 0 || set.rfind("accumulator.", 0) == 0 ||
                       set.rfind("layers.", 0) == 0;
    if (!known) {
      throw UsageError(fmt::format(
          "--set {}: only datapath.*, accumulator.* and layers.* have a meaning without a machine",
          set));
    }
  }
}

std::string DatapathText(const platforms::DesignPoint& design) {
  std::string text;
  for (const platforms::Parameter& p : design.parameters) {
    if (p.is_default) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", p.name, p.value);
  }
  return text.empty() ? "the default datapath" : text;
}

std::string FileName(const std::string& path) {
  const std::filesystem::path p(path);
  return (p.has_filename() ? p : p.parent_path()).filename().string();
}

}  // namespace nibble::cli
