// Calls the built `sim` program as a user does.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace nibble::cli_test {

struct Result {
  int exit_code = 0;  // as the shell reports it
  std::string out, err;
};

// A folder of its own for one test case, removed with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }
  size_t files() const;  // in the folder itself

 private:
  std::filesystem::path path_;
};

// sim `arguments` through the shell, in the folder; `before` is put before the program's name.
Result Sim(const Folder& folder, const std::string& arguments, const std::string& before = "");

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

// MobileNetV2 at the least resolution, compiled once for all test cases of the process.
std::string SmallTrace();

// The JSON file of a run of SmallTrace(), which must succeed.
nlohmann::json RunJson(const std::string& arguments);

// Exactly one line, from `sim:` on.
bool IsOneLine(const std::string& err);

}  // namespace nibble::cli_test
