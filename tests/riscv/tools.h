// Programs that some tests need and that need not be installed.
#pragma once

#include <string>

namespace nibble::riscv {

// True when `tool` is in PATH. Otherwise prints the line that makes ctest report the test as
// skipped.
bool HasTool(const std::string& tool, const std::string& debian_package);

struct ToolResult {
  int status = -1;  // exit status; 128 + signal
  std::string output;
};
// Runs a shell command and takes its standard output.
ToolResult RunTool(const std::string& command);

// A folder for a test's files, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace nibble::riscv
