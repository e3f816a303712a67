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

// The parameters that were set, as provenance of a trace: "datapath.block=32 ...".
std::string DatapathText(const platforms::DesignPoint& design);

// The last part of a path, of a folder's too.
std::string FileName(const std::string& path);

}  // namespace nibble::cli
