#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "platforms/params/schema.h"

namespace nibble::platforms {
namespace fs = std::filesystem;

namespace {
bool HoldsData(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "platforms" / "energy", ignored);
}
}  // namespace

std::string DataFolder() {
  if (const char* given = std::getenv("NIBBLE_DATA")) {
    if (HoldsData(given)) return given;
    throw ParameterError("NIBBLE_DATA = \"" + std::string(given) +
                         "\": expected a folder that holds platforms/energy");
  }
  const fs::path executable = fs::read_symlink("/proc/self/exe");
  for (fs::path folder = executable.parent_path();; folder = folder.parent_path()) {
    if (HoldsData(folder)) return folder;
    if (folder == folder.root_path()) break;
  }
  const fs::path installed = executable.parent_path().parent_path() / "share" / "nibble";
  if (HoldsData(installed)) return installed;
  throw ParameterError("no data folder (one that holds platforms/energy) above " +
                       executable.string() + " nor at " + installed.string() + "; set NIBBLE_DATA");
}

std::vector<std::string> DataFileNames(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(DataFolder()) / folder)) {
    if (entry.path().extension() == ending) names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nibble::platforms
