// golden_vectors --dir DIR: checks the numerics against vectors made elsewhere, bit for bit.
// Exit codes: 0 all equal, 1 a value differs, 2 usage, 3 a file cannot be read or none was found.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tests/golden_vectors/directory.h"

namespace {

using nibble::golden_vectors::CheckFile;
using nibble::golden_vectors::FileResult;
using nibble::golden_vectors::KnownFiles;

void Print(const FileResult& result) {
  fmt::print("{:28} {:6} records {:9} values  {}\n", result.file, result.records, result.values,
             result.mismatch ? "DIFFERS" : "equal");
  for (const auto& [what, count] : result.not_checked) {
    fmt::print("{:28}   not checked: {} ({} times)\n", "", what, count);
  }
}

int Run(const std::string& directory) {
  const std::vector<std::string> files = KnownFiles(directory);
  if (files.empty()) {
    fmt::print(stderr, "{}: no file of golden vectors\n", directory);
    return 3;
  }
  std::string first_mismatch;
  for (const std::string& file : files) {
    const FileResult result = CheckFile(directory, file);
    Print(result);
    if (result.mismatch && first_mismatch.empty()) first_mismatch = result.mismatch->Text();
  }
  if (first_mismatch.empty()) return 0;
  fmt::print(stderr, "first mismatch: {}\n", first_mismatch);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks the numerics against golden vectors, bit for bit"};
  std::string directory;
  app.add_option("--dir", directory, "directory with some or all of the vector files")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return Run(directory);
  } catch (const nibble::golden_vectors::BadFile& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 3;
  }
}
