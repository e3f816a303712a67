// Results that go to a file or, named "-", to stdout.
#pragma once

#include <string>

namespace nibble::cli {

class OutputFile {
 public:
  OutputFile() = default;
  // Empty path: no output. Throws trace::OutputError at once when nothing can be written there, so
  // that no run is in vain.
  explicit OutputFile(std::string path);

  bool wanted() const { return !path_.empty(); }
  bool is_stdout() const { return path_ == "-"; }
  // Writes beside the file and renames, so that the file is never half written. Throws
  // trace::OutputError.
  void Write(const std::string& text) const;

 private:
  std::string path_;
};

// Throws trace::OutputError when `path` cannot be created or replaced.
void CheckWritable(const std::string& path);

// Writes to stdout. Throws trace::OutputError when that fails (a full disk behind it).
void Print(const std::string& text);

}  // namespace nibble::cli
