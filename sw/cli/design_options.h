// --platform, --config and --set: what several subcommands need to know a design point.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "platforms/design_point.h"

namespace nibble::cli {

struct DesignOptions {
  std::string platform = "accel";
  std::string config;
  std::vector<std::string> sets;

  void AddTo(CLI::App& app);
  // Refuses what platforms::RefuseCoreParameters() does: most commands run no firmware.
  platforms::DesignPoint Resolve() const;
  platforms::DesignPoint ResolveWithCore() const;
};

// Throws UsageError for a --set of a parameter that changes no result bit: without a machine it
// would be ignored.
void RequireDatapath(const std::vector<std::string>& sets);

using platforms::ConfigText;

}  // namespace nibble::cli
