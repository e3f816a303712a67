#include "sw/cli/trace_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "platforms/design_point.h"
#include "sw/trace/file.h"

namespace nibble::cli {

namespace fs = std::filesystem;

std::string FindTrace(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored)) return name;
  const fs::path folder = fs::path(platforms::DataFolder()) / "traces";
  const fs::path installed = folder / name;
  if (fs::exists(installed, ignored)) return installed.string();

  std::vector<std::string> known;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".trc") known.push_back(entry.path().filename().string());
  }
  std::sort(known.begin(), known.end());
  throw trace::FileError(fmt::format(
      "trace '{}' not found, neither as a path nor in {} (which has {})", name, folder.string(),
      known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))));
}

void AddTraceArgument(CLI::App& command, std::string& trace) {
  command.add_option("trace", trace, "a path, or a name in traces/")
      ->option_text("NET.trc")
      ->required();
}

void AddTraceOutput(CLI::App& command, std::string& path) {
  command.add_option("-o,--output", path, "the trace to write")->option_text("OUT.trc")->required();
}

}  // namespace nibble::cli
